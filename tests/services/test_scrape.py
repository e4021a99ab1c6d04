"""What Prometheus reads of the record: the pulse, cheaply, also while the record is away, and nothing of a person."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from api import vitals
from api.vitals import Vitals
from concert.embedded.postgres import libpq_url
from concert.running import serving
from domain.pulse import Pulse, Trouble
from services.engine import take_pulse
from services.findings import Found, note_all
from services.heartbeats import beat
from services.transaction import Record
from storage.database import Database
from tests.house import House, Loop, eventually
from tests.services.scenes import refer

Sample = tuple[str, tuple[tuple[str, str], ...]]


def scrape(text: str) -> dict[Sample, float]:
    families = text_string_to_metric_families(text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


@pytest.fixture
def read(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A scrape that was not answered before."""
    monkeypatch.setattr(vitals, "FRESH_SECONDS", 0)
    return lambda: scrape(house.http.get("/metrics").text)


def test_a_scrape_says_what_the_monitor_says(house: House, read: Any) -> None:
    beat(house.engine, "worker", "host:1")
    refer(house, "cap", "housing")
    house.sql("insert into outbox (kind, workflow_id, dead) values ('look', 'x', true)")
    said, told = house.person("ruth.hub").read("/v1/monitor/engine"), read()
    assert told["concert_up", ()] == 1
    assert told["concert_outbox_messages", ()] == said["outbox"]["waiting"] > 0
    assert told["concert_outbox_dead", ()] == said["outbox"]["dead"] == 1
    assert told["concert_ledger_unfolded", ()] == said["ledger"]["waiting"]
    assert told["concert_mail_unsent", ()] == said["mail"]["waiting"] == 0
    assert told["concert_processes_alive", (("role", "worker"),)] == 1
    assert ("concert_process_last_seen_seconds", (("role", "relay"),)) not in told, "nobody was ever seen"
    ailing = {labels[0][1] for (name, labels), value in told.items() if name == "concert_ailment" and value}
    assert ailing == {each["code"] for each in said["ailments"]}
    house.sql("delete from outbox where dead")


def test_a_trouble_is_counted_and_reads_zero_when_it_is_over(house: House, read: Any) -> None:
    failing = ("concert_cases", (("kind", "referral"), ("trouble", "failing")))
    case = refer(house, "cap", "housing")
    note_all(house.engine, Trouble.FAILING, [Found("referral", case.id, Trouble.FAILING, "x")])
    assert read()[failing] == 1
    note_all(house.engine, Trouble.FAILING, [])
    assert read()[failing] == 0


def test_of_a_confidential_case_a_scrape_says_that_there_is_trouble_and_counts_nothing(house: House, read: Any) -> None:
    hidden = UUID(house.refer("shelter", "shelter")["id"])
    note_all(house.engine, Trouble.FAILING, [Found("referral", hidden, Trouble.FAILING, "x")])
    assert not any(value for (name, _), value in read().items() if name == "concert_cases")
    note_all(house.engine, Trouble.FAILING, [])


def test_many_scrapes_ask_the_record_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Record] = []

    def counted(record: Record) -> Pulse:
        asked.append(record)
        return take_pulse(record)

    monkeypatch.setattr(vitals, "take_pulse", counted)
    read = Vitals(house.api)
    for _ in range(5):
        assert "concert_up 1.0" in generate_latest(read).decode()
    assert len(asked) == 1


def test_a_scrape_is_answered_while_the_record_is_away(house: House, loop: Loop) -> None:
    away = Database("postgresql+psycopg://concert_api:none@127.0.0.1:1/concert", pool_size=1)
    url, leave = loop.enter(serving(house.settings, Record(away)))
    try:
        answer = httpx.get(f"{url}/metrics", trust_env=False)
        assert answer.status_code == 200
        assert "concert_up 0.0" in answer.text
        assert "concert_outbox_messages" not in answer.text
    finally:
        leave()


def test_a_scrape_does_not_wait_for_a_record_that_hangs(house: House) -> None:
    """Somebody holds the table that the pulse reads."""
    read = Vitals(house.api)
    with psycopg.connect(libpq_url(house.admin_url)) as holder:
        holder.execute("lock table outbox in access exclusive mode")
        begun = time.monotonic()
        for _ in range(2):
            assert "concert_up 0.0" in generate_latest(read).decode()
        assert time.monotonic() - begun < 2 * vitals.PATIENCE_SECONDS + 2
    eventually(lambda: "concert_up 1.0" in generate_latest(read).decode())


def test_a_request_is_counted_by_its_operation_and_never_by_its_path(house: House, read: Any) -> None:
    case = refer(house, "cap", "housing")
    answered = ("concert_http_requests_total", (("operation", "get_referral"), ("status", "200")))
    missing = ("concert_http_requests_total", (("operation", "none"), ("status", "404")))
    before = read()
    worker = house.caseworker("cap")
    worker.read(f"/v1/referrals/{case.id}")
    worker.get(f"/v1/nothing/{case.id}")
    after = read()
    assert after[answered] == before.get(answered, 0) + 1
    assert after[missing] == before.get(missing, 0) + 1
    assert after["concert_http_request_seconds_count", (("operation", "get_referral"),)] >= 1
    assert str(case.id) not in house.http.get("/metrics").text


def test_refusals_are_counted_with_their_status(house: House, read: Any) -> None:
    house.http.get("/v1/tasks")
    assert read()["concert_http_requests_total", (("operation", "list_tasks"), ("status", "401"))] >= 1
