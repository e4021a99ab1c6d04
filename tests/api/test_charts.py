"""Figures become a picture that somebody can read on a phone, in their language, and that says what is not known."""

from __future__ import annotations

import re
import uuid
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from api.charts import MOST_PANELS, chart
from api.frames import nice
from api.wording import Language
from services.measure_shapes import Indicator, Point

EN, ES = Language("en"), Language("es")
BASELINE, TARGET = {"value": 0.62, "period": "2025-06"}, {"value": 0.85, "on": "2027-06-30"}
SVG = "{http://www.w3.org/2000/svg}"


def indicator(*points: Point, name: str = "Acknowledged in time", unit: str = "ratio", **more: Any) -> Indicator:
    given = {"baseline": None, "target": None} | more
    return Indicator(
        code="acknowledged_in_time",
        version=1,
        name=name,
        kind="how_well",
        unit=unit,
        direction="up",
        definition="d",
        strategy="s",
        owner_organization_id=uuid.uuid4(),
        rule={},
        series=list(points),
        **given,
    )


def month(n: int, value: float | None, **by: str) -> Point:
    return Point(period=f"{2025 + n // 12}-{n % 12 + 1:02d}", value=value, by=by)


def drawn(svg: str) -> ET.Element:
    """The picture must be well-formed; nothing in it may run or fetch."""
    root = ET.fromstring(svg)  # noqa: S314 - our own
    for each in root.iter():
        assert each.tag.removeprefix(SVG) in {
            "svg", "title", "desc", "rect", "text", "line", "polyline", "circle", "g",
        }  # fmt: skip
        assert not {key for key in each.attrib if key.startswith("on") or key in {"style", "href", "class"}}
    return root


def texts(svg: str) -> str:
    return "\n".join("".join(each.itertext()) for each in drawn(svg).iter(f"{SVG}text"))


def strokes(svg: str) -> list[int]:
    """How many points each unbroken line has."""
    return [len(each.attrib["points"].split()) for each in drawn(svg).iter(f"{SVG}polyline")]


def test_a_reader_who_does_not_see_it_hears_title_range_newest_figure_baseline_and_target() -> None:
    root = drawn(chart(indicator(*(month(n, n / 24) for n in range(24)), baseline=BASELINE, target=TARGET), EN))
    assert root.attrib["role"] == "img"
    title, told = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None
    assert told is not None
    assert title.text == "Acknowledged in time"
    assert told.text == (
        "from Jan 2025 to Dec 2026: 24 periods, 24 with a figure. newest: 95.8% (Dec 2026). Baseline: 62% (Jun 2025)."
        " Target: 85% (Jun 30, 2027). The same figures as a table: /v1/indicators/acknowledged_in_time"
    )


def test_a_month_without_a_figure_is_a_gap_and_a_real_zero_is_a_point() -> None:
    values = [0.5, 0.6, None, 0.0, 0.4, 0.3, None, 0.7]
    svg = chart(indicator(*(month(n, v) for n, v in enumerate(values))), EN)
    assert strokes(svg) == [2, 3]
    assert len(list(drawn(svg).iter(f"{SVG}circle"))) == 6
    missing = chart(indicator(month(0, 0.5), month(1, 0.6), month(4, 0.7), month(5, 0.7)), EN)
    assert strokes(missing) == [2, 2], "a month that has no row at all is a gap too"


def test_a_range_that_was_asked_for_is_shown_whole() -> None:
    svg = chart(indicator(month(5, 0.5)), EN, start="2025-01", end="2025-12")
    assert "Jan" in texts(svg)
    (dot,) = drawn(svg).iter(f"{SVG}circle")
    assert 150 < float(dot.attrib["cx"]) < 300


@pytest.mark.parametrize("points", [(), (month(0, None), month(1, None))], ids=["no rows", "all null"])
def test_without_any_figure_it_says_so(points: tuple[Point, ...]) -> None:
    assert "No figures yet" in texts(chart(indicator(*points), EN))
    assert "Todavía no hay cifras" in texts(chart(indicator(*points), ES))
    assert list(drawn(chart(indicator(*points), EN)).iter(f"{SVG}circle")) == []


def test_baseline_and_target_are_broken_lines_each_of_its_own_kind_with_value_and_day() -> None:
    svg = chart(indicator(month(0, 0.5), baseline=BASELINE, target=TARGET), EN)
    assert "Baseline 62%, Jun 2025" in texts(svg)
    assert "Target 85% by Jun 30, 2027" in texts(svg)
    kinds = {each.attrib.get("stroke-dasharray") for each in drawn(svg).iter(f"{SVG}line")} - {None}
    assert len(kinds) == 2, "not told apart by color alone"


def test_without_a_target_it_reads_baseline_period() -> None:
    assert "Baseline period: no target yet" in texts(chart(indicator(month(0, 0.5)), EN))


