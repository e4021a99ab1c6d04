"""Whatever is published first, and whatever partners read live beside it: nobody computes a small number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Set
from datetime import UTC, datetime
from itertools import product
from random import Random
from typing import Any

import psycopg
import pytest

from concert.embedded.postgres import libpq_url
from domain.protection import Sum, Table, is_small
from domain.span import span_of
from domain.task import Outcome
from services import proofs
from services.clients import NewClient, Residence
from services.counts import WHOLE, Margin
from services.publications import publish
from services.refusals import Conflict
from services.requests import Finished
from tests.conftest import Cluster
from tests.house import House, Loop, open_house, settings_for
from tests.journeys.published import asked
from tests.services.attacker import recovered
from tests.services.crowd import Lines, crowd, write
from tests.services.scenes import refer

CODE = "funnel_offered"
ASKED = ["partner_offered", "needs_met", "decided_in_time", "clients_served"]
SUMMER = ("2026-07", "2026-08", "2026-09")
Snapshots = dict[str, dict[str, dict[Margin, dict[str, Any]]]]
"""period → code → margin → figure."""


@pytest.fixture
def house(cluster: Cluster, the_region: Any, loop: Loop) -> Iterator[House]:
    """A record for each test: what is published stays. Only what is asked for is published."""
    opened = open_house(settings_for(cluster.directory, cluster.database()), the_region, loop)
    opened.sql("update collaborative set publication_after_days = -400")
    opened.sql("update indicator set standing = 'proposed' where code <> all(%s) and code not like 'funnel_%%'", ASKED)
    yield opened
    opened.close()


def published(house: House, *periods: str) -> Snapshots:
    for period in periods:
        publish(house.api, house.call("ruth.hub"), period)
    return {
        one["period"]: {
            each["code"]: {next(iter(f["by"].items()), WHOLE): f for f in each["figures"]} for each in one["indicators"]
        }
        for one in asked(house, limit=36).json()["items"]
    }


def computed(lines: Lines, public: Snapshots, code: str) -> list[str]:
    """Small counts that follow from the snapshots, all periods of a dimension together: for who reads them alone, and
    for partners, who read the totals live (ADR 14).
    """
    dimensions = sorted({margin[0] for margin in next(iter(public.values()))[code]} - {""})
    return [
        told
        for name, known in product(dimensions, (frozenset(), {WHOLE}))
        for told in _computed(lines, public, code, name, known)
    ]


def _computed(lines: Lines, public: Snapshots, code: str, name: str, known: Set[Margin]) -> list[str]:
    spans = {period: span_of(period, {"state_year": 7}) for period in public}
    groups = [margin for margin in next(iter(public.values()))[code] if margin[0] == name]
    counts = _counts(lines, code, name)
    every = {each.name: each.months for each in spans.values()} | {m: (m,) for s in spans.values() for m in s.months}
    values: dict[Any, int] = {
        (period, margin): sum(counts[month, margin] for month in months)
        for period, months in every.items()
        for margin in (WHOLE, *groups)
    }
    sums = [Sum((period, WHOLE), tuple((period, margin) for margin in groups)) for period in every]
    sums += [
        Sum((span.name, margin), tuple((month, margin) for month in span.months))
        for span in spans.values()
        for margin in (WHOLE, *groups)
        if len(span.months) > 1
    ]
    secret = {cell for cell in values if cell[1] not in known}
    hidden = {cell for cell in secret if cell[0] not in public or public[cell[0]][code][cell[1]]["suppressed"]}
    small = {cell for cell in hidden if is_small(values[cell], 11)}
    found = recovered(Table(values, tuple(sums)), hidden, 11, small)
    return [f"{cell}: {values[cell]} in {r}" for cell, r in found.items()]


def _counts(lines: Lines, code: str, name: str) -> Counter[tuple[str, Margin]]:
    """By month and margin as it is published."""
    found: Counter[tuple[str, Margin]] = Counter()
    for (c, _, month, n, group), count in lines.items():
        if c == code and n in ("", name):
            found[month, (n, group.partition(".")[0] if n == "term" else group)] += count
    return found


@pytest.mark.parametrize(
    "order",
    [
        ("2026-Q3", *SUMMER),
        (*SUMMER, "2026-Q3"),
        ("state_year:2027", "2026", "2026-Q3", *SUMMER),
    ],
)
def test_in_whatever_order_periods_are_published_nobody_computes_a_small_number(
    house: House, order: tuple[str, ...]
) -> None:
    lines = write(house, crowd(("2026-06", *SUMMER), 75, 0), {CODE: ("value",)})
    public = published(house, *order)
    assert computed(lines, public, CODE) == []


PARTNER = "gwen.housing"


def live(house: House, code: str, by: str, month: str, login: str = PARTNER) -> dict[str, float | None]:
    """As somebody reads it: by group the value, None if it is held back; of a partner also from the funnel."""
    asked = {"by": by, "from": month, "to": month}
    points = house.person(login).read(f"/v1/indicators/{code}", **asked)["series"]
    found = {point["by"][by]: None if point["held_back"] else point["value"] for point in points}
    if code.startswith("funnel_") and login == PARTNER:
        for group in house.person(login).read("/v1/equity/funnel", **asked)["groups"]:
            stage = next(each for each in group["stages"] if each["stage"] == code.removeprefix("funnel_"))
            if group["group"] is not None and not stage["held_back"]:
                told = found.get(group["group"], 0)
                assert told == stage["requests"] or (by == "term" and told is None), "a kind may be told without parts"
    return found


@pytest.mark.parametrize("by", ["age_band", "county", "term"])
def test_under_a_public_quarter_partners_read_by_group_what_the_months_own_snapshots_show(
    house: House, by: str
) -> None:
    lines = write(house, crowd(SUMMER, 75, 0), {"funnel_offered": ("value",), "partner_offered": ("value",)})
    before = {month: live(house, CODE, by, month) for month in SUMMER}
    assert any(value is not None for told in before.values() for value in told.values())
    published(house, "2026-Q3")
    for month in SUMMER:
        assert live(house, CODE, by, month) == {"unknown": None}
        assert len(live(house, CODE, by, month, "ruth.hub")) > 3, "the backbone answers for the numbers"
        asked = {"from": month, "to": month}
        whole, own = (house.person(PARTNER).read(f"/v1/indicators/{code}", **asked, **group)["series"]
            for code, group in ((CODE, {}), ("partner_offered", {"by": "organization"})))  # fmt: skip
        assert whole[0]["value"] == _counts(lines, CODE, "")[month, WHOLE]
        assert own[0]["value"] > 0, "its own"
    public = published(house, *SUMMER)
    counts = _counts(lines, CODE, by)
    for month in SUMMER:
        told: Counter[str] = Counter()
        for group, value in live(house, CODE, by, month).items():
            line = group.partition(".")[0] if by == "term" else group
            shown = not public[month][CODE][by, line]["suppressed"]
            assert value is None or shown
            told[line] += int(value or 0)
        hidden = [group for (name, group), figure in public[month][CODE].items() if name == by and figure["suppressed"]]
        assert not any(told[group] for group in hidden)
        assert all(told[line] <= counts[month, (by, line)] for line in told)


def test_the_parts_of_a_public_kind_of_need_are_held_back_like_a_row_with_a_total(house: House) -> None:
    """18 for food, 12 of them for the pantry: the rest would be told."""
    spread = {"food.pantry": 12, "food.benefits": 6, "housing.rent": 30, "housing.eviction": 3, "housing.shelter": 9}
    spread |= {"health.clinic": 5, "health.dental": 6, "legal.family": 40}
    people = iter(crowd(SUMMER[1:2], 200, 0))
    written = [next(people) | {"term": term} for term, count in spread.items() for _ in range(count)]
    write(house, written, {CODE: ("value",)})
    told = {
        "food.pantry": None, "food.benefits": None, "housing.rent": 30, "housing.eviction": None,
        "housing.shelter": None, "health": None, "legal.family": 40, "unknown": 0,
    }  # fmt: skip
    assert live(house, CODE, "term", "2026-08") == told, "11 for health in two parts: none of them is told"
    found = published(house, "2026-08")["2026-08"][CODE]
    assert [found["term", kind]["value"] for kind in ("food", "housing", "health", "legal")] == [18, 42, 11, 40]
    assert live(house, CODE, "term", "2026-08") == told


@pytest.fixture
def redefined(house: House) -> Lines:
    """From September on a definition counts all of whom the first counts every fourth; answers what that counts."""
    house.sql(_SECOND, "2026-09-01", "needs_met")
    house.sql(_UNMET)
    house.sql("update collaborative set revision = revision + 1")
    people = crowd(("2026-06", *SUMMER), 75, 0)
    write(house, people, {"needs_met": ("value",)}, version=2)
    first = [person for n, person in enumerate(people) if person["month"] != "2026-09" or n % 4 == 0]
    return write(house, first, {"needs_met": ("value",)})


def test_a_period_is_published_by_the_version_that_tells_it_live(house: House, redefined: Lines) -> None:
    """The quarter and the years began under the one before."""
    public = published(house, "2026-Q3", "2026", "state_year:2027", "2026-08", "2026-09")
    told = {period: found["needs_met"][WHOLE]["value"] for period, found in public.items()}
    live = {
        point["period"]: (point["version"], point["value"])
        for period in ("month", "calendar_year", "state_year")
        for point in house.person("ruth.hub").read("/v1/indicators/needs_met", period=period)["series"]
    }
    assert told.pop("2026-Q3") == sum(_counts(redefined, "needs_met", "")[month, WHOLE] for month in SUMMER)
    assert told == {period: live[period][1] for period in told}
    assert [live[period][0] for period in ("2026", "state_year:2027", "2026-08", "2026-09")] == [1, 1, 1, 2]


def test_what_a_month_tells_by_another_definition_does_not_make_it_known_by_the_quarters(
    house: House, redefined: Lines
) -> None:
    """The quarter less July and August is a September that nobody published."""
    public = published(house, *SUMMER, "2026-Q3")
    del public["2026-09"]
    assert computed(redefined, public, "needs_met") == []


@pytest.mark.parametrize("seed", range(2))
def test_a_definition_in_other_words_counts_the_same_and_is_protected_as_that(house: House, seed: int) -> None:
    house.sql(_SECOND, "2026-09-01", "needs_met")
    house.sql("update collaborative set revision = revision + 1")
    people = crowd(("2026-06", *SUMMER), 75, seed)
    write(house, people, {"needs_met": ("value",)}, version=2)
    lines = write(house, people, {"needs_met": ("value",)})
    assert computed(lines, published(house, *SUMMER, "2026-Q3"), "needs_met") == []


def test_of_two_periods_that_are_published_at_once_the_second_is_refused(house: House) -> None:
    """Neither was protected beside the other."""
    lines = write(house, crowd(("2026-06", *SUMMER), 75, 0), {CODE: ("value",)})
    published(house, "2026-07", "2026-08")
    refused: list[Conflict] = []

    def meanwhile(_done: int, _total: int) -> None:
        if not refused:
            refused.append(Conflict(""))
            published(house, "2026-Q3")

    with pytest.raises(Conflict, match="published-meanwhile"):
        publish(house.api, house.call("ruth.hub"), "2026-09", meanwhile)
    assert computed(lines, published(house, "2026-09"), CODE) == []


def test_a_group_that_the_agenda_does_not_tell_any_more_is_not_told_by_the_difference(house: House) -> None:
    """Five spoke Spanish, who would be unknown now."""
    people = crowd(("2026-08",), 100, 0)
    for number, one in enumerate(people):
        one["language"] = "en" if number < 40 else "es" if number < 45 else "other" if number < 52 else "unknown"
    write(house, people, {"needs_met": ("value",)})
    before = published(house, "2026-08")["2026-08"]["needs_met"]
    assert (before["language", "unknown"]["value"], before["language", "es"]["suppressed"]) == (49, True)
    house.sql("update agenda set body = jsonb_set(body, '{languages}', '[\"en\"]')")
    house.sql("update collaborative set revision = revision + 1")
    assert published(house, "2026-08")["2026-08"]["needs_met"] == before, "nothing happened"
    _served(house, 8, {"31157": 12})
    after = published(house, "2026-08")["2026-08"]["needs_met"]
    assert after[WHOLE]["value"] == before[WHOLE]["value"] + 12
    assert not [margin for margin in after if margin[0] == "language"]
    (left,) = (one for one in asked(house).json()["items"][0]["left_out"] if one["indicator"] == "needs_met")
    assert (left["by"], left["reason"]) == (
        "language", "2026-08 was told by other groups, and who is in those would show."
    )  # fmt: skip


def test_while_somebody_writes_nothing_is_published_that_could_miss_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event with a lower number may come after one with a higher: it would be in no version, and no correction."""
    monkeypatch.setattr(proofs, "TRIES", 1)
    with psycopg.connect(libpq_url(house.admin_url)) as writer:
        writer.execute("lock table event in row exclusive mode")
        with pytest.raises(Conflict, match="others-write"):
            publish(house.api, house.call("ruth.hub"), "2026-08")
    assert publish(house.api, house.call("ruth.hub"), "2026-08").status == 201


