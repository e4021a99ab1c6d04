"""The doctor: each thing that is wrong is named, with what to do; nothing is changed by looking."""

import asyncio
import socket
from pathlib import Path

import pytest

from concert import doctor
from concert.doctor import Finding, examine
from concert.embedded import EmbeddedPostgres, EmbeddedTemporal
from concert.embedded.directory import Lock
from concert.settings import Settings
from tests.embedded.conftest import ask
from tests.house import House


def wrong(settings: Settings) -> dict[str, Finding]:
    """What is not in order; whatever is must have no remedy, and what is not must have one."""
    findings = examine(settings)
    assert all(finding.ok != bool(finding.remedy) for finding in findings)
    return {finding.name: finding for finding in findings if not finding.ok}


def test_a_machine_in_order_has_no_complaint(home: Path) -> None:
    settings = Settings(data_dir=home / "new", http_port=0)
    assert wrong(settings) == {}
    assert {finding.name for finding in examine(settings)} >= {
        "python",
        "packages",
        "postgres",
        "temporal",
        "disk",
    }
    assert not (home / "new").exists()


def test_a_stranger_with_one_of_our_names_is_found(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owners = {"workflows": ["concert", "llama-index-workflows"], "api": ["concert"]}
    monkeypatch.setattr(doctor, "packages_distributions", lambda: owners)
    finding = wrong(Settings(data_dir=home, http_port=0))["packages"]
    assert "`workflows`" in finding.what
    assert "pip uninstall llama-index-workflows" in finding.remedy


def test_a_directory_in_use_names_its_holder(home: Path) -> None:
    lock = Lock(home / "lock")
    lock.take()
    finding = wrong(Settings(data_dir=home, http_port=0))["data directory"]
    lock.release()
    assert finding.remedy.startswith("Stop it: kill ")
    assert wrong(Settings(data_dir=home, http_port=0)) == {}


def test_old_data_no_room_and_a_taken_port(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("17\n")
    monkeypatch.setattr(doctor, "ROOM", 2**80)
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        found = wrong(Settings(data_dir=home, http_port=occupied.getsockname()[1]))
    assert set(found) == {"data version", "disk", "port"}
    assert "CONCERT_HTTP_PORT" in found["port"].remedy


def test_a_port_where_concert_itself_answers_is_not_taken(house: House) -> None:
    port = house.http.base_url.port
    assert port
    settings = house.settings.model_copy(update={"http_port": port})
    (found,) = [each for each in examine(settings) if each.name == "port" and str(port) in each.what]
    assert (found.ok, found.what) == (True, f"127.0.0.1:{port} is where Concert's API answers")


def test_a_port_where_another_concert_answers_is_taken(house: House, home: Path) -> None:
    port = house.http.base_url.port
    found = wrong(Settings(data_dir=home, http_port=port or 0))
    assert "CONCERT_HTTP_PORT" in found["port"].remedy


def test_a_login_that_row_security_does_not_bind_is_named(postgres: EmbeddedPostgres) -> None:
    ask(postgres, "CREATE ROLE concert_api LOGIN PASSWORD 'made-up'")
    ask(postgres, "CREATE ROLE sly LOGIN BYPASSRLS PASSWORD 'made-up'")
    place = f"127.0.0.1:{postgres.port}/concert"

    def complaint(url: str) -> str:
        found = wrong(Settings(database_url=url, temporal_address="", http_port=0, data_dir=postgres.data_dir))
        return found["database (API)"].what if "database (API)" in found else ""

    assert complaint(f"postgresql+psycopg://concert_api:made-up@{place}") == ""
    assert complaint(postgres.admin_url) == "the role concert_admin is a superuser"
    assert complaint(f"postgresql+psycopg://sly:made-up@{place}") == "the role sly bypasses row security"
    assert "failed" in complaint(f"postgresql+psycopg://concert_api:guess@{place}")
    assert "made-up" not in complaint("postgresql+psycopg://concert_api:made-up@127.0.0.1:1/concert")


def test_temporal_and_its_namespace_are_asked_for(home: Path) -> None:
    server = EmbeddedTemporal(home)
    asyncio.run(server.start())
    try:
        settings = Settings(temporal_address=server.address, data_dir=home, http_port=0)
        assert "temporal" not in wrong(settings)
        missing = wrong(settings.model_copy(update={"temporal_namespace": "missing"}))
        assert "missing" in missing["temporal"].what
        asyncio.run(server.kill())
        assert "temporal" in wrong(settings)
    finally:
        asyncio.run(server.stop())