def test_numbers_and_months_are_in_the_readers_language() -> None:
    points = [Point(period=f"2026-{n:02d}", value=1234.5 * n) for n in (1, 2)]
    assert "2,469" in texts(chart(indicator(*points, unit="referrals"), EN))
    spanish = texts(chart(indicator(*points, unit="referrals"), ES))
    assert "ene" in spanish
    assert "referencias" in spanish
    share = texts(chart(indicator(month(0, 0.914), baseline=BASELINE, target=TARGET), ES))
    assert "91.4\u00a0%" in share
    assert "Meta 85\u00a0% para 30 jun 2027" in share


def test_what_people_named_is_text_and_never_markup() -> None:
    name = 'Hours <script>alert(1)</script> & "more"'
    svg = chart(indicator(month(0, 0.5), name=name), EN)
    assert "<script" not in svg
    root = drawn(svg)
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == name
    groups = indicator(month(0, 0.1, organization="a"), month(1, 0.1, organization="a"))
    assert "<b>" not in chart(groups, EN, by="organization", names={"a": "<b>Bold</b>"})


def test_a_group_that_is_not_known_is_always_shown_and_comes_last() -> None:
    points = [month(n, 3, county=fips) for n in range(3) for fips in ("31157", "31045")]
    names = {"31157": "Scotts Bluff", "31045": "Dawes"}
    shown = texts(chart(indicator(*points, unit="referrals"), EN, by="county", names=names)).splitlines()
    named = [each for each in shown if each in {"Dawes", "Scotts Bluff", "Unknown"}]
    assert named == ["Dawes", "Scotts Bluff", "Unknown"]
    partners = indicator(month(0, 1, organization="a"), month(1, 1, organization="a"))
    assert "Unknown" not in texts(chart(partners, EN, by="organization", names={"a": "Aging"}))


def test_one_period_by_group_is_bars_and_several_are_panels_on_one_scale() -> None:
    one = chart(indicator(*(month(0, n / 10, county=str(n)) for n in range(1, 4))), EN, by="county")
    assert strokes(one) == []
    widths = [float(each.attrib["width"]) for each in drawn(one).iter(f"{SVG}rect") if each.attrib["fill"] == "#005ea2"]
    assert widths == pytest.approx([45.6, 91.2, 136.8, 0], abs=0.1)
    several = chart(
        indicator(*(month(n, c, county=str(c)) for n in range(4) for c in (1, 40)), unit="needs"), EN, by="county"
    )
    assert strokes(several) == [4, 4]
    assert "Every panel has the same scale: 0–40" in texts(several)


def test_more_groups_than_fit_are_counted_not_dropped_silently() -> None:
    points = [month(n, 1, organization=str(o)) for n in range(2) for o in range(MOST_PANELS + 3)]
    assert "3 more groups are in the table" in texts(chart(indicator(*points), EN, by="organization"))


def test_two_partners_of_one_name_stay_two() -> None:
    points = [month(n, n + o, organization=f"id-{o}") for n in range(2) for o in range(2)]
    svg = chart(indicator(*points), EN, by="organization", names={"id-0": "Clinic", "id-1": "Clinic"})
    assert strokes(svg) == [2, 2]


@pytest.mark.parametrize("highest", [0, 0.4, 1, 4, 5, 9.99, 10, 11, 99, 100, 123456789, 1e15])
def test_an_axis_ends_on_a_round_number_not_below_the_highest_figure(highest: float) -> None:
    assert highest <= nice(highest) <= max(4, 3 * highest)


@pytest.mark.parametrize("count", [1, 2, 7, 24, 240, 2400])
def test_labels_never_crowd(count: int) -> None:
    points = [Point(period=f"{1900 + n // 12}-{n % 12 + 1:02d}", value=0.5) for n in (0, count - 1)]
    labels = re.findall(r">(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)<", chart(indicator(*points), EN))
    assert 1 <= len(labels) <= 7


def test_everything_stays_inside_the_picture() -> None:
    long = "The Very Long Named Community Action Partnership of Western Nebraska and Eastern Wyoming"
    points = [month(n, 10.0**n, organization=str(o)) for n in range(12) for o in range(7)]
    one = indicator(*points, name=long, unit="dollars", baseline={"value": 5}, target={"value": 7e11, "on": "2030"})
    for svg in (chart(one, EN, by="organization", names={str(o): f"{long} {o}" for o in range(7)}), chart(one, ES)):
        root = drawn(svg)
        height = float(root.attrib["height"])
        for each in root.iter():
            assert 0 <= float(each.attrib.get("y", 0)) <= height
            assert 0 <= float(each.attrib.get("cy", 0)) <= height
            if each.tag == f"{SVG}text":
                _fits(each)