def test_of_people_no_group_is_told_that_is_made_of_several(house: House) -> None:
    """Whoever lived in two counties elsewhere would count twice."""
    _served(house, 6, {"31157": 15, "31055": 7, "31109": 7})
    told = published(house, "2026-06")["2026-06"]["clients_served"]
    assert (told[WHOLE]["value"], told["county", "unknown"]["suppressed"]) == (29, True)


def test_a_level_counts_whoever_came_before_its_definition(house: House) -> None:
    house.sql("update indicator set standing = 'in_force' where code = 'waitlisted'")
    house.sql(_SECOND, "2026-09-01", "waitlisted")
    house.sql("update collaborative set revision = revision + 1")
    people = crowd(("2026-08", "2026-09"), 50, 0)
    for version in (1, 2):
        write(house, people, {"waitlisted": ("entered",)}, version=version)
    public = published(house, "2026-09")
    live = house.person("ruth.hub").read("/v1/indicators/waitlisted", **{"from": "2026-09", "to": "2026-09"})["series"]
    assert public["2026-09"]["waitlisted"][WHOLE]["value"] == live[0]["value"] == len(people)


_UNMET = """
update indicator set rule = jsonb_set(rule, '{where,outcome}', '"unmet"') where code = 'needs_met' and version = 2
"""
_SECOND = """
insert into indicator (id, collaborative_id, code, version, name, definition, kind, unit, direction, strategy, result,
                       owner_organization_id, rule, effective_on, standing)
select uuidv7(), collaborative_id, code, 2, name, definition, kind, unit, direction, strategy, result,
       owner_organization_id, rule, %s::date, 'in_force'
  from indicator where code = %s
"""


