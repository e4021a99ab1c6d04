"""Is the engine well? Its pulse in numbers, and what is wrong with it, in words with a remedy.

An alert rule and a heading of the runbook carry the name of each trouble; tests keep the three together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

OLD_SECONDS = 60.0
"""So long may a message, an entry or an audit row wait for relay or folder; usually it is less than one."""
UNSENT_SECONDS = 900.0
"""So long may letters be tried in vain: a mail server that restarts, or asks to come again, is no fault."""
SCARCE = 0.9
"""Of the database's connections."""
KINDS = ("referral", "plan")
CODES = (
    "RelaySilent",
    "TemporalSilent",
    "WorkerSilent",
    "WorkflowFailing",
    "StalledUnwatched",
    "EngineDiffers",
    "OutboxOld",
    "DeadLetters",
    "LedgerUnfolded",
    "AuditUnsealed",
    "MailStuck",
    "ConnectionsScarce",
)
"""Of all ailments."""
ROLES = ("worker", "relay", "sweeper")
"""Who gives signs of life. The sweeper, beside the relay, gives one for each round in which Temporal answered."""


class Trouble(StrEnum):
    """What may be wrong between one case and its workflow.

    `failing`: its code; `missing`: none runs; `behind`: it does not wait for an open task; `stray`: it runs for
    what is over; `unwatched`: the moment at which somebody had to look at open work has passed, there is none, or it
    comes after a limit that has passed.
    """

    FAILING = "failing"
    MISSING = "missing"
    BEHIND = "behind"
    STRAY = "stray"
    UNWATCHED = "unwatched"


@dataclass(frozen=True, slots=True)
class Queue:
    """How many wait, and since when the oldest does."""

    waiting: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Process:
    """`alive` processes of a role gave a sign of life within 45 seconds; `last` is the latest, None: never."""

    role: str
    alive: int
    last: datetime | None


@dataclass(frozen=True, slots=True)
class Cases:
    """So many referrals or plans (`kind`) with that trouble."""

    kind: str
    trouble: Trouble
    cases: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """`at` by the database's clock. Counts above a hundred thousand read as that.

    `mail`: letters by which one sees that mail does not leave: tried in vain, and none has left since. Not those that
    wait for the morning or for a digest, nor those for one full mailbox or one wrong address.
    `hidden`: what is wrong with at least one case of those that `findings` leaves out, the confidential ones.
    """

    at: datetime
    outbox: Queue
    dead: int
    ledger: Queue
    audit: Queue
    mail: Queue
    processes: tuple[Process, ...]
    findings: tuple[Cases, ...]
    hidden: tuple[Trouble, ...]
    connections: int
    most_connections: int
    size_bytes: int
    ping_seconds: float

    def age(self, queue: Queue) -> float:
        """Seconds for which the oldest of the queue has waited."""
        return max(0.0, (self.at - queue.since).total_seconds()) if queue.since else 0.0


@dataclass(frozen=True, slots=True)
class Ailment:
    """One thing that is wrong. `code` names the alert and the runbook's heading; `since` where it is known."""

    code: str
    reason: str
    remedy: str
    since: datetime | None = None


def ailments(pulse: Pulse, findings: tuple[Cases, ...] | None = None) -> list[Ailment]:
    """All that is wrong, what to look at first first. `findings`: those that the reader may see, else the pulse's."""
    return [
        *_silent(pulse),
        *_cases(pulse.findings if findings is None else findings, pulse.hidden),
        *_waiting(pulse),
        *_mail(pulse),
        *_database(pulse),
    ]


def _silent(pulse: Pulse) -> Iterator[Ailment]:
    alive = {each.role: each.alive for each in pulse.processes}
    last = {each.role: each.last for each in pulse.processes}
    if not alive.get("relay"):
        reason = "No relay gives a sign of life: the engine hears of nothing new. People can go on working."
        yield Ailment("RelaySilent", reason, "Start `concert relay`.", last.get("relay"))
    elif not alive.get("sweeper"):
        reason = "Temporal does not answer the relay: nothing new is driven. People can go on working."
        yield Ailment("TemporalSilent", reason, "Is Temporal up? `concert doctor` looks.", last.get("sweeper"))
    if not alive.get("worker"):
        reason = "No worker gives a sign of life: nobody is reminded, and no plan opens its next step."
        yield Ailment("WorkerSilent", reason, "Start `concert worker`.", last.get("worker"))


