"""Numbers proven in steps: what was proven stays proven unless somebody touched it; nothing slips between two runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from concert.embedded.postgres import libpq_url
from services import proofs
from services.folding import fold
from services.verifying import Verification, prove_indicators
from tests.house import OUTCOME, House
from tests.services.scenes import refer, task_of

FORGED = "set session_replication_role = replica; "


def serve(house: House, **more: Any) -> Any:
    referral = refer(house, "cap", "housing", **more)
    gwen = house.person("gwen.housing")
    for verb, body in (("accept", None), ("start", None), ("complete", OUTCOME)):
        gwen.does(f"{task_of(referral)}/{verb}", body)
    return referral


def prove(house: House, *, full: bool = False) -> Verification:
    return prove_indicators(house.engine, full=full)


def count(house: House) -> int:
    return int(house.sql("select count(*) from event")[0][0])


@pytest.fixture
def proven(house: House) -> Iterator[Verification]:
    """Some work, folded and proven in full; whatever a test forges is taken back by the test."""
    serve(house)
    while fold(house.engine):
        pass
    found = prove(house, full=True)
    assert (found.differences, found.marked) == ([], True)
    yield found
    assert prove(house, full=True).differences == []


def test_the_second_run_tells_only_what_came_since(house: House, proven: Verification) -> None:
    before = count(house)
    again = prove(house)
    assert (again.events, again.before, again.differences) == (0, before, [])
    serve(house)
    found = prove(house)
    assert (found.events, found.before) == (count(house) - before, before)
    assert found.differences == []
    assert prove(house).before == count(house)
    assert prove(house, full=True).events == count(house)


_MET = "select n.id from indicator_entry n join indicator i on i.id = n.indicator_id where i.code = 'needs_met'"
_TOTAL_MET = "from indicator i where i.id = t.indicator_id and i.code = 'needs_met' and t.dimensions = '{{}}'"
_LIVE = "where (t.indicator_id, t.grain, t.person_id) = (l.indicator_id, l.grain, l.person_id)"
FORGERIES: dict[str, tuple[str, str]] = {
    "an old entry, the total left alone": (
        "update indicator_entry set value = value + {0} where id = (select min(id::text)::uuid from indicator_entry)",
        "the ledger",
    ),
    "an old entry and its total together": (
        (
            f"update indicator_entry set value = value + {{0}} where id = ({_MET} order by n.id limit 1);"
            f" update indicator_total t set value = t.value + {{0}} {_TOTAL_MET}"
        ),
        "the ledger",
    ),
    "a total": ("update indicator_total set value = value + {0}", "the totals"),
    "the region's total": ("update region_total set value = value + {0}", "the totals: the region's"),
    "a total of one group": (
        "update indicator_total set value = value + {0} where dimensions ? 'county'",
        "the groups",
    ),
    "who was touched": ("update indicator_live set touches = touches + {0}", "distinct"),
    "a touch and who was touched": (
        (
            "update indicator_touch set step = step + {0};"
            f" update indicator_live l set touches = (select sum(step) from indicator_touch t {_LIVE})"
        ),
        "the touches",
    ),
    "what happened": (
        "update event set day = day + 40 * {0} where seq = (select min(seq) from event where kind = 'need_outcome')",
        "the ledger",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("full", [False, True], ids=["in steps", "in full"])
def test_whatever_is_forged_is_named(house: House, proven: Verification, forgery: str, full: bool) -> None:
    statement, named = FORGERIES[forgery]
    mark = house.sql("select seq, at from verified_mark")
    house.sql(FORGED + statement.format(1))
    try:
        found = prove(house, full=full)
        assert [each for each in found.differences if each.startswith(named)], found.differences
        assert not found.marked
        assert house.sql("select seq, at from verified_mark") == mark, "the mark of what held stays"
    finally:
        house.sql(FORGED + statement.format(-1))


def test_a_figure_that_is_wrong_is_named_with_what_it_says_and_what_is_right(
    house: House, proven: Verification
) -> None:
    statement = (
        "update indicator_total t set value = t.value + {0} from indicator i"
        " where i.id = t.indicator_id and i.code = 'needs_met' and t.dimensions = '{{}}'"
    )
    ((right, indicator_id, period),) = house.sql(
        "select t.value, i.id, t.period from indicator_total t join indicator i on i.id = t.indicator_id"
        " where i.code = 'needs_met' and t.dimensions = '{}'"
    )
    house.sql(statement.format(7))
    try:
        difference, follows, *groups = prove(house).differences
        assert (
            difference == f"the totals: {indicator_id} {period} value - {{}} says {right + 7}, the ledger says {right}"
        )
        assert follows.startswith("the totals: the region's"), "which no longer is the sum of its partners'"
        assert groups
        assert all(one.startswith("the groups") for one in groups), "which no longer add up to it"
    finally:
        house.sql(statement.format(-7))


def test_history_that_was_rewritten_whole_is_still_not_what_was_proven(house: House, proven: Verification) -> None:
    """Another person everywhere at once: recomputing finds nothing, the checksums of the last proof do."""
    fresh = "01900000-0000-7000-8000-000000000001"
    ((old,),) = house.sql("select person_id from event where kind = 'task_started' order by seq limit 1")
    swap = "".join(
        f"update {table} set {column} = '{{1}}' where {column} = '{{0}}';"
        for table, column in (
            ("event", "person_id"),
            ("event", "household_key"),
            ("indicator_touch", "person_id"),
            ("indicator_live", "person_id"),
        )
    )
    swap += "update event set household_key = '{1}' where household_key = '{0}';"
    house.sql(FORGED + swap.format(old, fresh))
    try:
        found = prove(house)
        assert [each.rpartition(": ")[2] for each in found.differences] == ["events", "touches"]
        assert found.before == 0
    finally:
        house.sql(FORGED + swap.format(fresh, old))
    assert prove(house).differences == []


def test_another_rule_is_proven_from_the_beginning(house: House, proven: Verification) -> None:
    definition = "update indicator set rule = rule {0} where code = 'reported_unconfirmed'"
    house.sql(definition.format('|| \'{"credit": "source"}\''))
    assert prove(house).before == count(house), "the same rule"
    house.sql(definition.format('|| \'{"credit": "target"}\''))
    try:
        assert prove(house).before == 0
    finally:
        house.sql(definition.format('|| \'{"credit": "source"}\''))


@pytest.mark.parametrize("late", [0.15, 3.0], ids=["commits in time", "commits after the run"])
def test_an_event_that_commits_late_is_not_skipped(
    house: House, proven: Verification, late: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sequence number was given before that of others that have committed since."""
    monkeypatch.setattr(proofs, "TRIES", 2)
    serve(house)
    ((columns,),) = house.sql(
        "select string_agg(attname, ', ') from pg_attribute where attrelid = 'event'::regclass and attnum > 0"
        " and not attisdropped and attname not in ('id', 'seq')"
    )
    copy = (
        f"insert into event (id, {columns}) select uuidv7(), {columns} from event"
        " where seq = (select max(seq) from event where kind = 'task_accepted') returning seq"
    )
    given, done = threading.Event(), threading.Event()
    seqs: list[int] = []

    def write() -> None:
        with psycopg.connect(libpq_url(house.admin_url)) as connection:
            row = connection.execute(copy.encode()).fetchone()
            assert row is not None
            seqs.append(row[0])
            given.set()
            done.wait(late)
            connection.rollback() if late < 1 else connection.commit()

    with ThreadPoolExecutor(1) as threads:
        writing = threads.submit(write)
        assert given.wait(5)
        if late < 1:
            found = prove(house)
            assert found.marked, "it waited for the writer"
            assert house.sql("select seq from verified_mark")[0][0] >= seqs[0]
            return
        later = threads.submit(lambda: refer(house, "cap", "housing"))
        found = prove(house)
        assert not found.marked, "nobody can say yet what is complete"
        assert found.differences == []
        assert house.sql("select seq from verified_mark")[0][0] < seqs[0]
        done.set()
        writing.result()
        later.result()
    found = prove(house)
    assert [each for each in found.differences if "the ledger" in each], "its worth was never entered: now it is told"
    house.sql(f"{FORGED} delete from event where seq = {seqs[0]}")


def test_while_eight_people_work_every_run_proves_what_it_marks(house: House, proven: Verification) -> None:
    over = threading.Event()

    def work(_: int) -> None:
        while not over.is_set():
            referral = serve(house)
            house.person("maria.cap").does(f"/v1/referrals/{referral.id}/void", {"reason": "The wrong family."})

    marks = []
    with ThreadPoolExecutor(8) as threads:
        working = [threads.submit(work, n) for n in range(8)]
        try:
            for _ in range(4):
                found = prove(house)
                assert found.differences == []
                fold(house.engine, 50)
                ((seq, events),) = house.sql("select seq, events from verified_mark")
                marks.append((seq, events))
        finally:
            over.set()
        for one in working:
            one.result()
    for seq, events in marks:
        assert house.sql("select count(*) from event where seq <= %s", seq)[0][0] == events, "nothing came in between"
    assert len(set(marks)) > 1
