"""`concert engine`: how it is, in words and in the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from services.folding import fold, seal
from services.heartbeats import beat
from tests.cli.conftest import Run
from tests.house import House

Asked = Callable[..., tuple[int, str]]


@pytest.fixture
def asked(house: House, tried: Run) -> Asked:
    urls = {
        "CONCERT_DATABASE_URL": house.settings.database_url,
        "CONCERT_ENGINE_DATABASE_URL": house.settings.engine_database_url,
    }
    return lambda *options: tried("engine", *options, **urls)


def test_an_engine_that_is_unwell_is_shown_with_what_to_do_and_ends_with_one(asked: Asked) -> None:
    status, said = asked()
    assert status == 1
    assert "never seen" in said
    assert "Start `concert worker`." in said
    assert "concert: The engine is unwell: RelaySilent, WorkerSilent." in said
    status, said = asked("--json")
    assert status == 1
    assert json.loads(said[: said.rindex("}") + 1])["state"] == "unwell"


def test_an_engine_that_is_well_ends_with_zero(house: House, asked: Asked) -> None:
    for role in ("worker", "relay", "sweeper"):
        beat(house.engine, role, "host:1")
    while fold(house.engine) + seal(house.engine):
        pass
    house.sql("delete from outbox")
    status, said = asked()
    assert (status, "All is well." in said) == (0, True)
    assert asked("--json")[0] == 0


def test_who_watches_sees_it_change_until_they_stop(
    house: House, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats = iter(["worker", "relay"])

    def pause(_seconds: float) -> None:
        role = next(beats, None)
        if role is None:
            raise KeyboardInterrupt
        beat(house.engine, role, "host:1")

    house.sql("delete from service_heartbeat")
    monkeypatch.setattr("concert.commands.common.sleep", pause)
    status, said = asked("--watch")
    assert (status, "WorkerSilent" in said) == (0, False), "the last picture is what stays"
    assert "1 alive" in said


def test_to_watch_json_is_refused_as_usage(asked: Asked) -> None:
    assert asked("--watch", "--json")[0] == 2
