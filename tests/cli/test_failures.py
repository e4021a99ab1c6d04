"""What may go wrong is told in words, with the command to run next, and never as a traceback."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.house import House

AWAY = "postgresql+psycopg://concert_api:secret@127.0.0.1:9/concert"


@pytest.mark.parametrize(
    "command",
    ["stalled", "indicators", "logins", "rehydrate", "reconcile --check", "migrate", "seed", "worker", "relay", "api"],
)
def test_where_nothing_runs_the_next_command_is_named(command: str, tried: Run, home: Path) -> None:
    status, said = tried(*command.split())
    assert status == 1
    assert f"Nothing runs in {home}" in said
    assert "concert up" in said


@pytest.mark.parametrize(
    "command",
    [
        "agenda", "engine", "indicators", "indicators show referrals_sent", "partners", "publish 2026-01 --preview",
        "stalled", "templates", "templates show reentry",
    ],
)  # fmt: skip
def test_for_whoever_nobody_knows_the_next_command_lists_the_logins(command: str, tried: Run, house: House) -> None:
    urls = {
        "CONCERT_DATABASE_URL": house.settings.database_url,
        "CONCERT_ENGINE_DATABASE_URL": house.settings.engine_database_url,
    }
    status, said = tried(*command.split(), "--as", "nobody.x", **urls)
    assert (status, "That login is unknown" in said, "concert logins" in said) == (1, True, True), said


def test_a_token_needs_a_key_that_somebody_uses(tried: Run, home: Path) -> None:
    status, said = tried("token", "maria.cap")
    assert (status, "concert up" in said) == (1, True)
    assert not (home / "issuer.pem").exists()


def test_with_an_issuer_of_its_own_no_token_is_made_here(tried: Run) -> None:
    status, said = tried("token", "maria.cap", CONCERT_OIDC_ISSUER="https://sign-in.example.org")
    assert (status, "https://sign-in.example.org" in said) == (1, True)


@pytest.mark.parametrize("command", ["logins", "seed", "migrate", "stalled", "indicators verify"])
def test_a_database_that_is_away_is_named(command: str, tried: Run) -> None:
    names = ("CONCERT_DATABASE_URL", "CONCERT_ENGINE_DATABASE_URL", "CONCERT_ADMIN_DATABASE_URL")
    status, said = tried(*command.split(), **dict.fromkeys(names, AWAY))
    assert (status, "The database does not answer" in said, "concert doctor" in said) == (1, True, True)


def test_a_temporal_that_is_away_is_named(tried: Run, house: House) -> None:
    urls = {
        "CONCERT_ENGINE_DATABASE_URL": house.settings.engine_database_url,
        "CONCERT_TEMPORAL_ADDRESS": "127.0.0.1:9",
    }
    status, said = tried("reconcile", "--check", **urls)
    assert (status, "Temporal does not answer at 127.0.0.1:9" in said, "concert doctor" in said) == (1, True, True)


def test_an_address_that_is_lacking_is_named(tried: Run) -> None:
    status, said = tried("indicators", "verify", CONCERT_DATABASE_URL=AWAY)
    assert (status, "CONCERT_ENGINE_DATABASE_URL is not set" in said) == (1, True)


def test_a_database_without_our_tables_asks_for_the_migration(tried: Run, house: House) -> None:
    bare = house.admin_url.rpartition("/")[0] + "/postgres"
    status, said = tried("logins", CONCERT_ADMIN_DATABASE_URL=bare)
    assert (status, "concert migrate" in said) == (1, True)


def test_a_login_that_row_security_cannot_bind_is_refused(tried: Run, house: House) -> None:
    status, said = tried("api", CONCERT_DATABASE_URL=house.admin_url, CONCERT_HTTP_PORT="0")
    assert (status, "row security" in said) == (1, True)


@pytest.mark.parametrize("command", ["up", "api"])
def test_a_port_that_is_taken_names_its_setting(command: str, tried: Run, house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = {"CONCERT_HTTP_PORT": str(taken.getsockname()[1])}
        if command == "api":
            settings["CONCERT_DATABASE_URL"] = house.settings.database_url
        status, said = tried(command, **settings)
    assert (status, "CONCERT_HTTP_PORT" in said) == (1, True)


def test_a_port_that_is_taken_during_the_start_names_its_setting_too(
    tried: Run, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was free when it was asked for; what starts before the API takes its time."""
    monkeypatch.setattr("concert.ports.require_free", lambda _settings: None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = tried("api", CONCERT_HTTP_PORT=str(port), CONCERT_DATABASE_URL=house.settings.database_url)
    assert (status, f"The API cannot listen on 127.0.0.1:{port}" in said, "CONCERT_HTTP_PORT" in said) == (
        1,
        True,
        True,
    )


def test_a_wrong_setting_is_named_without_its_value(tried: Run) -> None:
    status, said = tried("doctor", CONCERT_HTTP_PORT="my-secret-port")
    assert (status, "CONCERT_HTTP_PORT" in said) == (2, True)


@pytest.mark.parametrize(
    "command",
    ["", "nonsense", "up --nonsense", "token", "reconcile", "reconcile --check --repair", "indicators show",
     "indicators show clients_served --from 2026-13", "indicators show clients_served --to soon"],
)  # fmt: skip
def test_wrong_usage_ends_with_2_and_names_the_help(command: str, tried: Run) -> None:
    status, said = tried(*command.split())
    assert (status, "--help" in said) == (2, True)


def test_an_error_that_nobody_expected_shows_its_place_and_no_words(
    tried: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ArithmeticError("Rosalind Featherstonehaugh")

    monkeypatch.setattr("concert.doctor.examine", broken)
    status, said = tried("doctor")
    assert (status, "ArithmeticError" in said, "Rosalind" in said) == (1, True, False)


def test_a_wrong_password_is_called_one(tried: Run, house: House) -> None:
    wrong = re.sub(r":[^:@/]+@", ":nonsense@", house.settings.database_url)
    status, said = tried("stalled", "--as", "ruth.hub", CONCERT_DATABASE_URL=wrong, CONCERT_ENGINE_DATABASE_URL="")
    assert (status, "refuses the login" in said) == (1, True), said


def test_an_address_that_is_none_names_its_setting(tried: Run) -> None:
    status, said = tried("stalled", CONCERT_DATABASE_URL="nonsense")
    assert (status, "CONCERT_DATABASE_URL" in said) == (2, True), said