def _cases(findings: tuple[Cases, ...], hidden: tuple[Trouble, ...]) -> Iterator[Ailment]:
    for each in findings:
        yield _wrong(each.trouble, _count(each), each.cases == 1, each.since)
    for trouble in hidden:
        told = _wrong(trouble, _SOME, True, None)
        yield replace(told, remedy=f"{told.remedy.rstrip('.')}. Which it is: concert reconcile --check")


def _wrong(trouble: Trouble, who: str, one: bool, since: datetime | None) -> Ailment:
    if trouble is Trouble.FAILING:
        reason = f"The workflow code of {who} fails again and again: nobody is reminded there."
        remedy = "Deploy workers whose code is mended, or the version before; the cases go on by themselves."
        return Ailment("WorkflowFailing", reason, remedy, since)
    repair = "Run: concert reconcile --repair"
    if trouble is Trouble.UNWATCHED:
        waits = f"{who} {'waits' if one else 'wait'} for a deadline that nobody watches"
        reason = f"{waits[0].upper()}{waits[1:]}: nothing is reminded, nothing expires there."
        return Ailment("StalledUnwatched", reason, repair, since)
    reason = f"Record and engine differ: {who} {'has' if one else 'have'} {_HOW[trouble]}."
    return Ailment("EngineDiffers", reason, repair, since)


_SOME = "at least one confidential case"
_HOW = {
    Trouble.MISSING: "no running workflow",
    Trouble.BEHIND: "a workflow that is behind the record",
    Trouble.STRAY: "a workflow that runs although the record says it is over",
}


def _count(each: Cases) -> str:
    return f"{each.cases} {each.kind}{'' if each.cases == 1 else 's'}"


def _waiting(pulse: Pulse) -> Iterator[Ailment]:
    if pulse.age(pulse.outbox) > OLD_SECONDS:
        whom = "the engine or for people's feeds"
        reason = f"{pulse.outbox.waiting} messages wait for {whom}, the oldest for {pulse.age(pulse.outbox):.0f} s."
        yield Ailment(
            "OutboxOld", reason, "Are relay and Temporal up? Nothing is lost: both catch up.", pulse.outbox.since
        )
    if pulse.dead:
        reason = f"{pulse.dead} messages were given up after several tries."
        yield Ailment("DeadLetters", reason, "See why in outbox.error, mend it, then: concert reconcile --repair")
    if pulse.age(pulse.ledger) > OLD_SECONDS:
        reason = f"{pulse.ledger.waiting} entries wait to be folded. Figures stay exact and are slower to read."
        yield Ailment("LedgerUnfolded", reason, "Is a relay up? It folds.", pulse.ledger.since)
    if pulse.age(pulse.audit) > OLD_SECONDS:
        reason = f"{pulse.audit.waiting} audit rows wait for their seal."
        yield Ailment("AuditUnsealed", reason, "Is a relay up? It seals.", pulse.audit.since)


def _mail(pulse: Pulse) -> Iterator[Ailment]:
    if pulse.age(pulse.mail) > UNSENT_SECONDS:
        letters = "1 letter waits" if pulse.mail.waiting == 1 else f"{pulse.mail.waiting} letters wait"
        minutes = pulse.age(pulse.mail) / 60
        reason = f"Mail does not leave: {letters}, tried in vain for {minutes:.0f} minutes. Feeds go on."
        remedy = "Ask whoever keeps the mail server; `concert doctor` looks. Nothing is lost: it leaves by itself."
        yield Ailment("MailStuck", reason, remedy, pulse.mail.since)


def _database(pulse: Pulse) -> Iterator[Ailment]:
    if pulse.connections > SCARCE * pulse.most_connections:
        reason = f"{pulse.connections} of the database's {pulse.most_connections} connections are taken."
        yield Ailment("ConnectionsScarce", reason, "Run fewer processes, raise max_connections, or add a pooler.")
