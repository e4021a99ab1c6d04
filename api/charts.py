"""An indicator as a picture: its trend against baseline and target; by group small multiples, or bars of one period.

Pure: from figures to SVG text. A period without a figure is a gap, never a zero. The table of the same figures is the
JSON beside it.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from html import escape

from api.frames import (
    Box,
    Figures,
    Frame,
    Level,
    frame_of,
    grid,
    heading,
    legend,
    levels,
    months,
    path_of,
    periods_between,
    told_levels,
    trace,
)
from api.svg import BLUE, GREEN, GREY, INK, PALE, WIDTH, cut, element, line, picture, words, wrapped
from api.wording import Language
from services.measure_shapes import Indicator

MOST_PANELS = 40
"""More groups than these are counted, not drawn."""
_UNKNOWN = "unknown"


def chart(
    one: Indicator,
    language: Language,
    *,
    names: Mapping[str, str] | None = None,
    by: str | None = None,
    start: str | None = None,
    end: str | None = None,
    running: str | None = None,
) -> str:
    """`names` says what a group is called; `start` and `end` (periods) widen the range beyond the figures there are;
    `running` is the period that is not over yet.
    """
    groups = _groups(one, by, names or {}, language)
    periods = periods_between([p.period for p in one.series], start, end)
    frame = frame_of(one, language, groups, periods, running)
    few = {(point.by[by], point.period) for point in one.series if point.held_back} if by else set()
    held = frozenset(((names or {}).get(key) or language.group(key), period) for key, period in few)
    frame = replace(frame, held=held, newest=max((point.period for point in one.series), default=""))
    if by is None:
        return _trend(one, frame, groups[""] if groups else {})
    if len(periods) <= 1:
        return _bars(one, frame, groups)
    return _multiples(one, frame, groups)


def _groups(one: Indicator, by: str | None, names: Mapping[str, str], language: Language) -> dict[str, Figures]:
    """Name → figures, by name; whoever is unknown comes last and is always shown."""
    if by is None:
        return {"": {p.period: p.value for p in one.series if p.value is not None}}
    found: dict[str, dict[str, float]] = {} if by == "organization" else {_UNKNOWN: {}}
    for point in one.series:
        figures = found.setdefault(point.by.get(by, _UNKNOWN), {})
        if point.value is not None:
            figures[point.period] = point.value
    known = sorted((names.get(key) or language.group(key), key) for key in found if key != _UNKNOWN)
    named: dict[str, Figures] = {}
    for name, key in known:
        named[name if name not in named else f"{name} ({key})"] = found[key]
    if _UNKNOWN in found:
        named[language.group(_UNKNOWN)] = found[_UNKNOWN]
    return named


# ------------------------------------------------------------------------------------------ one line


def _trend(one: Indicator, frame: Frame, figures: Figures) -> str:
    parts, y = heading(one, frame)
    box = Box(56, y + 18, WIDTH - 56 - 22, 190)
    parts += grid(frame, box)
    if figures:
        parts += [*levels(frame, box), *trace(frame, box, figures), _newest(frame, box, figures)]
    else:
        middle = box.above + box.height / 2
        parts.append(words(WIDTH / 2, middle, frame.language.say("No figures yet"), 16, text_anchor="middle"))
    parts += months(frame, box)
    lines, bottom = legend(frame, box.above + box.height + 58)
    return picture(one.name, _told(one, frame, figures), bottom, [*parts, *lines])


def _newest(frame: Frame, box: Box, figures: Figures) -> str:
    """The newest figure in numbers, where it stands, on a ground of its own: a line may run there."""
    period = max(figures)
    place = list(frame.periods).index(period)
    x, y = box.x(place, len(frame.periods)), box.y(figures[period], frame.top)
    anchor = "end" if x > box.left + box.width * 0.8 else "middle"
    y = _clear(frame, box, figures, place, y)
    return words(
        x,
        y,
        frame.number(figures[period]),
        17,
        text_anchor=anchor,
        font_weight="bold",
        stroke="#ffffff",
        stroke_width=4,
        stroke_linejoin="round",
        paint_order="stroke",
    )


def _clear(frame: Frame, box: Box, figures: Figures, place: int, y: float) -> float:
    """Above the figure or below it: where neither its line nor the baseline nor the target runs, and inside."""
    near = [frame.periods[at] for at in (place - 1, place) if at >= 0]
    runs = [box.y(figures[period], frame.top) for period in near if period in figures]
    runs += [box.y(each.value, frame.top) for each in (frame.baseline, frame.target) if each]

    def crossed(at: float) -> int:
        return sum(at - 18 < run < at + 4 for run in runs)

    places = [y - 12, y + 26, y - 32, y + 46]
    inside = [at for at in places if box.above - 8 < at < box.above + box.height - 4] or [box.above + 18]
    return min(inside, key=crossed)


def _told(one: Indicator, frame: Frame, figures: Figures) -> str:
    """The picture in words, for those who do not see it."""
    language = frame.language
    said = []
    if frame.periods:
        first, last = (language.period(each) for each in (frame.periods[0], frame.periods[-1]))
        say = language.say
        count = f"{len(frame.periods)} {say('periods')}, {len(figures)} {say('with a figure')}"
        said.append(f"{say('from')} {first} {say('to')} {last}: {count}")
    if figures:
        newest = max(figures)
        open_ = f", {language.say('not over yet')}" if newest == frame.running else ""
        said.append(f"{language.say('newest')}: {frame.number(figures[newest])} ({language.period(newest)}{open_})")
    else:
        said.append(language.say("No figures yet"))
    return ". ".join([*said, *told_levels(frame), f"{language.say('The same figures as a table')}: {path_of(one)}"])


# ------------------------------------------------------------------------------------------ several groups


def _multiples(one: Indicator, frame: Frame, groups: Mapping[str, Figures]) -> str:
    """Two columns of small panels on one scale, so that they may be compared."""
    parts, y = heading(one, frame)
    shown = list(groups.items())[:MOST_PANELS]
    lines = max(len(wrapped(name, 22, 2)) for name, _ in shown)
    high = 122 + 18 * lines
    for place, (name, figures) in enumerate(shown):
        left = 12 + (place % 2) * (WIDTH / 2)
        above = y + 44 + 18 * lines + (place // 2) * high
        parts.append(_panel(frame, Box(left, above, WIDTH / 2 - 30, 54), name, figures))
    y += math.ceil(len(shown) / 2) * high + 14
    return _with_notes(one, frame, groups, parts, y)


def _with_notes(
    one: Indicator, frame: Frame, groups: Mapping[str, Figures], parts: list[str], y: float, *, scale: bool = True
) -> str:
    say = frame.language.say
    notes = [f"{say('Every panel has the same scale')}: 0–{frame.number(frame.top)}"] if scale else []
    if len(groups) > MOST_PANELS:
        notes.append(f"{len(groups) - MOST_PANELS} {say('more groups are in the table')}")
    if frame.held:
        notes.append(f"–: {say('too few to show')}")
    for note in notes:
        y += 20
        parts.append(words(12, y, note, 14, fill=PALE))
    lines, bottom = legend(frame, y + 24)
    newest = [f"{name}: {_last(frame, name, figures)}" for name, figures in groups.items()]
    told = ". ".join(
        [*newest, *told_levels(frame), f"{frame.language.say('The same figures as a table')}: {path_of(one)}"]
    )
    return picture(one.name, told, bottom, [*parts, *lines])


def _last(frame: Frame, name: str, figures: Figures) -> str:
    """Of the newest period only: an older figure beside the others would be taken for a new one."""
    period = frame.newest
    if period not in figures:
        return f"{_why(frame, name)} ({frame.language.period(period)})" if period else _why(frame, name)
    open_ = f", {frame.language.say('not over yet')}" if period == frame.running else ""
    return f"{frame.number(figures[period])} ({frame.language.period(period)}{open_})"


def _why(frame: Frame, name: str) -> str:
    """There is no figure."""
    return frame.language.say("too few to show" if (name, frame.newest) in frame.held else "no figure")


def _panel(frame: Frame, box: Box, name: str, figures: Figures) -> str:
    """The name in one line or two, the figure of the newest period, the trend."""
    figure = frame.number(figures[frame.newest]) if frame.newest in figures else "–"
    ground, lines = box.above + box.height, wrapped(name, 22, 2)
    first = box.above - 12 - 18 * len(lines)
    return element(
        "g",
        element("title", escape(f"{name}: {_last(frame, name, figures)}")),
        *(words(box.left, first + 18 * n, each, 14, full=name) for n, each in enumerate(lines)),
        words(box.left, box.above - 11, figure, 16, font_weight="bold"),
        line(box.left, ground, box.left + box.width, ground, stroke=GREY),
        *levels(frame, box),
        *trace(frame, box, figures, 2.5),
        words(box.left, ground + 16, frame.language.period(frame.periods[0]), 12.5, fill=PALE),
        words(
            box.left + box.width,
            ground + 16,
            frame.language.period(frame.periods[-1]),
            12.5,
            fill=PALE,
            text_anchor="end",
        ),
    )


def _bars(one: Indicator, frame: Frame, groups: Mapping[str, Figures]) -> str:
    """One period: a bar for each group; its name above, so that a long one has room."""
    parts, y = heading(one, frame)
    if frame.periods:
        parts.append(words(WIDTH - 12, y, frame.language.period(frame.periods[0]), 15, text_anchor="end", fill=PALE))
    shown = list(groups.items())[:MOST_PANELS]
    box = Box(12, y + 14, WIDTH - 24, len(shown) * 46)
    for place, (name, figures) in enumerate(shown):
        parts.append(_bar(frame, box, box.above + place * 46, name, figures))
    return _with_notes(one, frame, groups, parts, box.above + box.height, scale=False)


def _bar(frame: Frame, box: Box, y: float, name: str, figures: Figures) -> str:
    value = next(iter(figures.values()), None)
    figure = _why(frame, name) if value is None else frame.number(value)
    width = 0.0 if value is None else box.width * min(value, frame.top) / frame.top
    return element(
        "g",
        words(box.left, y + 18, cut(name, 46 - len(figure)), 15, full=name),
        words(box.left + box.width, y + 18, figure, 15, text_anchor="end", font_weight="bold", fill=INK),
        element("rect", x=box.left, y=y + 24, width=box.width, height=14, fill="#f0f0f0"),
        element("rect", x=box.left, y=y + 24, width=width, height=14, **_paint(frame, figures)),
        *(_upright(frame, box, y, each, dashes, color) for each, dashes, color in _drawn_levels(frame)),
    )


def _paint(frame: Frame, figures: Figures) -> dict[str, object]:
    """What is not over yet is hollow."""
    if frame.running in figures:
        return {"fill": "#ffffff", "stroke": BLUE, "stroke_width": 2, "stroke_dasharray": "5 4"}
    return {"fill": BLUE}


def _drawn_levels(frame: Frame) -> list[tuple[Level, str, str]]:
    drawn = ((frame.baseline, "8 5", "#1b1b1b"), (frame.target, "2 4", GREEN))
    return [(each, dashes, color) for each, dashes, color in drawn if each is not None]


def _upright(frame: Frame, box: Box, y: float, each: Level, dashes: str, color: str) -> str:
    x = box.left + box.width * min(each.value, frame.top) / frame.top
    return line(x, y + 20, x, y + 42, stroke=color, stroke_width=3, stroke_dasharray=dashes)
