"""Alarms by mail: each reads their own language, and what was told is not told again because the next did not leave."""

from __future__ import annotations

import asyncio
from email.message import EmailMessage
from typing import cast

import pytest

from concert import alarms
from concert.alarm_words import SPANISH
from concert.alarms import DATABASE, Watcher
from concert.post import NotSent, Post
from domain.pulse import CODES, Ailment
from services.transaction import Record
from tests.post import text_of

READERS = [("ruth@example.org", "en"), ("tomas@example.org", "es"), ("aiko@example.org", "ja")]


class Server:
    """Takes mail until it names the code `away`."""

    sender = "concert@example.org"

    def __init__(self, away: str = "nothing") -> None:
        self.away = away
        self.got: list[EmailMessage] = []

    async def send(self, message: EmailMessage) -> None:
        if self.away in str(message["Subject"]):
            raise NotSent("SMTPConnectError", final=False)
        self.got.append(message)


@pytest.fixture
def untold(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], list[str]]]:
    """Looking finds two ailments and one that is over; what is to be told again is kept here."""
    kept: list[tuple[list[str], list[str]]] = []
    wrong = [Ailment(code, "It is so.", "Do it.") for code in ("RelaySilent", "WorkerSilent")]
    monkeypatch.setattr(alarms, "ailments", lambda _pulse: wrong)
    monkeypatch.setattr(alarms, "take_pulse", lambda _record: None)
    monkeypatch.setattr(alarms, "backbone_addresses", lambda _record: READERS)
    monkeypatch.setattr(alarms, "note_ailments", lambda _r, codes, _l: (codes, ["OutboxOld"]))
    monkeypatch.setattr(alarms, "not_told", lambda _record, told, over: kept.append((told, over)))
    return kept


def look(server: Server) -> None:
    asyncio.run(Watcher(cast("Record", None), cast("Post", server)).look())


def test_each_reads_their_own_language_and_english_where_there_is_none(untold: list[object]) -> None:
    server = Server()
    look(server)
    subjects = [str(each["Subject"]) for each in server.got[:3]]
    assert subjects == [
        "Concert is unwell: RelaySilent",
        "Concert no está bien: RelaySilent",
        "Concert is unwell: RelaySilent",
    ]
    assert "Qué hacer: Inicie `concert relay`." in text_of(server.got[1])
    assert untold == []


def test_the_second_does_not_leave_and_the_first_is_not_told_again(untold: list[tuple[list[str], list[str]]]) -> None:
    with pytest.raises(NotSent):
        look(Server(away="WorkerSilent"))
    assert untold == [(["WorkerSilent"], ["OutboxOld"])]


def test_every_ailment_is_said_in_spanish() -> None:
    assert SPANISH.keys() == {*CODES, DATABASE.code}
