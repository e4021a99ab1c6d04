"""Draws a pathway: one row a step, rails on the left that say who waits for whom. The same rows as in the terminal."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from api.svg import BLUE, GREEN, INK, PALE, RULE, WIDTH, element, line, picture, words, wrapped
from domain.pathway import Step, StepKind, Template
from domain.rails import Row, rows
from domain.telling import Telling

_LEFT, _RADIUS, _CORNER, _GAP = 14, 7, 8, 16
_ROOM = WIDTH - 12
_WIDEST_GUTTER = 150
_BIG, _SMALL = 16, 14
_BOLD = 0.63
_RAIL = "#71767a"


@dataclass(frozen=True, slots=True)
class _Text:
    words: str
    size: int
    color: str
    weight: str | None = None


@dataclass(frozen=True, slots=True)
class _Drawn:
    """`y`: of the node's middle; the row ends at `bottom`."""

    row: Row
    step: Step
    y: float
    bottom: float
    texts: tuple[_Text, ...]


def picture_of(template: Template, telling: Telling) -> str:
    laid = rows(template.order())
    rails = 1 + max((rail for row in laid for rail in (row.rail, *row.joins, *row.passing)), default=0)
    apart = min(22.0, _WIDEST_GUTTER / rails)
    gutter = _LEFT + apart * rails + 4
    title = telling.title(template)
    heading = _broken(title, _ROOM, 18, _BOLD)
    drawn = list(_rows(template, telling, laid, gutter, 32 + 22 * len(heading)))
    parts = [
        *(words(_LEFT - 6, 26 + 22 * nth, said, 18, font_weight="bold") for nth, said in enumerate(heading)),
        *(rail for one in drawn for rail in _joins(one, apart)),
        *(rail for one, following in pairwise(drawn) for rail in _running(one, following, apart)),
        *(mark for one in drawn for mark in _node(one, apart)),
        *(said for one in drawn for said in _said(one, gutter)),
    ]
    return picture(title, "; ".join(_aloud(one, telling) for one in drawn), drawn[-1].bottom + 8, parts)


def _aloud(one: _Drawn, telling: Telling) -> str:
    return f"{telling.title(one.step)} ({telling.owner(one.step.owner)})"


def _rows(template: Template, telling: Telling, laid: list[Row], gutter: float, top: float) -> Iterator[_Drawn]:
    y = top + 14
    for row in laid:
        step = template.step(row.key)
        texts = tuple(_texts(step, telling, _ROOM - gutter))
        bottom = y - 12 + sum(_height(each) for each in texts) + _GAP
        yield _Drawn(row, step, y - 5, bottom, texts)
        y = bottom + 14


def _texts(step: Step, telling: Telling, room: float) -> Iterator[_Text]:
    for said in _broken(telling.title(step), room, _BIG, _BOLD):
        yield _Text(said, _BIG, INK, "bold")
    for said in _broken(telling.owner(step.owner), room, _SMALL):
        yield _Text(said, _SMALL, INK)
    for said in _broken(telling.condition(step) or "", room, _SMALL):
        yield _Text(said, _SMALL, BLUE)
    for said in _broken("; ".join(telling.manner(step)), room, _SMALL):
        yield _Text(said, _SMALL, PALE)


def _broken(text: str, room: float, size: int, each: float = 0.55) -> list[str]:
    """Into lines that fit: a letter is about half as wide as it is high, a bold one a little more."""
    return wrapped(text, int(room / (size * each)), 12)


def _height(text: _Text) -> float:
    return text.size + 5


def _x(rail: int, apart: float) -> float:
    return _LEFT + rail * apart


def _joins(one: _Drawn, apart: float) -> Iterator[str]:
    """What leads into the step from other rails: round the corner where the rail ends, else from a knot on it."""
    x = _x(one.row.rail, apart)
    for rail in one.row.joins:
        start = _x(rail, apart)
        if rail == one.row.rail:
            continue
        if rail in one.row.passing:
            path = f"M{start:g} {one.y:g} H{x:g}"
        else:
            corner = start + (_CORNER if x > start else -_CORNER)
            path = f"M{start:g} {one.y - _CORNER:g} Q{start:g} {one.y:g} {corner:g} {one.y:g} H{x:g}"
        yield element("path", d=path, fill="none", stroke=_RAIL, stroke_width=2)


def _running(one: _Drawn, following: _Drawn, apart: float) -> Iterator[str]:
    """Rails from one row to the next. Each is drawn on white, so that what merely crosses it passes behind."""
    for rail in one.row.below:
        x = _x(rail, apart)
        ends = rail in following.row.joins and rail not in following.row.passing and rail != following.row.rail
        end = following.y - (_CORNER if ends else 0)
        yield line(x, one.y, x, end, stroke="#ffffff", stroke_width=8)
        yield line(x, one.y, x, end, stroke=_RAIL, stroke_width=2)


def _node(one: _Drawn, apart: float) -> Iterator[str]:
    x = _x(one.row.rail, apart)
    for rail in one.row.joins:
        if rail in one.row.passing:
            knot = _x(rail, apart)
            reach = knot + (5 if x > knot else -5)
            yield line(knot, one.y, reach, one.y, stroke=_RAIL, stroke_width=2)
            yield element("circle", cx=knot, cy=one.y, r=3, fill=_RAIL)
    if one.step.kind is StepKind.REFERRAL:
        corners = f"{x:g},{one.y - 8:g} {x + 8:g},{one.y:g} {x:g},{one.y + 8:g} {x - 8:g},{one.y:g}"
        yield element("polygon", points=corners, fill=GREEN, stroke="#ffffff", stroke_width=2)
    else:
        yield element("circle", cx=x, cy=one.y, r=_RADIUS, fill=BLUE, stroke="#ffffff", stroke_width=2)


def _said(one: _Drawn, gutter: float) -> Iterator[str]:
    y = one.y + 5
    for text in one.texts:
        yield words(gutter, y, text.words, text.size, fill=text.color, font_weight=text.weight)
        y += _height(text)
    yield line(gutter, one.bottom - 4, _ROOM, one.bottom - 4, stroke=RULE)
