"""The sweeper: beside the relay it asks Temporal which workflows fail, compares a few cases each round, and writes what
it saw into the record. Requests read it there: none of them waits for Temporal.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionAsyncIterator
from temporalio.common import SearchAttributeKey

from concert.heart import instance
from concert.reconcile import RUNNING, Disagreement, case_of, differing, of_cases, running_among
from domain.pulse import Trouble
from services.findings import (
    COMPARED,
    MOST,
    Found,
    at_rest,
    note_all,
    note_differences,
    noted,
    undisturbed,
    unwatched,
)
from services.heartbeats import beat
from services.reconciling import next_open
from services.transaction import Record

log = structlog.get_logger("concert.sweeper")
PAUSE_SECONDS = 15.0
EACH_ROUND = 50
"""Cases compared in one round: three requests a second at Temporal, never its visibility."""
AGAIN = 200
"""Of the cases that are noted, so many are compared again in one round: a loss of Temporal's data makes them all."""
EACH_PAGE = 200
"""Running workflows listed in one round, to find those whose case is over."""
_PROBLEMS = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")
FAILING = f"{_PROBLEMS.name} IS NOT NULL AND {RUNNING}"


class Sweeper:
    """Several may run: each writes what it saw, and what is mended disappears with anybody's next look."""

    def __init__(self, record: Record, client: Client) -> None:
        self._record = record
        self._client = client
        self._after = UUID(int=0)
        self._pages: WorkflowExecutionAsyncIterator | None = None
        self._again = ""
        self._suspects: frozenset[str] = frozenset()
        self._idle: frozenset[str] = frozenset()
        self._whole = True

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self.sweep()
            except Exception as error:  # noqa: BLE001 - one of the two is away: its silence is what the monitor shows
                log.warning("sweeper_waits", type=type(error).__name__)
            await asyncio.sleep(PAUSE_SECONDS)

    async def sweep(self) -> None:
        """One round: what nobody watches, all workflows that fail, and a few cases further on in the comparison.

        It gives a sign of life as soon as record and Temporal have answered, however much there is to do; but after a
        round that failed, only at the end of one that does not.
        """
        await self._watch()
        runs = [run async for run in self._client.list_workflows(FAILING, limit=MOST)]
        if self._whole:
            await self._beat()
        self._whole = False
        failing = [_failing(run) for run in await of_cases(self._record, runs)]
        if failing:
            log.warning("workflows_fail", count=len(failing), codes=sorted({each.code for each in failing}))
        await asyncio.to_thread(note_all, self._record, Trouble.FAILING, failing)
        await self._compare()
        self._whole = True
        await self._beat()

    async def _beat(self) -> None:
        await asyncio.to_thread(beat, self._record, "sweeper", instance())

    async def _watch(self) -> None:
        """Asked of the record alone, so that it is also said while Temporal is away. Twice in a row, as below."""
        before = self._idle | await asyncio.to_thread(noted, self._record, [Trouble.UNWATCHED])
        found = await asyncio.to_thread(unwatched, self._record)
        lasting = [each for each in found if each.workflow_id in before]
        self._idle = frozenset(each.workflow_id for each in found)
        if lasting:
            log.warning("nobody_watches", count=len(lasting), cases=[each.workflow_id for each in lasting[:20]])
        await asyncio.to_thread(note_all, self._record, Trouble.UNWATCHED, lasting)

    async def _compare(self) -> None:
        """A case differs if it did so in the round before too: much is only under way."""
        known = await asyncio.to_thread(noted, self._record, COMPARED)
        before, again = self._suspects | known, self._suspects | self._turn_of(known)
        runs = await self._next_runs()
        ids = await asyncio.to_thread(self._next) | {case_of(each) for each in again}
        found = await differing(self._client, await asyncio.to_thread(undisturbed, self._record, list(ids)))
        found += await running_among(self._client, await asyncio.to_thread(at_rest, self._record, again | runs))
        lasting = [_found(each) for each in found if each.workflow_id in before]
        self._suspects = frozenset(each.workflow_id for each in found) - before
        for each in lasting:
            log.warning("record_and_engine_differ", kind=each.kind, case=str(each.case_id), trouble=each.trouble)
        await asyncio.to_thread(note_differences, self._record, ids, lasting)

    def _next(self) -> frozenset[UUID]:
        """The next open cases, round and round."""
        ids = next_open(self._record, self._after, EACH_ROUND)
        self._after = ids[-1] if len(ids) == EACH_ROUND else UUID(int=0)
        return frozenset(ids)

    def _turn_of(self, known: frozenset[str]) -> frozenset[str]:
        """The next of these, round and round."""
        turn = sorted(each for each in known if each > self._again)[:AGAIN]
        self._again = turn[-1] if len(turn) == AGAIN else ""
        return frozenset(turn)

    async def _next_runs(self) -> frozenset[str]:
        """The next workflows that run, round and round: one page of Temporal's list, which lags, so each is asked."""
        pages, self._pages = self._pages or self._client.list_workflows(RUNNING, page_size=EACH_PAGE), None
        await pages.fetch_next_page()
        self._pages = pages if pages.next_page_token else None
        return frozenset(run.id for run in await of_cases(self._record, list(pages.current_page or ())))


def _failing(run: WorkflowExecution) -> Found:
    """`code` is Temporal's own name of the cause: failures themselves may hold anything."""
    kind, _, case_id = run.id.partition("-")
    problems = dict(each.partition("=")[::2] for each in run.typed_search_attributes.get(_PROBLEMS, ()))
    cause = problems.get("cause", "").removeprefix("WorkflowTaskFailedCause").removeprefix("WorkflowTaskTimedOutCause")
    return Found(kind, UUID(case_id), Trouble.FAILING, cause or problems.get("category", "unknown"))


def _found(each: Disagreement) -> Found:
    return Found(each.workflow_id.partition("-")[0], each.case_id, Trouble(each.trouble), each.code)
