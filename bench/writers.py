"""Caseworkers in a hurry, each a thread, as a process of their own: `python -m bench.writers`, a job on standard input.

They call services directly. Of some commands the transaction is rolled back at the last moment, after everything was
written; then they repeat the command with the same key, as a good client does. Prints what they did as JSON; while they
work, one dot for each completion on standard error.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from domain.task import Outcome
from services.clients import NewClient, Residence, create_client
from services.links import link_clients, revoke_link
from services.referrals import confirm_referral, void_referral
from services.refusals import Conflict
from services.requests import Finished, Request, create_referral
from services.tasks import accept_task, complete_task, start_task, void_task
from services.transaction import Answer, Call, Key, Record
from storage.database import Database, sqlstate

LONG_AGO = datetime.now(UTC).replace(day=10, hour=18) - timedelta(days=45)
"""In a month that is over."""
LOCKED = "55P03"
"""Somebody held a lock too long, twice: the API would answer 503 with Retry-After."""
OUTCOMES = (Outcome.NEED_MET, Outcome.NEED_MET, Outcome.PARTLY_MET, Outcome.UNMET)


class RolledBack(Exception):
    """The transaction was lost right before its commit."""


class Lossy(Database):
    """One in `one_in` transactions of a thread that asks for it is rolled back when it is about to commit."""

    one_in = 0
    chance = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            yield connection
            dice: random.Random | None = getattr(self.chance, "dice", None)
            if dice is not None and dice.randrange(self.one_in) == 0:
                raise RolledBack


@dataclass
class Writer:
    """One caseworker of the source and their counterparts; `done` counts what was done."""

    record: Record
    job: dict[str, Any]
    clients: list[UUID]
    dice: random.Random
    done: Counter[str]

    def insist(self, login: str, act: Callable[[Call], Answer[Any]]) -> Any:
        """The same command with the same key until it was committed, as a client does that was answered 503."""
        call = Call(login, key=Key(uuid4().hex, b"\0" * 32))
        Lossy.chance.dice = self.dice
        try:
            while True:
                try:
                    return act(call).body
                except RolledBack:
                    self.done["rolled back"] += 1
                except OperationalError as error:
                    if sqlstate(error) != LOCKED:
                        raise
                    self.done["sent away"] += 1
        finally:
            Lossy.chance.dice = None

    def story(self) -> None:
        """One completion and what belongs to it."""
        if self.dice.randrange(10) == 0:
            self.finished()
        else:
            self.served()
        if self.dice.randrange(25) == 0:
            self.link()
        sys.stderr.write(".")
        sys.stderr.flush()

    def finished(self) -> None:
        """Recorded late, in a month that is over."""
        own = self.dice.choice(self.job["own"])
        request = Request(
            service_id=UUID(own["service_id"]),
            client=NewClient(given_name="Ana", family_name="Brook", residence=Residence("fixed", county="31157")),
            finished=Finished(self.dice.choice(OUTCOMES), LONG_AGO),
        )
        made = self.insist(own["login"], lambda call: create_referral(self.record, call, request))
        self.done["completions"] += 1
        self.take_back(own["login"], made)

    def served(self) -> None:
        source, target = self.job["source"], self.dice.choice(self.job["targets"])
        request = Request(service_id=UUID(target["service_id"]), client_id=self.dice.choice(self.clients))
        made = self.insist(source, lambda call: create_referral(self.record, call, request))
        task, outcome = made.tasks[0].id, self.dice.choice(OUTCOMES)
        self.insist(target["login"], lambda call: accept_task(self.record, call, task))
        if self.dice.randrange(3) == 0:
            self.insist(target["login"], lambda call: start_task(self.record, call, task))
        self.insist(target["login"], lambda call: complete_task(self.record, call, task, outcome))
        self.done["completions"] += 1
        if self.dice.randrange(3) == 0:
            self.insist(source, lambda call: confirm_referral(self.record, call, made.id, outcome))
        self.take_back(source, made)

    def take_back(self, login: str, made: Any) -> None:
        """One in eight was an error: of half of them the task only."""
        if self.dice.randrange(8):
            return
        words = "The wrong family."
        if self.dice.randrange(2):
            self.insist(login, lambda call: void_task(self.record, call, made.tasks[0].id, words))
        else:
            self.insist(login, lambda call: void_referral(self.record, call, made.id, words))
        self.done["voided"] += 1

    def link(self) -> None:
        """Two of the clients are one person; half of the time that was a mistake."""
        one, other = self.dice.sample(self.clients, 2)
        source = self.job["source"]
        try:
            made = self.insist(source, lambda call: link_clients(self.record, call, one, other))
            self.done["linked"] += 1
            if self.dice.randrange(2):
                self.insist(source, lambda call: revoke_link(self.record, call, one, made.id))
                self.done["parted"] += 1
        except Conflict:
            self.done["linked already"] += 1


def main() -> None:
    job = json.load(sys.stdin)
    database = Lossy(job["database_url"], pool_size=job["writers"], application="bench writers")
    database.one_in = job["one_in"]
    record = Record(database)
    home = Residence("fixed", county="31157")
    clients = [
        create_client(
            record, Call(job["source"]), NewClient(given_name="Ana", family_name=f"B{n}", residence=home)
        ).body.id
        for n in range(job["clients"])
    ]

    def work(number: int) -> Counter[str]:
        writer = Writer(record, job, clients, random.Random(job["seed"] * 1000 + number), Counter())
        for _ in range(-(-job["completions"] // job["writers"])):
            writer.story()
        return writer.done

    with ThreadPoolExecutor(job["writers"]) as threads:
        done = sum(threads.map(work, range(job["writers"])), Counter[str]())
    database.dispose()
    print(json.dumps(done))


if __name__ == "__main__":
    main()