RATE = "decided_in_time"
LOOSER: dict[str, tuple[int, str, str]] = {
    "for all": (150, "select 1", "update collaborative set publication_threshold = 5"),
    "for the indicator": (
        75,
        f"update indicator set threshold = 20 where code = '{RATE}'",
        f"update indicator set threshold = null where code = '{RATE}'",
    ),
}


@pytest.mark.parametrize("whose", LOOSER)
def test_a_quarter_by_a_lower_threshold_tells_nothing_that_its_months_hide_by_a_higher(
    house: House, whose: str
) -> None:
    a_month, *rules = LOOSER[whose]
    people, random = crowd(SUMMER, a_month, 0), Random(0)
    due = write(house, people, {RATE: ("denominator",)})
    met = write(house, [one for one in people if random.random() < 0.7], {RATE: ("numerator",)})
    for rule, periods in zip(rules, (SUMMER, ("2026-Q3",)), strict=True):
        house.sql(f"{rule}; update collaborative set revision = revision + 1")
        published(house, *periods)
    public = published(house)
    assert [
        each for name in ("county", "age_band", "race") for each in _rates_computed(due, met, public, name, 5)
    ] == []


def _rates_computed(due: Lines, met: Lines, public: Snapshots, name: str, width: int) -> list[str]:
    """Those who are in a rate, and those who are not, in months that hide them, known more closely than `width`."""
    groups = [margin for margin in public[SUMMER[0]][RATE] if margin[0] == name]
    counts = {"due": _counts(due, RATE, name), "met": _counts(met, RATE, name)}
    every = {period: span_of(period, {}).months for period in public}
    values = {
        (period, layer, margin): sum(counted[month, margin] for month in months)
        for period, months in every.items()
        for layer, counted in counts.items()
        for margin in (WHOLE, *groups)
    }
    values |= {(p, "missed", m): n - values[p, "met", m] for (p, layer, m), n in values.items() if layer == "due"}
    layers = ("due", "met", "missed")
    sums = [Sum((p, "due", m), ((p, "met", m), (p, "missed", m))) for p in every for m in (WHOLE, *groups)]
    sums += [Sum((p, layer, WHOLE), tuple((p, layer, m) for m in groups)) for p in every for layer in layers]
    sums += [
        Sum(("2026-Q3", layer, m), tuple((month, layer, m) for month in SUMMER))
        for layer in layers
        for m in (WHOLE, *groups)
    ]
    hidden = {cell for cell in values if public[cell[0]][RATE][cell[2]]["suppressed"]}
    found = recovered(Table(values, tuple(sums)), hidden, width, {cell for cell in hidden if cell[0] in SUMMER})
    return [f"{cell}: {values[cell]} in {r}" for cell, r in found.items()]


