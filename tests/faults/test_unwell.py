"""Concert is unwell: the backbone hears of it by mail, in plain words, once; and once when it is well again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy.exc import DBAPIError

from concert.alarms import AGAIN_SECONDS, Watcher
from concert.post import NotSent
from domain.pulse import ailments
from services.engine import take_pulse
from tests.faults.town import Town
from tests.house import eventually
from tests.post import Box, opened, post_of, text_of

RUTH = "ruth.hub@example.org"


@pytest.fixture
def box(town: Town) -> Iterator[Box]:
    mend(town)
    town.house.sql("delete from alarm")
    with opened(Box()) as one:
        yield one
    town.house.sql("delete from alarm")


def subjects(box: Box, address: str = RUTH) -> list[str]:
    return [str(message["Subject"]) for message in box.to(address)]


def look(*watchers: Watcher) -> None:
    async def together() -> None:
        await asyncio.gather(*(each.look() for each in watchers))

    asyncio.run(together())


def silent(town: Town) -> None:
    """As if the minute in which nobody beat had passed."""
    town.house.sql("update service_heartbeat set at = at - interval '1 minute' where role in ('relay', 'sweeper')")


def mend(town: Town) -> None:
    town.whole()
    eventually(lambda: _well(town), seconds=40)


def _well(town: Town) -> bool:
    with suppress(DBAPIError):  # a connection of before
        return not any(ailments(take_pulse(door)) for door in (town.house.engine, town.house.api))
    return False


def watchers(town: Town, box: Box, many: int = 1) -> list[Watcher]:
    """Of API and engine, in turn: both doors must do."""
    doors = (town.house.api, town.house.engine)
    return [Watcher(doors[n % 2], post_of(town.house, box), lasting=0) for n in range(many)]


def test_the_relay_is_killed_and_the_backbone_is_told_once_however_many_watch(town: Town, box: Box) -> None:
    many = watchers(town, box, 4)
    look(*many)
    assert box.got == []
    town.roles["relay"].kill()
    silent(town)
    for _ in range(3):
        look(*many)
    assert subjects(box) == ["Concert is unwell: RelaySilent"]
    assert {to for to, _ in box.got} == {RUTH, "tomas.hub@example.org"}
    said = text_of(box.to(RUTH)[0])
    assert "People can go on working." in said
    assert "What to do: Start `concert relay`." in said

    mend(town)
    look(*many)
    look(*many)
    assert subjects(box)[1:] == ["Concert is well again: RelaySilent"]


def test_what_passes_sooner_than_two_minutes_is_not_told(town: Town, box: Box) -> None:
    patient = Watcher(town.house.api, post_of(town.house, box))
    town.roles["relay"].kill()
    silent(town)
    look(patient)
    town.house.sql("update alarm set since = since - interval '119 s'")
    look(patient)
    assert box.got == []
    town.house.sql("update alarm set since = since - interval '2 s'")
    look(patient)
    assert subjects(box) == ["Concert is unwell: RelaySilent"]
    mend(town)
    look(patient)
    assert subjects(box)[1:] == []
    town.house.sql("update alarm set ended_at = ended_at - interval '121 s'")
    look(patient)
    assert subjects(box)[1:] == ["Concert is well again: RelaySilent"]


def test_a_mail_that_did_not_leave_is_told_by_whoever_looks_next(town: Town, box: Box) -> None:
    first, second = watchers(town, box, 2)
    town.roles["relay"].kill()
    silent(town)
    box.answer = "451 come again"
    with pytest.raises(NotSent):
        look(first)
    box.answer = "250 OK"
    look(second)
    assert subjects(box) == ["Concert is unwell: RelaySilent"]
    mend(town)


def test_the_database_is_away_and_the_backbone_is_told_by_the_addresses_that_are_remembered(
    town: Town, box: Box
) -> None:
    now = [0.0]
    watcher = Watcher(town.house.api, post_of(town.house, box), clock=lambda: now[0])
    look(watcher)
    asyncio.run(town.postgres.kill())
    try:
        for now[0] in (1.0, 120.0):
            look(watcher)
        assert box.got == []
        for now[0] in (121.0, 300.0, 120.0 + AGAIN_SECONDS):
            look(watcher)
        assert subjects(box) == ["Concert is unwell: RecordAway"]
        assert "The database does not answer." in text_of(box.to(RUTH)[0])
        now[0] = 121.0 + AGAIN_SECONDS
        look(watcher)
        assert len(box.to(RUTH)) == 2
    finally:
        mend(town)
    eventually(lambda: _looked(watcher, box))


def _looked(watcher: Watcher, box: Box) -> bool:
    look(watcher)
    return "Concert is well again: RecordAway" in subjects(box)


def test_a_relay_of_its_own_sends_mail_by_itself(town: Town, box: Box) -> None:
    town.roles["relay"].kill()
    url = f"smtp://127.0.0.1:{box.port}"
    posting = town.role("relay", CONCERT_SMTP_URL=url, CONCERT_PUBLIC_URL="https://concert.example.org")
    try:
        made = town.house.refer("cap", "housing", priority="urgent")

        def letters() -> list[str]:
            """Of this request: other tests were here before, and their letters leave, too."""
            subjects = [str(letter["Subject"]) for letter in box.to("gwen.housing@example.org")]
            return [subject for subject in subjects if made["reference"] in subject]

        eventually(letters, seconds=40)
    finally:
        posting.kill()
        mend(town)
    assert len(letters()) == 1
    assert "Featherstonehaugh" not in box.words()
