"""A partner asks everything that can be asked about six months, subtracts, and learns no small number of a group."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations_with_replacement
from random import Random
from typing import Any

import pytest

from domain.protection import Sum, Table
from tests.house import House
from tests.services.attacker import ranges
from tests.services.scenes import organization_id

MONTHS = [f"2026-{month:02d}" for month in range(4, 10)]
PAIRS = list(combinations_with_replacement(MONTHS, 2))
LOGIN, OWN = "lupe.pantry", "pantry"
GROUPS = {
    "county": ["31157", "31013", "31045", "31161", "31007", "unknown"],
    "race": ["white", "black", "asian", "multiple", "unknown"],
    "organization": ["cap", "housing", "early", "legal", OWN],
}
COUNTS, RATES = ("referrals_sent", "needs_met"), ("acknowledged_in_time",)
STAGES = ("offered", "acknowledged", "accepted", "served", "met")
Cell = tuple[str, str]
Told = dict[tuple[str, str, str], int]
"""(group, first month, last month) → what was answered."""


class Town:
    """People, each in a month, a county, of a race, at a partner; how far their request came, and what counts them."""

    def __init__(self, house: House) -> None:
        self.house, self.counts = house, defaultdict[tuple[str, str, str, str], Counter[str]](Counter)
        self.ids = {slug: str(organization_id(house, slug)) for slug in GROUPS["organization"]}
        random = Random(5)
        for month in MONTHS:
            for _ in range(random.randint(30, 70)):
                at = {
                    name: random.choices(groups, [8, 5, 2, 1, 1, 1][: len(groups)])[0]
                    for name, groups in GROUPS.items()
                }
                at["organization"] = self.ids[at["organization"]]
                self._count(month, at, random)

    def _count(self, month: str, at: dict[str, str], random: Random) -> None:
        parts = [(code, "value") for code in COUNTS] + [(code, "denominator") for code in RATES]
        parts += [(code, "numerator" if random.random() < 0.8 else "missed") for code in RATES]
        for code, part in parts:
            self.counts[code, part, month, at["organization"]].update(
                ["", *(f"{k} {at[k]}" for k in ("county", "race"))]
            )
        for stage in STAGES[: random.randint(1, 5)]:
            key = (f"funnel_{stage}", "value", month, at["organization"])
            self.counts[key].update(["", *(f"{k} {at[k]}" for k in ("county", "race"))])
            self.counts[f"partner_{stage}", "value", month, at["organization"]].update([""])

    def write(self) -> None:
        """Into the totals, as the fold would."""
        region: Counter[tuple[str, str, str, str]] = Counter()
        lines = []
        for (code, part, month, owner), counts in self.counts.items():
            for group, value in counts.items():
                region[code, part, month, group] += value
                lines.append((code, part, month, owner, _dimensions(group), value))
        kept = [line for line in lines if line[1] != "missed"]
        self.house.sql(_TOTALS, json.dumps([dict(zip("cpmodv", line, strict=True)) for line in kept]))
        whole = [(*key[:3], key[3].partition(" ")[0], _dimensions(key[3]), v) for key, v in region.items()]
        kept = [line for line in whole if line[1] != "missed"]
        self.house.sql(_REGION, json.dumps([dict(zip("cpmgdv", line, strict=True)) for line in kept]))

    def truth(self, code: str, part: str, by: str) -> dict[Cell, int]:
        found = {(group, month): 0 for group in self.groups(by) for month in MONTHS}
        for (c, p, month, owner), counts in self.counts.items():
            if (c, p) == (code, part):
                for group in self.groups(by):
                    found[group, month] += (
                        counts[""] * (owner == group) if by == "organization" else counts[f"{by} {group}"]
                    )
        return found

    def groups(self, by: str) -> list[str]:
        return list(self.ids.values()) if by == "organization" else GROUPS[by]


def _dimensions(group: str) -> dict[str, str]:
    name, _, value = group.partition(" ")
    return {name: value} if name else {}


@pytest.fixture(scope="module")
def town(house: House) -> Town:
    made = Town(house)
    made.write()
    return made


def series(town: Town, code: str, by: str) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Every answer there is: months, ranges, years, by version, first and last month of each."""
    lupe, path = town.house.person(LOGIN), f"/v1/indicators/{code}"
    asked = [{"from": a, "to": b, "period": "range"} for a, b in PAIRS]
    asked += [{"from": MONTHS[0], "to": MONTHS[-1]}, {"from": MONTHS[2], "to": MONTHS[2]}]
    asked += [{"from": MONTHS[0], "to": MONTHS[-1], "period": each} for each in ("calendar_year", "state_year")]
    asked += [{"from": MONTHS[0], "to": MONTHS[-1], "version": "1"}]
    for each in asked:
        answer = lupe.get(path, by=by, **each)
        assert answer.status_code == lupe.get(f"{path}.svg", by=by, **each).status_code
        assert answer.status_code in (200, 422), answer.text
        if answer.status_code == 422:
            assert "GET /public/indicators" in answer.json()["detail"]
            continue
        rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for point in answer.json()["series"]:
            rows[point["period"]].append(point)
        for period, row in rows.items():
            if len(period) == 7:
                yield period, period, row
            elif ".." in period:
                yield (*period.split(".."), row)  # type: ignore[misc]