YEAR = "state_year:2026"


@pytest.mark.parametrize("order", [("2026-05", "2026-06", YEAR), (YEAR, "2026-06", "2026-05")], ids="-".join)
def test_a_year_of_people_who_count_once_gives_no_month_away(house: House, order: tuple[str, ...]) -> None:
    """Nobody came in both months, as their totals show: then a group that is hidden in one of them alone is what the
    year has more than the other. Also where many are recorded late once the year is public.
    """
    house.sql("update collaborative set publication_threshold = 4, revision = revision + 1")
    house.sql("update indicator set standing = 'proposed' where code <> 'clients_served'")
    _served(house, 5, {"31157": 5, "31013": 2, "31045": 4})
    _served(house, 6, {"31157": 5, "31013": 5, "31045": 4})
    public = published(house, order[0])
    if order[0] == YEAR:
        _served(house, 5, {"31013": 5})
    public = published(house, *order[1:])
    wholes = [public[period]["clients_served"][WHOLE]["value"] for period in sorted(order)]
    assert wholes == ([16, 14, 25] if order[0] == YEAR else [11, 14, 25])
    shown = {period: public[period]["clients_served"] for period in order}
    for county in ("31157", "31013", "31045"):
        then = [shown[period]["county", county]["value"] is not None for period in ("2026-06", YEAR)]
        assert sum(then) < 2 or shown["2026-05"]["county", county]["value"] is not None, (county, shown)
    assert None in (shown[YEAR]["county", "31013"]["value"], shown["2026-06"]["county", "31013"]["value"])


def test_of_who_counts_once_a_years_corrections_are_those_of_the_year_alone(house: House) -> None:
    house.sql("update collaborative set publication_threshold = 4, revision = revision + 1")
    house.sql("update indicator set standing = 'proposed' where code <> 'clients_served'")
    _served(house, 6, {"31157": 14})
    published(house, YEAR)
    _served(house, 5, {"31013": 5})
    published(house, YEAR)
    (told,) = asked(house, period=YEAR).json()["items"][0]["explanation"]["corrections"]
    assert (told["late_entries"], told["taken_back"], told["records_joined"]) == (5, 0, 0)


def _served(house: House, month: int, people: dict[str, int]) -> None:
    met = Finished(Outcome.NEED_MET, datetime(2026, month, 12, 18, tzinfo=UTC))
    for county, count in people.items():
        for _ in range(count):
            somebody = NewClient(given_name="Ana", family_name="Brook", residence=Residence("fixed", county=county))
            refer(house, "housing", "housing", login="gwen.housing", client=somebody, finished=met)
