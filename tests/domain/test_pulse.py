"""What is wrong with the engine, by its pulse; every ailment has its heading in the runbook."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.pulse import CODES, OLD_SECONDS, UNSENT_SECONDS, Cases, Process, Pulse, Queue, Trouble, ailments

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
OLD = Queue(3, NOW - timedelta(seconds=OLD_SECONDS + 1))
VAIN = NOW - timedelta(seconds=UNSENT_SECONDS + 1)
RUNBOOK = Path(__file__).parents[2] / "docs" / "runbook.md"
WELL = Pulse(
    at=NOW,
    outbox=Queue(2, NOW - timedelta(seconds=OLD_SECONDS - 1)),
    dead=0,
    ledger=Queue(0, None),
    audit=Queue(0, None),
    mail=Queue(5, NOW - timedelta(seconds=UNSENT_SECONDS - 1)),
    processes=tuple(Process(role, 1, NOW) for role in ("worker", "relay", "sweeper")),
    findings=(),
    hidden=(),
    connections=20,
    most_connections=100,
    size_bytes=1,
    ping_seconds=0.001,
)


def without(*roles: str) -> Pulse:
    return replace(WELL, processes=tuple(replace(p, alive=0 if p.role in roles else 1) for p in WELL.processes))


def finding(trouble: Trouble, cases: int = 1) -> tuple[Cases, ...]:
    return (Cases("plan", trouble, cases, NOW),)


SITUATIONS = {
    "all is well": (WELL, []),
    "nobody has ever run": (replace(WELL, processes=()), ["RelaySilent", "WorkerSilent"]),
    "the worker is gone": (without("worker"), ["WorkerSilent"]),
    "Temporal is away": (without("sweeper"), ["TemporalSilent"]),
    "without a relay nobody can tell of Temporal": (without("relay", "sweeper"), ["RelaySilent"]),
    "a message is old": (replace(WELL, outbox=OLD), ["OutboxOld"]),
    "a message was given up": (replace(WELL, dead=1), ["DeadLetters"]),
    "the ledger lies": (replace(WELL, ledger=OLD), ["LedgerUnfolded"]),
    "the audit lies": (replace(WELL, audit=OLD), ["AuditUnsealed"]),
    "mail does not leave": (replace(WELL, mail=Queue(3, VAIN)), ["MailStuck"]),
    "code fails": (replace(WELL, findings=finding(Trouble.FAILING)), ["WorkflowFailing"]),
    "a workflow is lost": (replace(WELL, findings=finding(Trouble.MISSING)), ["EngineDiffers"]),
    "a workflow is behind": (replace(WELL, findings=finding(Trouble.BEHIND, 2)), ["EngineDiffers"]),
    "a workflow runs for what is over": (replace(WELL, findings=finding(Trouble.STRAY)), ["EngineDiffers"]),
    "nobody watches a deadline": (replace(WELL, findings=finding(Trouble.UNWATCHED)), ["StalledUnwatched"]),
    "a confidential case's workflow is lost": (replace(WELL, hidden=(Trouble.MISSING,)), ["EngineDiffers"]),
    "connections run out": (replace(WELL, connections=91), ["ConnectionsScarce"]),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_situation_has_its_ailments_and_each_a_remedy(name: str) -> None:
    pulse, codes = SITUATIONS[name]
    found = ailments(pulse)
    assert [each.code for each in found] == codes
    assert all(each.reason.endswith(".") and each.remedy for each in found)


def test_one_plan_and_two_plans_are_told_as_people_speak() -> None:
    (one,), (two,) = (ailments(WELL, finding(Trouble.MISSING, n)) for n in (1, 2))
    assert ("1 plan has" in one.reason, "2 plans have" in two.reason) == (True, True)


@pytest.mark.parametrize("trouble", Trouble)
def test_of_confidential_cases_is_told_that_there_is_trouble_and_no_number(trouble: Trouble) -> None:
    (one,) = ailments(replace(WELL, hidden=(trouble,)))
    assert "t least one confidential case" in one.reason
    assert (re.search(r"\d", one.reason), one.since) == (None, None)
    assert one.remedy.endswith("Which it is: concert reconcile --check")


def test_letters_that_do_not_leave_are_told_with_their_number_and_for_how_long() -> None:
    (one,), (many,) = (ailments(replace(WELL, mail=Queue(n, VAIN))) for n in (1, 3))
    assert "1 letter waits" in one.reason
    assert "3 letters wait, tried in vain for 15 minutes" in many.reason
    assert (many.since, "mail server" in many.remedy) == (VAIN, True)


def test_the_list_of_ailments_is_whole() -> None:
    assert {code for _, codes in SITUATIONS.values() for code in codes} == set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_ailment_has_its_heading_in_the_runbook(code: str) -> None:
    assert re.search(rf"^#+ {code}$", RUNBOOK.read_text(), re.MULTILINE)