def attack(town: Town, truth: dict[Cell, int], told: Told, at_least_one: set[Cell]) -> list[str]:
    """Small cells that lie in a range of one number: months have totals that everybody knows, ranges are sums."""
    known = {(group, a) for group, a, b in told if a == b}
    values: dict[Any, int] = {cell: n - (cell in at_least_one - known) for cell, n in truth.items()}
    sums = []
    for month in MONTHS:
        values["all", month] = sum(n for (_, m), n in truth.items() if m == month)
        sums.append(Sum(("all", month), tuple(cell for cell in truth if cell[1] == month)))
    for (group, a, b), value in told.items():
        if a != b:
            within = tuple((group, month) for month in MONTHS if a <= month <= b)
            assert value == sum(truth[cell] for cell in within)
            values[group, a, b] = value
            sums.append(Sum((group, a, b), within))
    found = ranges(Table(values, tuple(sums)), {cell for cell in truth if cell not in known})
    return [
        f"{cell}: {truth[cell]}" for cell, (low, high) in found.items() if 1 <= truth[cell] <= 10 and high - low < 1
    ]


def _parts(point: dict[str, Any]) -> dict[str, int]:
    if point["denominator"] is None:
        return {"value": int(point["value"])}
    top, bottom = point["numerator"], point["denominator"]
    return {"numerator": top, "denominator": bottom, "missed": bottom - top}


@pytest.mark.parametrize("code", [*COUNTS, *RATES, "funnel_offered", "funnel_met"])
@pytest.mark.parametrize("by", GROUPS)
def test_no_answers_of_the_series_can_be_subtracted(town: Town, code: str, by: str) -> None:
    parts = ("numerator", "denominator", "missed") if code in RATES else ("value",)
    told: dict[str, Told] = {part: {} for part in parts}
    small: set[Cell] = set()
    own = town.ids[OWN]
    if by == "organization" and code not in ("referrals_sent", *RATES):
        return
    for first, last, row in series(town, code, by):
        groups = {point["by"][by]: point for point in row}
        shown = {group: _parts(point) for group, point in groups.items() if not point["held_back"]}
        if len(groups) > 1 and set(groups) - {own, "unknown"}:
            nobody = dict.fromkeys(parts, 0)
            shown |= {group: nobody for group in town.groups(by) if group not in groups and first == last}
        small |= {(group, first) for group, point in groups.items() if point["held_back"] and len(groups) > 1}
        for group, counts in shown.items():
            for part in parts:
                told[part][group, first, last] = counts[part]
    hidden = 0
    for part in parts:
        truth = town.truth(code, part, by)
        assert all(truth[group, a] == n for (group, a, b), n in told[part].items() if a == b)
        assert not [cell for cell, n in told[part].items() if 1 <= n <= 10 and cell[0] != own], "nor is one told"
        hidden += sum(1 <= n <= 10 and (*cell, cell[1]) not in told[part] for cell, n in truth.items())
        assert attack(town, truth, told[part], small if part == "value" else set()) == []
        if by == "organization":
            assert all(told[part][own, a, b] >= 0 for a, b in PAIRS), "its own it reads as it likes"
    assert hidden > 5


@pytest.mark.parametrize("by", GROUPS)
def test_no_answers_of_the_funnel_can_be_subtracted_from_it_or_from_the_series(town: Town, by: str) -> None:
    lupe, told = town.house.person(LOGIN), {stage: Told() for stage in STAGES}
    for first, last in PAIRS:
        answer = lupe.get("/v1/equity/funnel", by=by, **{"from": first, "to": last})
        drawn = lupe.get("/v1/equity/funnel.svg", by=by, **{"from": first, "to": last})
        assert answer.status_code == drawn.status_code
        if answer.status_code == 422:
            assert first != last
            assert "GET /public/indicators" in answer.json()["detail"]
            continue
        for group in answer.json()["groups"]:
            for stage in group["stages"]:
                if group["group"] is not None and not stage["held_back"]:
                    told[stage["stage"]][group["group"], first, last] = stage["requests"]
    for stage, answers in told.items():
        code = f"{'partner' if by == 'organization' else 'funnel'}_{stage}"
        truth = town.truth(code, "value", by)
        assert all(truth[group, a] == n for (group, a, b), n in answers.items() if a == b)
        assert attack(town, truth, answers, set()) == [], stage
    assert sum(map(len, told.values())) > 10


_TOTALS = """
insert into indicator_total
    (collaborative_id, indicator_id, period, part, bucket, organization_id, dimensions, restricted, value)
select i.collaborative_id, i.id, x.m, x.p, 0, x.o, x.d, false, x.v
  from jsonb_to_recordset(cast(%s as jsonb)) as x(c text, p text, m text, o uuid, d jsonb, v bigint)
  join indicator i on i.code = x.c and i.version = 1
"""
_REGION = """
insert into region_total (collaborative_id, indicator_id, period, part, bucket, grouped_by, dimensions, value)
select i.collaborative_id, i.id, x.m, x.p, 0, x.g, x.d, x.v
  from jsonb_to_recordset(cast(%s as jsonb)) as x(c text, p text, m text, g text, d jsonb, v bigint)
  join indicator i on i.code = x.c and i.version = 1
"""
