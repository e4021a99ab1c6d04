"""The record's server dies, or its disk is full: people are told to try again, and nothing is half done."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from concert.embedded.postgres import libpq_url
from tests.faults.town import Said, Town, insist, referral_of, wrong
from tests.house import OUTCOME, Person, eventually

SEGMENT = 16 * 1024 * 1024


def work_until(town: Town, over: threading.Event, said: list[Said]) -> None:
    """Referrals from request to closed loop, one after the other."""
    source, target = town.house.caseworker("cap"), town.house.caseworker("housing")
    while not over.is_set():
        made = insist(source, "/v1/referrals", referral_of(town))
        task = f"/v1/tasks/{made.answer['tasks'][0]['id']}"
        said.append(made)
        for verb, body in (("accept", {}), ("start", {}), ("complete", OUTCOME)):
            said.append(insist(target, f"{task}/{verb}", body))
        said.append(insist(source, f"/v1/referrals/{made.answer['id']}/confirm", OUTCOME))


def test_with_postgres_killed_people_are_told_when_to_try_again_and_soon_can(town: Town) -> None:
    caseworker, over, said = town.house.caseworker("cap"), threading.Event(), list[Said]()
    crowd = [threading.Thread(target=work_until, args=(town, over, said)) for _ in range(3)]
    for each in crowd:
        each.start()
    try:
        eventually(lambda: len(said) > 10)
        asyncio.run(town.postgres.kill())
        for _ in range(5):
            answer = caseworker.post("/v1/referrals", referral_of(town))
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) >= 1
            assert caseworker.get("/v1/tasks").status_code == 503
        since = time.monotonic()
        asyncio.run(town.postgres.start())
        eventually(lambda: caseworker.post("/v1/referrals", referral_of(town)).status_code == 201, seconds=10)
        back = time.monotonic() - since
        time.sleep(1)
    finally:
        over.set()
        for each in crowd:
            each.join()
    assert back <= 10
    drained = town.quiet(60)
    print(f"2xx again {back:.1f} s after the start, drained {drained:.1f} s after people stopped")  # noqa: T201
    assert all(role.running for role in town.roles.values()), "no part died with the record"
    assert {one.status for one in said} == {200, 201}
    made = [one.answer["id"] for one in said if one.status == 201]
    rows = town.house.sql("select state, count(*) from referral where id = any(%s::uuid[]) group by 1", made)
    assert rows == [("completed", len(made))]
    assert wrong(town) == []


# ------------------------------------------------------------ a full disk


def family(pid: int) -> list[int]:
    """A process and its children."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


@contextmanager
def files_of_at_most(town: Town, size: int) -> Iterator[None]:
    """No file of the server may grow beyond so many bytes: what a full disk is to somebody without root."""

    limit(town, str(size))
    try:
        yield
    finally:
        limit(town, "unlimited")


def limit(town: Town, size: str) -> None:
    """Of the server and all its children, as the account that they run as: nobody else may."""
    owner = town.postgres.cluster.stat()
    account: dict[str, Any] = (
        {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
    )
    for pid in family(town.postgres.pid):
        command = ["prlimit", "--pid", str(pid), f"--fsize={size}:"]
        done = subprocess.run(command, check=False, capture_output=True, text=True, **account)
        assert done.returncode == 0 or "No such process" in done.stderr, done.stderr


def counts(town: Town) -> list[tuple[object, ...]]:
    return town.house.sql(
        "select (select count(*) from event), (select count(*) from audit), (select count(*) from indicator_entry),"
        " (select count(*) from referral), (select count(*) from command), (select count(*) from client)"
    )


def test_on_a_full_disk_a_move_is_refused_whole_and_made_again_once_there_is_room(town: Town) -> None:
    """No file may grow beyond what the table of events has reached: the next event that needs a page finds no room."""
    caseworker = town.house.caseworker("cap")
    town.quiet()
    size = grown_event_table(town)
    try:
        with files_of_at_most(town, size):
            refused = refused_move(town, caseworker)
            assert caseworker.get("/v1/tasks").status_code == 200, "what is there can be read"
        assert insist(caseworker, "/v1/referrals", *refused).status == 201
    finally:
        town.house.sql("alter table event reset (autovacuum_enabled)")
    town.quiet()
    assert wrong(town) == []


def refused_move(town: Town, caseworker: Person) -> tuple[object, str]:
    """The first move for which there was no room, as its body and key; refused again it still leaves nothing behind."""
    before, body, key = counts(town), referral_of(town), uuid4().hex
    while (first := caseworker.post("/v1/referrals", body, key)).status_code == 201:
        before, key = counts(town), uuid4().hex
    for answer in (first, caseworker.post("/v1/referrals", body, key)):
        assert answer.status_code == 503, answer.text
        assert int(answer.headers["Retry-After"]) >= 1
    assert counts(town) == before
    return body, key


def grown_event_table(town: Town) -> int:
    """Makes the table of events longer than a segment of the log, by what is never committed; answers its size."""
    columns = town.house.sql(
        "select string_agg(column_name, ', ') from information_schema.columns"
        " where table_name = 'event' and is_identity = 'NO' and column_name <> 'id'"
    )[0][0]
    town.house.sql("alter table event set (autovacuum_enabled = false)")
    with psycopg.connect(libpq_url(town.house.admin_url)) as connection:
        connection.execute("set session_replication_role = replica")
        one = f"(select {columns} from event limit 1) e"
        connection.execute(
            f"insert into event (id, {columns}) select gen_random_uuid(), {columns}"
            f" from {one}, generate_series(1, 60000)".encode()
        )
        connection.rollback()
    size = int(town.house.sql("select pg_relation_size('event')")[0][0])
    assert size > SEGMENT
    return size
