"""Scenes that several tests start from, and ways to look at what was written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar
from uuid import UUID

import httpx

from services.clients import NewClient, Residence
from services.folding import fold
from services.requests import Request, create_referral
from services.verifying import prove_indicators
from tests.house import House

T = TypeVar("T")
NAME = "Rosalind"


def at_once(*acts: Callable[[], T]) -> list[T]:
    """All of them at the same moment, each in a thread; their answers in order."""
    gate = threading.Barrier(len(acts))

    def wait(act: Callable[[], T]) -> T:
        gate.wait(10)
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(wait, acts))


def refer(house: House, source: str, target: str, *, nth: int = 0, login: str | None = None, **more: Any) -> Any:
    """A referral made by a service call, without HTTP: the shape that the API would answer."""
    if not {"client_id", "client", "household_id"} & set(more):
        home = Residence("fixed", county="31157")
        more["client"] = NewClient(given_name=NAME, family_name="Featherstonehaugh", residence=home)
    request = Request(service_id=house.service(target, nth=nth).id, **more)
    return create_referral(house.api, house.call(login or house.caseworker(source).login), request).body


def ask_at_once(house: House, source: str, *services: UUID, **more: Any) -> Any:
    """The same of several services at once."""
    home = Residence("fixed", county="31157")
    more |= {"client": NewClient(given_name=NAME, family_name="Featherstonehaugh", residence=home)}
    request = Request(service_ids=services, **more)
    return create_referral(house.api, house.call(house.caseworker(source).login), request).body


def task_of(referral: Any) -> str:
    """The path of the referral's newest task."""
    tasks = referral["tasks"] if isinstance(referral, dict) else referral.model_dump()["tasks"]
    return f"/v1/tasks/{max(str(task['id']) for task in tasks)}"


def statuses(answers: Iterable[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def events(house: House, referral_id: Any, kind: str | None = None) -> list[str]:
    """Kinds of what happened to the referral, in order."""
    rows = house.sql("select kind from event where referral_id = %s order by seq", str(referral_id))
    return [row[0] for row in rows if kind in (None, row[0])]


def organization_id(house: House, slug: str) -> UUID:
    return house.region.organization(slug).id


@contextmanager
def no_partner(house: House, slug: str) -> Iterator[None]:
    """Its partnership has ended while the block runs."""
    ends = "update partnership set ends_on = {} where organization_id = %s"
    house.sql(ends.format("current_date - 2"), organization_id(house, slug))
    try:
        yield
    finally:
        house.sql(ends.format("null"), organization_id(house, slug))


def series(house: House, code: str, login: str = "ruth.hub", **params: Any) -> dict[tuple[str, str | None], Any]:
    """(period, label) → the point, of an indicator as that person reads it."""
    answer = house.person(login).read(f"/v1/indicators/{code}", **params)
    return {(point["period"], next(iter(point["by"].values()), None)): point for point in answer["series"]}


def total(house: House, code: str, login: str = "ruth.hub", **params: Any) -> int:
    """All periods together."""
    return int(sum(point["value"] or 0 for point in series(house, code, login, **params).values()))


def ledger(house: House, code: str) -> dict[tuple[Any, ...], int]:
    """The entries of an indicator, summed by key; keys that come to nothing are left out."""
    rows = house.sql(
        "select n.period, n.part, n.bucket, n.organization_id, n.dimensions::text, sum(n.value)::int"
        " from indicator_entry n join indicator i on i.id = n.indicator_id where i.code = %s"
        " group by 1, 2, 3, 4, 5 having sum(n.value) <> 0",
        code,
    )
    return {tuple(row[:-1]): row[-1] for row in rows}


def numbers(house: House) -> dict[str, dict[tuple[Any, ...], int]]:
    """The whole ledger, indicator by indicator."""
    codes = [row[0] for row in house.sql("select distinct code from indicator")]
    return {code: ledger(house, code) for code in codes}


def proven(house: House) -> None:
    """Everything is folded, and events, ledger and totals agree: what happened since the house was last proven is told
    again. That they agree while the fold is under way is for the tests of the fold.
    """
    while fold(house.engine):
        pass
    assert prove_indicators(house.engine).differences == []
    (left,) = house.sql("select count(*) from entry_unfolded")[0]
    assert left == 0
