"""What every picture of an indicator is made of: frame, scale, levels, the line and its gaps, the legend."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from api.svg import BLUE, GREEN, GREY, PALE, cut, element, line, words, wrapped
from api.wording import SHARES, Language
from services.measure_shapes import Indicator

Figures = Mapping[str, float]
"""Period → value; a period that is not there has no figure."""


@dataclass(frozen=True, slots=True)
class Level:
    """A baseline or a target: its height, and the day or period that belongs to it."""

    value: float
    on: str | None


@dataclass(frozen=True, slots=True)
class Frame:
    """What every part of one picture shares."""

    language: Language
    unit: str
    periods: Sequence[str]
    top: float
    baseline: Level | None
    target: Level | None
    running: str | None = None
    """The period that is not over yet: its figure still moves, so it is drawn hollow, after a broken line."""
    newest: str = ""
    """The newest period of which anything is known: what a group says of it stands beside its name, or a dash."""
    held: frozenset[tuple[str, str]] = frozenset()
    """(group, period) of what is too small for this reader."""

    def number(self, value: float) -> str:
        return self.language.number(value, self.unit)


@dataclass(frozen=True, slots=True)
class Box:
    """Where the figures are drawn; `y` of a value, `x` of a period's place."""

    left: float
    above: float
    width: float
    height: float

    def x(self, place: int, places: int) -> float:
        return self.left + (self.width / 2 if places == 1 else self.width * place / (places - 1))

    def y(self, value: float, top: float) -> float:
        return self.above + self.height * (1 - max(0.0, min(value, top)) / top)


def periods_between(there: Sequence[str], start: str | None, end: str | None) -> list[str]:
    """Every period from the first to the last, those without a figure too; a range is one period of its own."""
    known = sorted({*there, *([start] if start and there else []), *([end] if end and there else [])})
    if not known or ".." in known[0]:
        return known
    calendar, colon, _ = known[0].rpartition(":")
    if colon or len(known[0]) == 4:
        first, last = (int(each[-4:]) for each in (known[0], known[-1]))
        return [f"{calendar}{colon}{year:04d}" for year in range(first, last + 1)]
    first, last = (int(each[:4]) * 12 + int(each[5:7]) - 1 for each in (known[0], known[-1]))
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(first, last + 1)]


def frame_of(
    one: Indicator,
    language: Language,
    groups: Mapping[str, Figures],
    periods: Sequence[str],
    running: str | None = None,
) -> Frame:
    baseline, target = level(one.baseline), level(one.target)
    values = [value for figures in groups.values() for value in figures.values()]
    values += [each.value for each in (baseline, target) if each]
    highest = max(values, default=0)
    top = 1.0 if one.unit in SHARES and highest <= 1 else nice(highest)
    figured = {period for figures in groups.values() for period in figures}
    return Frame(language, one.unit, periods, top, baseline, target, running if running in figured else None)


def level(given: Any) -> Level | None:
    """A baseline or target as the agenda writes it; None while there is none."""
    if isinstance(given, int | float):
        return Level(float(given), None)
    if not isinstance(given, Mapping) or not isinstance(given.get("value"), int | float):
        return None
    on = next((given[key] for key in ("on", "by", "date", "period", "observed_on", "to") if given.get(key)), None)
    return Level(float(given["value"]), None if on is None else str(on))


def nice(highest: float) -> float:
    """The end of an axis that divides by four: the next of 4, 8, 12, 20, 40 …"""
    if highest <= 4:
        return 4.0
    size = 10.0 ** math.floor(math.log10(highest))
    return next(step * size for step in (1, 1.2, 2, 4, 6, 8, 10, 12) if step * size >= highest)


def heading(one: Indicator, frame: Frame) -> tuple[list[str], float]:
    parts, y = [], 0.0
    for each in wrapped(one.name, 40, 2):
        y += 24
        parts.append(words(12, y, each, 18, font_weight="bold", full=one.name))
    y += 22
    parts.append(words(12, y, frame.language.unit(one.unit), 15, fill=PALE))
    return parts, y


def grid(frame: Frame, box: Box) -> list[str]:
    parts = []
    for quarter in range(5):
        value = frame.top * quarter / 4
        y = box.y(value, frame.top)
        parts.append(line(box.left, y, box.left + box.width, y, stroke=GREY if quarter == 0 else "#dfe1e2"))
        short = frame.language.short(value, frame.unit)
        parts.append(words(box.left - 8, y + 5, short, 14, text_anchor="end", fill=PALE))
    return parts


