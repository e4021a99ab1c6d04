"""The sweeper: beside the relay it asks Temporal which workflows fail, compares a few cases each round, and writes what
it saw into the record. Requests read it there: none of them waits for Temporal.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from temporalio.client import Client, WorkflowExecution
from temporalio.common import SearchAttributeKey

from concert.heart import instance
from concert.reconcile import Disagreement, differing
from domain.pulse import Trouble
from services.findings import Found, note_differences, note_failing, noted_differences, undisturbed
from services.heartbeats import beat
from services.reconciling import next_open
from services.transaction import Record

log = structlog.get_logger("concert.sweeper")
PAUSE_SECONDS = 15.0
EACH_ROUND = 50
"""Cases compared in one round: three requests a second at Temporal, never its visibility."""
MOST_FAILING = 1000
_PROBLEMS = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")
_FAILING = (
    f"{_PROBLEMS.name} IS NOT NULL AND ExecutionStatus = 'Running' AND WorkflowType IN ('Referral', 'ActionPlan')"
)


class Sweeper:
    """Several may run: each writes what it saw, and what is mended disappears with anybody's next look."""

    def __init__(self, record: Record, client: Client) -> None:
        self._record = record
        self._client = client
        self._after = UUID(int=0)
        self._suspects: frozenset[UUID] = frozenset()

    async def run(self) -> None:
        """Until cancelled. A round in which record or Temporal did not answer gives no sign of life."""
        while True:
            try:
                await self.sweep()
                await asyncio.to_thread(beat, self._record, "sweeper", instance())
            except Exception as error:  # noqa: BLE001 - one of the two is away: its silence is what the monitor shows
                log.warning("sweeper_waits", type=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)

    async def sweep(self) -> None:
        """One round: all workflows that fail, and a few cases further on in the comparison."""
        failing = [_failing(run) async for run in self._client.list_workflows(_FAILING, limit=MOST_FAILING)]
        if failing:
            log.warning("workflows_fail", count=len(failing), codes=sorted({each.code for each in failing}))
        await asyncio.to_thread(note_failing, self._record, failing)
        await self._compare()

    async def _compare(self) -> None:
        """A case differs if it did so in the round before too: much is only under way."""
        noted = await asyncio.to_thread(noted_differences, self._record)
        ids = await asyncio.to_thread(self._next) | self._suspects | noted
        found = await differing(self._client, await asyncio.to_thread(undisturbed, self._record, list(ids)))
        lasting = [_found(each) for each in found if each.case_id in self._suspects | noted]
        self._suspects = frozenset(each.case_id for each in found)
        for each in lasting:
            log.warning("record_and_engine_differ", kind=each.kind, case=str(each.case_id), trouble=each.trouble)
        await asyncio.to_thread(note_differences, self._record, ids, lasting)

    def _next(self) -> frozenset[UUID]:
        """The next open cases, round and round."""
        ids = next_open(self._record, self._after, EACH_ROUND)
        self._after = ids[-1] if len(ids) == EACH_ROUND else UUID(int=0)
        return frozenset(ids)


def _failing(run: WorkflowExecution) -> Found:
    """`code` is Temporal's own name of the cause: failures themselves may hold anything."""
    kind, _, case_id = run.id.partition("-")
    problems = dict(each.partition("=")[::2] for each in run.typed_search_attributes.get(_PROBLEMS, ()))
    cause = problems.get("cause", "").removeprefix("WorkflowTaskFailedCause").removeprefix("WorkflowTaskTimedOutCause")
    return Found(kind, UUID(case_id), Trouble.FAILING, cause or problems.get("category", "unknown"))


def _found(each: Disagreement) -> Found:
    return Found(each.workflow_id.partition("-")[0], each.case_id, Trouble(each.trouble), each.code)
