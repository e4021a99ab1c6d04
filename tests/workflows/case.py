"""One referral in a test: who moves it, and what the record says about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.house import House, Person, eventually

DAY = 86_400
Row = dict[str, Any]


@dataclass
class Case:
    """A referral from `source` to `target`; both move it over HTTP."""

    house: House
    id: str
    source: Person
    target: Person

    @property
    def workflow_id(self) -> str:
        return f"referral-{self.id}"

    @property
    def task(self) -> str:
        """The id of the newest task."""
        return str(self.house.sql("select id from task where referral_id = %s order by round desc", self.id)[0][0])

    @property
    def tasks(self) -> list[str]:
        rows = self.house.sql("select id from task where referral_id = %s order by round", self.id)
        return [str(row[0]) for row in rows]

    @property
    def state(self) -> str:
        return str(self.house.sql("select state from referral where id = %s", self.id)[0][0])

    @property
    def task_state(self) -> str:
        return str(self.house.sql("select state from task where id = %s", self.task)[0][0])

    def column(self, table: str, name: str) -> Any:
        of = {"referral": ("id", self.id), "task": ("id", self.task)}[table]
        return self.house.sql(f"select {name} from {table} where {of[0]} = %s", of[1])[0][0]

    def does(self, verb: str, body: Row | None = None) -> Any:
        """The target's move on the newest task."""
        return self.target.does(f"/v1/tasks/{self.task}/{verb}", body)

    def asks(self, verb: str, body: Row | None = None) -> Any:
        """The source's move on the newest task."""
        return self.source.does(f"/v1/tasks/{self.task}/{verb}", body)

    def decides(self, verb: str, body: Row | None = None) -> Any:
        """The source's move on the referral."""
        return self.source.does(f"/v1/referrals/{self.id}/{verb}", body)

    def declined(self) -> Any:
        return self.does("decline", {"reason_code": "full", "reason_class": "no_capacity"})

    def events(self, *kinds: str) -> list[Row]:
        """In order; all kinds where none is named."""
        rows = self.house.sql(
            "select kind, task_id::text, from_state, to_state, facts, acting_organization_id, user_id, version"
            " from event where referral_id = %s order by seq",
            self.id,
        )
        names = ("kind", "task", "from", "to", "facts", "actor", "user", "version")
        return [row for row in (dict(zip(names, r, strict=True)) for r in rows) if not kinds or row["kind"] in kinds]

    def kinds(self) -> list[str]:
        return [event["kind"] for event in self.events()]

    def heard(self, clock: str) -> list[str]:
        """Who was reminded for that clock, in order."""
        return [e["facts"]["to"] for e in self.events() if e["facts"].get("clock") == clock and "rung" in e["facts"]]

    def outbox(self) -> list[str]:
        """Kinds of the messages that still wait."""
        rows = self.house.sql("select kind from outbox where workflow_id = %s order by id", self.workflow_id)
        return [kind for (kind,) in rows]

    def until(self, state: str, *, seconds: float = 30) -> None:
        """Wait until the referral is in that state."""
        eventually(lambda: self.state == state, seconds=seconds)

    def until_task(self, state: str, *, seconds: float = 30) -> None:
        eventually(lambda: self.task_state == state, seconds=seconds)


def refer(house: House, source: str, target: str, **more: Any) -> Case:
    made = house.refer(source, target, **more)
    answers = target if house.region.people_of(target, "caseworker") else source
    return Case(house, made["id"], house.caseworker(source), house.caseworker(answers))
