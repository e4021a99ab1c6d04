"""Pages by keyset are complete and stable while others add rows: nothing is shown twice, nothing is left out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import House, Person
from tests.services.scenes import refer, task_of

ROWS = 13


def pages(person: Person, path: str, between: Any, limit: int = 4, **params: Any) -> list[str]:
    """All ids, page by page; `between` happens between two pages."""
    ids: list[str] = []
    cursor: str | None = None
    for turn in range(100):
        more = {"cursor": cursor} if cursor else {}
        answer = person.read(path, limit=limit, **params, **more)
        assert len(answer["items"]) <= limit
        ids += [item["id"] for item in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            return ids
        if turn < 5:
            between()
    raise AssertionError("the pages never end")


@pytest.fixture(scope="module")
def rows(house: House) -> list[Any]:
    made = [refer(house, "cap", "housing") for _ in range(ROWS)]
    house.sql("update task set due_at = date_trunc('hour', due_at)")  # many are due at the same instant
    return made


def add(house: House) -> None:
    refer(house, "cap", "housing")


@pytest.mark.parametrize("limit", [1, 4, 12, 13, 200])
@pytest.mark.parametrize("login", ["gwen.housing"])
def test_the_inbox(house: House, rows: list[Any], login: str, limit: int) -> None:
    before = {task["id"] for task in house.person(login).inbox(limit=200)}
    seen = pages(house.person(login), "/v1/tasks", lambda: add(house), limit)
    assert len(seen) == len(set(seen))
    assert before <= set(seen)


@pytest.mark.parametrize("login", ["maria.cap", "gwen.housing", "ruth.hub"])
def test_the_referrals(house: House, rows: list[Any], login: str) -> None:
    person = house.person(login)
    before = [item["id"] for item in person.read("/v1/referrals", limit=200)["items"]]
    seen = pages(person, "/v1/referrals", lambda: add(house), 3)
    assert seen == before, "newest first: what is added later is on no later page"


@pytest.mark.parametrize("login", ["maria.cap", "gwen.housing", "ruth.hub"])
def test_the_stalled(house: House, rows: list[Any], login: str) -> None:
    ids = [str(row.id) for row in rows]
    house.sql(
        "update task set due_at = date_trunc('day', now()) - interval '1 day' where referral_id = any(%s::uuid[])", ids
    )
    seen = pages(house.person(login), "/v1/monitor/stalled", lambda: add(house), 5)
    assert len(seen) == len(set(seen)) == ROWS
    house.sql(
        "update task set due_at = date_trunc('day', now()) + interval '9 days' where referral_id = any(%s::uuid[])", ids
    )


def test_the_events_behind_a_figure(house: House, rows: list[Any]) -> None:
    ruth, year = house.person("ruth.hub"), rows[0].created_at.strftime("%Y")
    path = "/v1/indicators/referrals_sent/events"
    before = [event["id"] for event in ruth.read(path, period=year, limit=200)["items"]]
    seen = pages(ruth, path, lambda: add(house), 6, period=year)
    assert seen[: len(before)] == before
    assert len(seen) == len(set(seen)) > len(before)


def test_what_has_ended_newest_first(house: House, rows: list[Any]) -> None:
    gwen = house.person("gwen.housing")
    for row in rows[:7]:
        gwen.does(f"{task_of(row)}/decline", {"reason_code": "full", "reason_class": "no_capacity"})
    seen = pages(gwen, "/v1/tasks", lambda: add(house), 2, state="declined")
    assert seen == [str(row.tasks[0].id) for row in reversed(rows[:7])]


def test_a_cursor_of_one_list_or_person_is_none_for_another(house: House, rows: list[Any]) -> None:
    gwen = house.person("gwen.housing")
    cursor = gwen.read("/v1/tasks", limit=2)["next_cursor"]
    assert cursor
    assert gwen.get("/v1/referrals", limit=2, cursor=cursor).status_code == 400
    assert house.person("hector.housing").get("/v1/tasks", limit=2, cursor=cursor).status_code == 400
    assert gwen.get("/v1/tasks", limit=2, cursor=cursor, unassigned=True).status_code == 400
