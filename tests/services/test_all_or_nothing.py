"""A use case happens whole or not at all; a deadlock is tried again, and nobody hears of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

import services.counting
import services.happenings
import services.moving
import services.offers
import services.requests
import services.rows
import services.subjects
import services.tasks
from domain.task import Outcome
from services.journal import Journal
from services.tasks import accept_task, complete_task
from services.transaction import Tx, by_engine, perform
from services.verifying import verify_indicators
from storage.database import Database, sqlstate
from tests.house import House
from tests.services.scenes import at_once, events, refer

TABLES = (
    "client", "consent", "need", "referral", "task", "event", "message", "indicator_entry", "entry_unfolded",
    "indicator_touch", "indicator_live", "indicator_total", "outbox", "audit", "audit_unsealed", "command",
)  # fmt: skip


def rows(house: House) -> dict[str, Any]:
    """How many rows each table has, and a fingerprint of what changes in place."""
    counts: dict[str, Any] = {table: house.sql(f"select count(*) from {table}")[0][0] for table in TABLES}
    for table in ("task", "referral", "need", "indicator_live"):
        counts[table + " "] = house.sql(f"select md5(string_agg(x::text, '|' order by x::text)) from {table} x")[0][0]
    return counts


class Broken(RuntimeError):
    """Something in the middle of a use case that nobody expected."""


def breaks(act: Callable[..., Any], *, after: bool, nth: int = 1) -> Callable[..., Any]:
    """The same function, failing before or after its `nth` call did its work."""
    calls = []

    def broken(*args: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == nth and not after:
            raise Broken
        result = act(*args, **more)
        if len(calls) == nth:
            raise Broken
        return result

    return broken


PLACES: list[tuple[Any, str, bool, int]] = [
    (services.tasks, "lock_task", True, 1),
    (services.moving, "move", True, 1),
    (services.rows, "ball_of", False, 1),
    (services.rows, "ball_of", True, 1),
    (services.moving, "happened", True, 1),
    (services.happenings, "count", True, 1),
    (services.happenings, "count", True, 2),
    (services.moving, "save_referral", True, 1),
    (services.moving, "settle_need", True, 1),
    (services.tasks, "task_view", True, 1),
    (Journal, "write", False, 1),
    (Journal, "write", True, 1),
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place[0].__name__}.{place[1]}-{place[2]}-{place[3]}")
def test_a_failure_anywhere_in_a_completion_leaves_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, place: tuple[Any, str, bool, int]
) -> None:
    where, name, after, nth = place
    referral = refer(house, "cap", "housing")
    accept_task(house.api, house.call("gwen.housing"), referral.tasks[0].id)
    before, call = rows(house), house.call("gwen.housing")
    with monkeypatch.context() as patch:
        patch.setattr(where, name, breaks(getattr(where, name), after=after, nth=nth))
        with pytest.raises(Broken):
            complete_task(house.api, call, referral.tasks[0].id, Outcome.NEED_MET)
    assert rows(house) == before
    again = complete_task(house.api, call, referral.tasks[0].id, Outcome.NEED_MET)
    assert (again.replayed, again.body.state) == (False, "completed")
    assert verify_indicators(house.engine).holds


@pytest.mark.parametrize("name", ["insert_client", "insert_need", "insert_offer", "_say_created"])
def test_a_failure_anywhere_in_a_new_referral_leaves_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    before, place = rows(house), services.subjects if name == "insert_client" else services.requests
    with monkeypatch.context() as patch:
        patch.setattr(place, name, breaks(getattr(place, name), after=True))
        with pytest.raises(Broken):
            refer(house, "cap", "housing", reason="The lease ends.")
    assert rows(house) == before


def test_a_refusal_leaves_only_what_a_repeat_needs(house: House) -> None:
    from services.refusals import Conflict
    from services.tasks import start_task

    referral = refer(house, "cap", "housing")
    before = rows(house)
    with pytest.raises(Conflict):
        start_task(house.api, house.call("gwen.housing"), referral.tasks[0].id)
    assert {table for table, count in rows(house).items() if count != before[table]} == {"command"}


def _crossing(first: str, second: str, met: threading.Barrier, attempts: list[str]) -> Callable[[Connection], None]:
    """Locks two rows in this order; on its first attempt it waits until the other one holds its first lock."""

    def cross(connection: Connection) -> None:
        attempts.append(first)
        connection.execute(_LOCK, {"id": first})
        if attempts.count(first) == 1:
            met.wait(5)
        connection.execute(_LOCK, {"id": second})

    return cross


_LOCK = text("update referral set rung = rung + 1 where id = :id")


def test_of_two_who_cross_one_is_tried_again_and_both_succeed(house: House) -> None:
    one, other = (str(refer(house, "cap", "housing").id) for _ in range(2))
    met, attempts = threading.Barrier(2), list[str]()

    def engine(first: str, second: str) -> str:
        def work(connection: Connection) -> tuple[str, None]:
            _crossing(first, second, met, attempts)(connection)
            return "done", None

        return by_engine(house.engine, work)

    assert at_once(lambda: engine(one, other), lambda: engine(other, one)) == ["done", "done"]
    assert len(attempts) >= 3, "one of them ran again"
    assert house.sql("select rung from referral where id = any(%s::uuid[])", [one, other]) == [(2,), (2,)]


def test_of_two_people_who_cross_one_is_tried_again_and_each_move_happens_once(house: House) -> None:
    from pydantic import BaseModel

    class Crossed(BaseModel):
        id: UUID

    one, other = (refer(house, "cap", "housing") for _ in range(2))
    met, attempts = threading.Barrier(2), list[str]()

    def person(login: str, first: Any, second: Any) -> str:
        def act(tx: Tx, seen: None) -> Crossed:
            _crossing(str(first.id), str(second.id), met, attempts)(tx.connection)
            tx.audit("crossed", "referral", first.id)
            return Crossed(id=first.id)

        answer = perform(
            house.api, house.call(login), lambda tx: None, act, Crossed, stores=lambda body: {"id": str(body.id)}
        )
        return str(answer.body.id)

    done = at_once(lambda: person("maria.cap", one, other), lambda: person("dale.cap", other, one))
    assert done == [str(one.id), str(other.id)]
    assert len(attempts) >= 3
    assert house.sql("select count(*) from audit where verb = 'crossed'") == [(2,)]


def test_a_deadlock_that_never_ends_is_told_after_the_fourth_attempt(house: House) -> None:
    attempts = []

    def unlucky(connection: Connection) -> tuple[None, None]:
        attempts.append(1)
        connection.execute(text("do $$ begin raise exception 'unlucky' using errcode = 'deadlock_detected'; end $$"))
        return None, None

    with pytest.raises(OperationalError) as told:
        by_engine(house.engine, unlucky)
    assert (len(attempts), sqlstate(told.value)) == (4, "40P01")


def test_other_errors_are_not_tried_again(house: House) -> None:
    attempts = []

    def wrong(connection: Connection) -> tuple[None, None]:
        attempts.append(1)
        connection.execute(text("select 1 / 0"))
        return None, None

    with pytest.raises(Exception, match="division by zero"):
        by_engine(house.engine, wrong)
    assert len(attempts) == 1


def test_a_voided_referral_and_its_accepting_partner_never_leave_half(house: House) -> None:
    from services.referrals import void_referral
    from services.refusals import Refusal

    for _ in range(10):
        referral = refer(house, "cap", "housing")

        def attempt(act: Callable[[], Any]) -> str:
            try:
                act()
            except Refusal as refusal:
                return str(refusal.status)
            return "200"

        void = partial(void_referral, house.api, house.call("maria.cap"), referral.id, "Twice.")
        accept = partial(accept_task, house.api, house.call("gwen.housing"), referral.tasks[0].id)
        answers = at_once(partial(attempt, void), partial(attempt, accept))
        assert answers in (["200", "200"], ["200", "409"])
        assert events(house, referral.id)[-1] in ("task_voided", "need_outcome")
    assert verify_indicators(house.engine).holds


def test_a_database_of_its_own_settings_ends_what_hangs(house: House) -> None:
    database = Database(house.settings.engine_database_url, pool_size=1, statement_seconds=1)
    with pytest.raises(OperationalError) as told, database.transaction() as connection:
        connection.execute(text("select pg_sleep(5)"))
    assert sqlstate(told.value) == "57014"
    database.dispose()
