"""Alarms by mail: each reads their own language, a bad address stops nobody else's, nothing is told twice or lost."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from concert import alarms, post
from concert.alarm_words import SPANISH
from concert.alarms import DATABASE, MOST_TRIES, Watcher
from concert.embedded.postgres import libpq_url
from concert.post import NotSent
from domain.pulse import CODES, ROLES
from services.heartbeats import beat
from tests.house import House, Loop, eventually
from tests.post import Box, opened, post_of, text_of
from tests.services.test_engine import settled

RUTH, TOMAS = "ruth.hub@example.org", "tomas.hub@example.org"
ADDRESS = "update user_account set email = %s where login = %s"


@pytest.fixture
def box(house: House) -> Iterator[Box]:
    """The backbone reads English and Spanish. Nobody gives a sign of life, and what was told of before is over."""
    house.sql("update user_account set language = 'es' where login = 'tomas.hub'")
    house.sql("delete from service_heartbeat")
    house.sql("delete from alarm")
    house.sql("insert into alarm (code, since, told_at) values ('OutboxOld', now(), now())")
    settled(house)
    with opened(Box()) as one:
        yield one
    for address, login in ((RUTH, "ruth.hub"), (TOMAS, "tomas.hub")):
        house.sql(ADDRESS, address, login)


def watcher(house: House, box: Box) -> Watcher:
    return Watcher(house.engine, post_of(house, box), lasting=0)


def look(one: Watcher) -> None:
    asyncio.run(one.look())


def subjects(box: Box, address: str = RUTH) -> list[str]:
    return [str(each["Subject"]) for each in box.to(address)]


ALL = ["Concert is unwell: RelaySilent", "Concert is unwell: WorkerSilent", "Concert is well again: OutboxOld"]


def test_each_reads_their_own_language_and_it_is_told_once(house: House, box: Box) -> None:
    for _ in range(2):
        look(watcher(house, box))
    assert subjects(box) == ALL
    assert subjects(box, TOMAS)[0] == "Concert no está bien: RelaySilent"
    assert "Qué hacer: Inicie `concert relay`." in text_of(box.to(TOMAS)[0])


def test_since_when_is_told_in_the_region_s_time_as_in_every_letter(house: House, box: Box) -> None:
    house.sql("insert into service_heartbeat (role, instance, at) values ('relay', 'x', '2026-03-04T17:06:00Z')")
    look(watcher(house, box))
    assert "Since Mar 4, 2026, 10:06 AM MST." in text_of(box.to(RUTH)[0])
    assert "Desde 4 mar 2026, 10:06 (MST)." in text_of(box.to(TOMAS)[0])


def test_whoever_reads_a_language_that_is_not_written_reads_english(house: House, box: Box) -> None:
    house.sql("update user_account set language = 'ja' where login = 'tomas.hub'")
    look(watcher(house, box))
    assert subjects(box, TOMAS) == ALL


def test_the_second_does_not_leave_and_the_first_is_not_told_again(house: House, box: Box) -> None:
    box.answer, box.about = "451 come again", "WorkerSilent"
    with pytest.raises(NotSent):
        look(watcher(house, box))
    assert subjects(box) == [ALL[0], ALL[2]], "nor does it keep what is over from being told"
    box.answer = "250 OK"
    look(watcher(house, box))
    assert subjects(box) == [ALL[0], ALL[2], ALL[1]]


@pytest.mark.parametrize("pause", [0.0, 1.0])
def test_what_perhaps_arrived_is_sent_once_more_as_the_same_mail_and_counts_as_told(
    house: House, box: Box, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    """The server keeps it, and hangs up or lets us wait."""
    monkeypatch.setattr(alarms, "ANSWER_SECONDS", 0.3)
    box.answer, box.pause = None, pause
    for _ in range(3):
        look(watcher(house, box))
    for address in (RUTH, TOMAS):
        assert len(box.to(address)) == MOST_TRIES * len(ALL)
        assert len({each["Message-ID"] for each in box.to(address)}) == len(ALL)


def test_an_alarm_that_is_told_again_is_the_same_mail_and_another_time_it_is_another(house: House, box: Box) -> None:
    """Nobody wrote down that it was told; then what had passed comes again."""

    def once() -> dict[str, str]:
        box.empty()
        look(watcher(house, box))
        return {str(each["Subject"]): str(each["Message-ID"]) for each in box.to(RUTH)}

    first = once()
    house.sql("update alarm set told_at = null")
    again = once()
    house.sql("update alarm set told_at = null, since = now()")
    later = once()
    assert len({*first.values(), *(str(each["Message-ID"]) for each in box.to(TOMAS))}) == 5
    assert again == {subject: first[subject] for subject in ALL[:2]}
    assert not set(later.values()) & set(first.values())


def test_well_again_that_did_not_leave_is_told_as_the_same_mail(house: House, box: Box) -> None:
    since = house.sql("select since from alarm")
    box.answer, box.about = "451 come again", "OutboxOld"
    with pytest.raises(NotSent):
        look(watcher(house, box))
    assert house.sql("select since from alarm where code = 'OutboxOld'") == since


@pytest.mark.parametrize("address", ["x@y\r\nBcc: all@example.org", "", "x@", "x@[", "rüth@example.org"])
def test_an_address_that_takes_no_mail_keeps_nobody_else_from_hearing(house: House, address: str) -> None:
    """Whichever of the two comes first."""
    for bad, good, reader in (("ruth.hub", "tomas.hub", TOMAS), ("tomas.hub", "ruth.hub", RUTH)):
        house.sql("delete from alarm")
        house.sql("update user_account set language = 'en' where login in (%s, %s)", bad, good)
        box = Box()
        box.utf8 = False
        house.sql(ADDRESS, address, bad)
        try:
            with opened(box):
                for _ in range(2):
                    look(watcher(house, box))
        finally:
            house.sql(ADDRESS, f"{bad}@example.org", bad)
        assert subjects(box, reader) == ALL[:2]


def test_nobody_has_an_address_that_takes_mail_and_it_is_told_as_soon_as_somebody_has(house: House, box: Box) -> None:
    for login in ("ruth.hub", "tomas.hub"):
        house.sql(ADDRESS, "x@y\r\nBcc: all@example.org", login)
    with pytest.raises(NotSent, match="address"):
        look(watcher(house, box))
    house.sql(ADDRESS, RUTH, "ruth.hub")
    look(watcher(house, box))
    assert subjects(box) == ALL


def test_a_server_that_dawdles_before_it_has_anything_is_given_up_and_all_is_told_later(
    house: House, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "LONGEST_SECONDS", 0.3)
    mute = Box()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        mute.port = listening.getsockname()[1]
        with pytest.raises(NotSent, match="TimeoutError"):
            look(watcher(house, mute))
    monkeypatch.undo()
    with opened(Box()) as swift:
        look(watcher(house, swift))
    assert subjects(swift) == ALL


def test_a_process_that_is_stopped_while_it_tells_leaves_the_rest_to_another(
    house: House, box: Box, loop: Loop
) -> None:
    box.pause, box.about = 5.0, "WorkerSilent"
    looking = loop.start(watcher(house, box).look())
    eventually(lambda: box.begun)
    looking.cancel()
    eventually(lambda: house.sql("select code from alarm where told_at is null") == [("WorkerSilent",)])
    with opened(Box()) as other:
        look(watcher(house, other))
    assert subjects(box) + subjects(other) == ALL


def test_the_record_is_back_and_mail_is_not(house: House, box: Box) -> None:
    """What became wrong meanwhile is told as soon as mail leaves."""
    house.sql("delete from alarm")
    for role in ROLES:
        beat(house.engine, role, "host:1")
    one = watcher(house, box)
    look(one)
    with away(house):
        look(one)
    assert subjects(box) == ["Concert is unwell: RecordAway"]
    house.sql("delete from service_heartbeat where role = 'worker'")
    box.answer = "451 come again"
    with pytest.raises(NotSent):
        look(one)
    box.answer = "250 OK"
    for _ in range(2):
        look(one)
    assert subjects(box)[1:] == ["Concert is well again: RecordAway", "Concert is unwell: WorkerSilent"]


@contextmanager
def away(house: House) -> Iterator[None]:
    """The module's database lets nobody in, and puts out whoever is there."""
    url = libpq_url(house.admin_url)
    name = url.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True, dbname="postgres") as connection:
        connection.execute(f"alter database {name} allow_connections false".encode())
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
        try:
            yield
        finally:
            connection.execute(f"alter database {name} allow_connections true".encode())
    eventually(lambda: answers(house))


def answers(house: House) -> bool:
    """A connection of before is noticed, and forgotten, by the first that uses it."""
    try:
        with house.engine.database.transaction():
            return True
    except Exception:  # noqa: BLE001 - whatever it says of it
        return False


def test_every_ailment_is_said_in_spanish() -> None:
    assert SPANISH.keys() == {*CODES, DATABASE.code}
