"""To which groups a client belongs, as codes for the shared numbers: bands and categories, never a date or a name.

Race follows the combined question of the US standard (OMB Statistical Policy Directive 15 of 2024, HUD's data
standards): whoever names several is `multiple`, Hispanic or Latino is one of the answers; `ethnicity` repeats that one
apart, because many funders still ask for it so. "Does not know", "prefers not to answer" and "was not asked" all count
as `unknown`: what is not known is shown, never left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

UNKNOWN = "unknown"
SENSITIVE = "sensitive"
"""All sensitive needs, for whoever may not know which of them somebody has."""
OTHER = "other"
MULTIPLE = "multiple"
GROUPS = ("age_band", "race", "ethnicity", "language")
DIMENSIONS = ("county", "term", *GROUPS)
"""What every event carries (decision 30)."""
SERVICE = "service"
"""What a decline carries besides: which of the partner's services was asked. No group of people."""
HISPANIC = "hispanic_or_latino"
RACES = frozenset(
    {
        "american_indian_or_alaska_native",
        "asian",
        "black_or_african_american",
        HISPANIC,
        "middle_eastern_or_north_african",
        "native_hawaiian_or_pacific_islander",
        "white",
    }
)
_BANDS = (
    (5, "00-04"),
    (13, "05-12"),
    (18, "13-17"),
    (25, "18-24"),
    (35, "25-34"),
    (45, "35-44"),
    (55, "45-54"),
    (65, "55-64"),
)
OLDEST = "65+"
AGE_BANDS = (*(band for _, band in _BANDS), OLDEST)
UNSAID = ("doesnt_know", "not_asked", "prefers_not")
"""The three ways in which an answer is missing."""
ETHNICITIES = (HISPANIC, "not_hispanic_or_latino")


def age_band(born_on: date | None, birth_year: int | None, on: date) -> str:
    """The age on a day; from the year alone it may be a year too high, which the bands mostly hide."""
    if born_on is not None:
        age = on.year - born_on.year - ((on.month, on.day) < (born_on.month, born_on.day))
    elif birth_year is not None:
        age = on.year - birth_year
    else:
        return UNKNOWN
    return next((band for below, band in _BANDS if age < below), OLDEST)


def race(named: Collection[str]) -> str:
    known = set(named) & RACES
    if len(known) > 1:
        return MULTIPLE
    return known.pop() if known else UNKNOWN


def ethnicity(named: Collection[str]) -> str:
    known = set(named) & RACES
    if not known:
        return UNKNOWN
    return HISPANIC if HISPANIC in known else "not_hispanic_or_latino"


def language(code: str | None, counted: Collection[str]) -> str:
    """The languages that the agenda counts apart, all others together: a rare language could name a person."""
    if not code:
        return UNKNOWN
    return code if code in counted else OTHER


def dimensions(county: str | None, term: str | None, groups: Mapping[str, str]) -> dict[str, str]:
    """All of an event's dimensions, each with a value."""
    known = {"county": county, "term": term, **groups}
    return {name: known.get(name) or UNKNOWN for name in DIMENSIONS}