def months(frame: Frame, box: Box) -> list[str]:
    """At most six labels; the year stands under the first and wherever it changes."""
    count = len(frame.periods)
    step = max(1, math.ceil((count - 1) / 5)) if count else 1
    step = next((s for s in (1, 2, 3, 4, 6, 12) if s >= step), math.ceil(step / 12) * 12)
    parts, year, y = [], "", box.above + box.height
    for place in range(0, count, step):
        period, x = frame.periods[place], box.x(place, count)
        parts.append(words(x, y + 20, frame.language.month(period), 14, text_anchor="middle", fill=PALE))
        if frame.language.has_month(period) and period[:4] != year:
            year = period[:4]
            parts.append(words(x, y + 38, year, 14, text_anchor="middle", fill=PALE))
    return parts


def levels(frame: Frame, box: Box) -> list[str]:
    parts = []
    for each, dashes, color in ((frame.baseline, "8 5", GREY), (frame.target, "2 4", GREEN)):
        if each is not None:
            y, end = box.y(each.value, frame.top), box.left + box.width
            parts.append(line(box.left, y, end, y, stroke=color, stroke_width=2, stroke_dasharray=dashes))
    return parts


def trace(frame: Frame, box: Box, figures: Figures, radius: float = 3.5) -> list[str]:
    """A stroke between neighbors, a dot for each figure; nothing across a gap."""
    parts, run = [], []
    for place, period in enumerate(frame.periods):
        if period in figures:
            run.append((box.x(place, len(frame.periods)), box.y(figures[period], frame.top)))
        if run and (period not in figures or place == len(frame.periods) - 1):
            parts += _stroke(run, radius, hollow=frame.running in figures and period == frame.running)
            run = []
    return parts


def _stroke(run: Sequence[tuple[float, float]], radius: float, *, hollow: bool) -> list[str]:
    """`hollow`: the last of them is not over yet."""
    over = run[:-1] if hollow else run
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in over)
    drawn = [element("polyline", points=points, fill="none", stroke=BLUE, stroke_width=2.5)] if len(over) > 1 else []
    if hollow and over:
        (x1, y1), (x2, y2) = run[-2:]
        drawn.append(line(x1, y1, x2, y2, stroke=BLUE, stroke_width=2, stroke_dasharray="5 4"))
    drawn += [element("circle", cx=x, cy=y, r=radius, fill=BLUE) for x, y in over]
    return drawn + [_ring(x, y, radius + 0.5) for x, y in run[len(over) :]]


def _ring(x: float, y: float, radius: float) -> str:
    return element("circle", cx=x, cy=y, r=radius, fill="#ffffff", stroke=BLUE, stroke_width=2)


def legend(frame: Frame, y: float) -> tuple[list[str], float]:
    """What the ring and the broken lines mean, each with its value and its day; that there is no target yet."""
    say, parts = frame.language.say, []
    if frame.running:
        parts += [line(12, y - 5, 44, y - 5, stroke=BLUE, stroke_width=2, stroke_dasharray="5 4"), _ring(28, y - 5, 4)]
        parts.append(words(52, y, told_running(frame), 15))
        y += 22
    for each, word, joint, dashes, color in (
        (frame.baseline, "Baseline", ", ", "8 5", GREY),
        (frame.target, "Target", f" {say('by')} ", "2 4", GREEN),
    ):
        if each is not None:
            on = f"{joint}{frame.language.day(each.on)}" if each.on else ""
            parts.append(line(12, y - 5, 44, y - 5, stroke=color, stroke_width=2, stroke_dasharray=dashes))
            parts.append(words(52, y, cut(f"{say(word)} {frame.number(each.value)}{on}", 52), 15))
            y += 22
    if frame.target is None:
        parts.append(words(12, y, say("Baseline period: no target yet"), 15, fill=PALE))
        y += 22
    return parts, y - 6


def told_running(frame: Frame) -> str:
    return f"{frame.language.period(frame.running or '')}: {frame.language.say('not over yet')}"


def told_levels(frame: Frame) -> list[str]:
    found = []
    for each, word in ((frame.baseline, "Baseline"), (frame.target, "Target")):
        if each is not None:
            on = f" ({frame.language.day(each.on)})" if each.on else ""
            found.append(f"{frame.language.say(word)}: {frame.number(each.value)}{on}")
    return found or [frame.language.say("Baseline period: no target yet")]


def path_of(one: Indicator) -> str:
    return f"/v1/indicators/{one.code}"