def _fits(each: ET.Element) -> None:
    """By the width of an ordinary letter, which is a good half of its size."""
    width = len(each.text or "") * float(each.attrib["font-size"]) * 0.56
    x, anchor = float(each.attrib["x"]), each.attrib.get("text-anchor", "start")
    left = {"start": x, "middle": x - width / 2, "end": x - width}[anchor]
    assert left >= -4, each.text
    assert left + width <= 500, each.text


def test_years_of_another_calendar_and_one_figure_for_a_range_are_drawn_too() -> None:
    years = indicator(*(Point(period=f"state_year:{year}", value=0.5) for year in (2024, 2026)))
    shown = texts(chart(years, EN))
    assert "2025" in shown, "the year between is a gap, not left out"
    assert "state_year" not in shown
    whole = chart(indicator(Point(period="2026-01..2026-03", value=0.5)), EN)
    assert "Jan 2026 – Mar 2026" in texts(whole)


def test_the_running_period_is_hollow_after_a_broken_line_and_is_said_to_be_open() -> None:
    one = indicator(*(month(n, 0.5 + n / 20) for n in range(6)), baseline=BASELINE, target=TARGET)
    closed, running = chart(one, EN), chart(one, EN, running="2025-06")
    assert (strokes(closed), strokes(running)) == ([6], [5])
    assert {each.attrib["fill"] for each in drawn(closed).iter(f"{SVG}circle")} == {"#005ea2"}
    hollow = [each for each in drawn(running).iter(f"{SVG}circle") if each.attrib["fill"] == "#ffffff"]
    assert len(hollow) == 2, "the figure, and the same in the legend"
    assert "Jun 2025: not over yet" in texts(running)
    assert "jun 2025: en curso" in texts(chart(one, ES, running="2025-06"))
    told = drawn(running).find(f"{SVG}desc")
    assert told is not None
    assert "newest: 75% (Jun 2025, not over yet)" in (told.text or "")
    assert "not over yet" not in chart(one, EN, running="2025-07")
    groups = indicator(*(month(n, n + 1.0, county=c) for n in range(3) for c in ("1", "2")), unit="needs")
    panels = drawn(chart(groups, EN, by="county", running="2025-03"))
    assert len([each for each in panels.iter(f"{SVG}circle") if each.attrib["fill"] == "#ffffff"]) == 3


@pytest.mark.parametrize("last", [0.30, 0.52, 0.60, 0.64, 0.82, 0.88, 0.97])
@pytest.mark.parametrize("before", [0.45, 0.75, 0.95])
def test_no_line_runs_through_the_newest_figure_in_numbers(last: float, before: float) -> None:
    svg = drawn(chart(indicator(month(0, 0.5), month(1, before), month(2, last), baseline=BASELINE, target=TARGET), EN))
    (label,) = [each for each in svg.iter(f"{SVG}text") if each.attrib.get("paint-order") == "stroke"]
    foot = float(label.attrib["y"])
    levels = [float(e.attrib["y1"]) for e in svg.iter(f"{SVG}line") if e.attrib.get("stroke-dasharray")][:2]
    dot = max(svg.iter(f"{SVG}circle"), key=lambda each: float(each.attrib["cx"]))
    for height in (*levels, float(dot.attrib["cy"])):
        assert not foot - 12 < height < foot, "through the middle of the digits"


def test_a_group_too_small_for_the_reader_says_so_and_has_no_figure() -> None:
    points = [month(0, 40, county="a"), Point(period="2025-01", value=None, by={"county": "b"}, held_back=True)]
    svg = chart(indicator(*points, unit="needs"), EN, by="county", names={"a": "Dawes", "b": "Sioux"})
    assert "too few to show" in texts(svg)
    told = drawn(svg).find(f"{SVG}desc")
    assert told is not None
    assert "Sioux: too few to show" in (told.text or "")
    assert "muy pocos" in texts(chart(indicator(*points, unit="needs"), ES, by="county"))


def test_beside_a_groups_name_stands_the_newest_period_or_a_dash_never_an_older_figure() -> None:
    """The others have a figure of March: Box Butte's zero of January would be read as March's."""
    few = [Point(period="2025-03", value=None, by={"county": "b"}, held_back=True)]
    points = [*(month(n, 40 + n, county="a") for n in range(3)), month(0, 0, county="b"), *few]
    svg = chart(indicator(*points, unit="needs"), EN, by="county", names={"a": "Dawes", "b": "Box Butte"})
    bold = [each.text for each in drawn(svg).iter(f"{SVG}text") if each.attrib.get("font-weight") == "bold"]
    assert bold[1:] == ["–", "42", "–"], "Box Butte, Dawes, unknown"
    told = drawn(svg).find(f"{SVG}desc")
    assert told is not None
    assert "Box Butte: too few to show (Mar 2025). Dawes: 42 (Mar 2025)" in (told.text or "")
    assert "unknown: no figure (Mar 2025)" in (told.text or "").lower().replace("mar 2025", "Mar 2025")
