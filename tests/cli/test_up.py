"""One day with `concert up`: it starts, answers, survives its servers, refuses a second one, and ends when told."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest

from concert.embedded import temporary_directory
from concert.embedded.postgres import libpq_url
from tests.cli.conftest import Run
from tests.cli.shell import Running, alive, concert, start
from tests.house import eventually

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def up(home: Path) -> Iterator[Running]:
    running = start(home, "up")
    try:
        running.hears("Concert runs")
        yield running
    finally:
        if running.process.poll() is None:
            running.stop(signal.SIGTERM)


def person(home: Path, up: Running, login: str) -> httpx.Client:
    """Signed in with the token that the terminal prints."""
    token = concert(home, "token", login).stdout.strip()
    return httpx.Client(base_url=up.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False, timeout=20)


def delivered(home: Path) -> None:
    """Waits until the relay has nothing in hand: what a dying database interrupts rests for the length of a lease."""
    url = json.loads((home / "running.json").read_text())["engine_database_url"]
    with psycopg.connect(libpq_url(url), autocommit=True) as connection:
        eventually(lambda: not connection.execute("select 1 from outbox").fetchall())


def test_each_start_has_its_line_in_order(up: Running, home: Path) -> None:
    starts = [line.split()[1] for line in up.lines if line.startswith("[")]
    assert starts == ["PostgreSQL", "Migrations", "Temporal", "Region", "Worker", "Relay", "API"]
    welcome = "".join(up.lines)
    assert str(home) in welcome
    assert "maria.cap" in welcome
    assert "concert token" in welcome


def test_the_token_it_tells_of_opens_the_api(up: Running, home: Path) -> None:
    with person(home, up, "maria.cap") as maria:
        me = maria.get("/v1/me").json()
    assert (me["login"], me["organization"]["slug"]) == ("maria.cap", "cap")


def test_a_second_one_in_the_same_directory_is_refused_with_the_first_ones_pid(up: Running, home: Path) -> None:
    second = concert(home, "up")
    assert second.returncode == 1
    assert f"Process {up.process.pid} is using {home}" in second.stderr
    assert "CONCERT_DATA_DIR" in second.stderr
    assert "Traceback" not in second.stderr


def test_the_logins_are_told_to_people_and_to_machines(up: Running, tried: Run) -> None:
    people = {one["login"]: one for one in json.loads(tried("logins", "--json")[1])}
    assert people["maria.cap"]["organization_slug"] == "cap"
    assert "caseworker" in people["maria.cap"]["roles"]
    assert people["maria.cap"]["name"] in tried("logins")[1]


def test_nobody_gets_a_token_for_a_login_that_does_not_exist(up: Running, tried: Run) -> None:
    status, said = tried("token", "nobody")
    assert (status, "concert logins" in said, "eyJ" in said) == (1, True, False)


def test_the_doctor_finds_nothing_wrong_while_it_runs(up: Running, tried: Run) -> None:
    status, said = tried("doctor", "--json")
    findings = {one["name"]: one for one in json.loads(said)}
    assert status == 0, said
    assert str(up.process.pid) in findings["concert up"]["what"]
    assert "temporal" in findings


def test_other_commands_find_the_running_servers(up: Running, tried: Run) -> None:
    assert "acknowledged_in_time" in tried("indicators")[1]
    assert json.loads(tried("stalled", "--json")[1]) == {"items": []}
    status, said = tried("stalled", "--as", "nobody")
    assert (status, "concert logins" in said) == (1, True)


def test_the_api_runs_alone_without_temporal(up: Running, home: Path) -> None:
    """As in production: only the database's address is known."""
    urls = json.loads((home / "running.json").read_text())
    assert (home / "running.json").stat().st_mode & 0o077 == 0
    alone = start(home, "api", CONCERT_DATABASE_URL=urls["database_url"])
    try:
        assert httpx.get(f"{alone.url}/readyz", trust_env=False).status_code == 200
    finally:
        seconds = alone.stop(signal.SIGTERM)
    assert (alone.process.returncode, seconds < 5) == (0, True)


def test_a_worker_waits_for_temporal_and_ends_when_told(up: Running, home: Path) -> None:
    urls = json.loads((home / "running.json").read_text())
    away = {"CONCERT_ENGINE_DATABASE_URL": urls["engine_database_url"], "CONCERT_TEMPORAL_ADDRESS": "127.0.0.1:9"}
    waiting = start(home, "worker", **away)
    waiting.hears("temporal_away")
    assert waiting.stop(signal.SIGTERM) < 5
    assert waiting.process.returncode == 0


def test_servers_that_die_come_back_and_a_referral_in_flight_outlives_the_evening(
    up: Running, home: Path, tried: Run
) -> None:
    """The last one: it ends what the others use."""
    with person(home, up, "maria.cap") as maria:
        services = maria.get("/v1/services", params={"limit": 200}).json()["items"]
        housing = next(one for one in services if "Housing Authority" in one["organization"])
        body = {"service_id": housing["id"], "client": {"given_name": "Rosalind", "family_name": "Featherstonehaugh"}}
        headers = {"Idempotency-Key": uuid4().hex}
        made = maria.post("/v1/referrals", json=body, headers=headers).json()
        delivered(home)
        children = up.children()
        assert len(children) == 2
        for child in children:
            os.kill(child, signal.SIGKILL)
        up.hears("PostgreSQL is back")
        up.hears("Temporal is back")
        eventually(lambda: maria.get("/v1/me").status_code == 200)
    assert tried("reconcile", "--check") == (0, "Record and engine agree.\n")
    children = up.children()
    seconds = up.stop(signal.SIGINT)
    assert (up.process.returncode, alive(children)) == (0, [])
    assert seconds < 5
    assert "concert up" in tried("stalled")[1]

    again = start(home, "up")
    again.hears("Concert runs")
    assert tried("rehydrate")[1].startswith("1 open")
    verified = json.loads(tried("indicators", "verify", "--json")[1])
    assert verified["holds"]
    assert verified["events"] > 0
    assert json.loads(tried("indicators", "verify", "--json")[1])["before"] >= verified["events"]
    with person(home, again, "maria.cap") as maria:
        assert maria.get(f"/v1/referrals/{made['id']}").json()["state"] == "active"
    children = again.children()
    again.stop(signal.SIGKILL)
    eventually(lambda: not alive(children), seconds=8)


def test_ctrl_c_during_the_start_leaves_nothing() -> None:
    with temporary_directory() as directory:
        early = start(directory, "up")
        early.hears("PostgreSQL")
        children = early.children()
        time.sleep(0.1)
        assert early.stop(signal.SIGINT) < 5
        eventually(lambda: not alive(children), seconds=5)
        assert (early.process.returncode, "Traceback" in "".join(early.complaints)) == (0, False)
