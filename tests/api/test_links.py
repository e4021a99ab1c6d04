"""Tokens of one-use links: only what this key signed is one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest.mock import Mock
from uuid import uuid4

import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from api.cursors import Cursors
from api.links import Links
from concert.application import application
from concert.parts import links_of
from concert.settings import Settings
from services.transaction import Record

KEY = b"a key of thirty-two bytes or more"
RECORD: Record = Mock()


def test_a_token_names_its_link() -> None:
    link = uuid4()
    assert Links(KEY).read(Links(KEY).sign(link)) == link


@pytest.mark.parametrize("payload", [b"", b"short", b"x" * 16 + b"y", b"0" * 32])
def test_a_token_that_names_none_is_none(payload: bytes) -> None:
    signed = jws.serialize_compact({"alg": "HS256"}, payload, OctKey.import_key(KEY))
    assert Links(KEY).read(signed) is None


def test_no_other_algorithm_and_no_other_key() -> None:
    link = uuid4()
    other = jws.serialize_compact({"alg": "HS512"}, link.bytes, OctKey.import_key(KEY * 2), algorithms=["HS512"])
    assert Links(KEY).read(other) is None
    assert Links(KEY).read(Links(KEY[::-1]).sign(link)) is None
    for text in ("", ".", "..", "é.é.é", "a" * 5000):
        assert Links(KEY).read(text) is None


def test_api_and_relay_make_the_same_key_from_one_secret_and_none_from_one_address() -> None:
    api = Settings(_env_file=None, database_url="postgresql://a", link_secret="shared")
    relay = Settings(_env_file=None, engine_database_url="postgresql://b", link_secret="shared")
    one, other, link = links_of(api), links_of(relay), uuid4()
    assert one is not None
    assert other is not None
    assert one.read(other.sign(link)) == link
    assert links_of(Settings(_env_file=None, database_url="postgresql://a")) is None


def started(data_dir: Path, port: int) -> Links:
    """As `concert up` makes them, whose PostgreSQL has another port at each start."""
    api, engine = (f"postgresql://{login}@127.0.0.1:{port}/concert" for login in ("concert_api", "concert_engine"))
    links = links_of(Settings(_env_file=None, data_dir=data_dir, database_url=api, engine_database_url=engine))
    assert links is not None
    return links


def test_a_link_outlives_a_restart_and_its_secret_stays_private(tmp_path: Path) -> None:
    link = uuid4()
    token = started(tmp_path, 40001).sign(link)
    assert started(tmp_path, 40002).read(token) == link
    assert started(tmp_path / "of somebody else", 40001).read(token) is None
    assert (tmp_path / "link.secret").stat().st_mode & 0o777 == 0o600


def test_processes_that_start_at_once_read_each_others_links(tmp_path: Path) -> None:
    link = uuid4()
    with ThreadPoolExecutor(8) as pool:
        all_of_them = list(pool.map(lambda port: started(tmp_path, port), range(40001, 40009)))
    assert {each.read(all_of_them[0].sign(link)) for each in all_of_them} == {link}
    assert [each.name for each in tmp_path.iterdir()] == ["link.secret"]


def test_a_page_goes_on_after_a_restart(tmp_path: Path) -> None:
    def app(port: int, **more: str) -> Cursors:
        address = f"postgresql://concert_api@127.0.0.1:{port}/concert"
        settings = Settings(_env_file=None, data_dir=tmp_path, database_url=address, **more)  # type: ignore[arg-type]
        cursors: Cursors = application(settings, RECORD).state.cursors
        return cursors

    both = {"engine_database_url": "postgresql://concert_engine@127.0.0.1/concert"}
    for more in (both, {"link_secret": "shared"}):
        assert app(40002, **more).decode(app(40001, **more).encode([7], "a list"), "a list") == (7,)
    assert app(40001).decode(app(40001).encode([7], "a list"), "a list") == (7,)
