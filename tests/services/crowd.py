"""People of some months, each of a county, an age, at a partner; written into the totals as the fold would."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random

from domain.groups import UNKNOWN
from tests.house import House
from tests.services.scenes import organization_id

GROUPS: Mapping[str, tuple[Sequence[str], Sequence[int]]] = {
    "county": (("31157", "31013", "31045", "31161", "31007", UNKNOWN), (60, 14, 12, 5, 3, 4)),
    "term": (("food.pantry", "food.benefits", "housing.rent", "health.clinic", "legal.eviction"), (30, 8, 30, 20, 5)),
    "age_band": (("00-04", "05-12", "18-24", "35-44", "65+", UNKNOWN), (16, 16, 10, 32, 16, 6)),
    "race": (("white", "multiple", UNKNOWN), (70, 8, 14)),
    "ethnicity": (("hispanic_or_latino", "not_hispanic_or_latino", UNKNOWN), (20, 60, 12)),
    "language": (("en", "es", "other", UNKNOWN), (80, 14, 3, 3)),
    "organization": (("cap", "housing", "legal", "pantry"), (50, 30, 8, 12)),
}
Person = dict[str, str]
Lines = Counter[tuple[str, str, str, str, str]]
"""(code, part, month, dimension, group) → how many."""


def crowd(months: Iterable[str], each: int, seed: int) -> list[Person]:
    random = Random(seed)
    return [
        {"month": month, **{name: random.choices(*groups)[0] for name, groups in GROUPS.items()}}
        for month in months
        for _ in range(each + random.randint(-5, 5))
    ]


def write(house: House, people: Iterable[Person], parts: Mapping[str, Sequence[str]], version: int = 1) -> Lines:
    """`parts` by code of an indicator: what each of the people counts as. Answers the region's lines."""
    slugs: dict[str, str] = {}
    by = {code: rule["by"] for code, rule in house.sql(_RULES, list(parts))}
    ledger: Counter[tuple[str, str, str, str, str, str]] = Counter()
    for person in people:
        owner = slugs.setdefault(person["organization"], str(organization_id(house, person["organization"])))
        for code, counted in parts.items():
            margins = [("", ""), *((name, person[name]) for name in by[code] if name != "organization")]
            ledger.update((code, part, person["month"], owner, *margin) for part in counted for margin in margins)
    house.sql(_TOTALS, json.dumps([dict(zip("cpmogdv", (*key, n), strict=True)) for key, n in ledger.items()]), version)
    region: Lines = Counter()
    for (code, part, month, _, name, group), count in ledger.items():
        region[code, part, month, name, group] += count
    house.sql(_REGION, json.dumps([dict(zip("cpmgdv", (*key, n), strict=True)) for key, n in region.items()]), version)
    return region


_RULES = "select code, rule from indicator where version = 1 and code = any(%s)"
_SPREAD = "case when x.g = '' then '{}' else jsonb_build_object(x.g, x.d) end"
_TOTALS = f"""
insert into indicator_total
    (collaborative_id, indicator_id, period, part, bucket, organization_id, dimensions, restricted, value)
select i.collaborative_id, i.id, x.m, x.p, 0, x.o, {_SPREAD}, false, x.v
  from jsonb_to_recordset(cast(%s as jsonb)) as x(c text, p text, m text, o uuid, g text, d text, v bigint)
  join indicator i on i.code = x.c and i.version = %s
"""
_REGION = f"""
insert into region_total (collaborative_id, indicator_id, period, part, bucket, grouped_by, dimensions, value)
select i.collaborative_id, i.id, x.m, x.p, 0, x.g, {_SPREAD}, x.v
  from jsonb_to_recordset(cast(%s as jsonb)) as x(c text, p text, m text, g text, d text, v bigint)
  join indicator i on i.code = x.c and i.version = %s
"""
