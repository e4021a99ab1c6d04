"""Tokens of one-use links: only what this key signed is one."""

from __future__ import annotations

from uuid import uuid4

import pytest
from joserfc import jws
from joserfc.jwk import OctKey

from api.links import Links
from concert.parts import links_of
from concert.settings import Settings

KEY = b"a key of thirty-two bytes or more"


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
