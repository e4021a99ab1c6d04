"""A pathway drawn with letters: one row a step, rails on the left, closer together where there are very many."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from domain.pathway import Step, StepKind, Template
from domain.rails import Row, rows
from domain.telling import Telling

STEP, REFERRAL = "●", "◆"
LEGEND = f"{STEP} step   {REFERRAL} referral   lines: waits for what is above"
_NARROWEST = 24


def diagram(template: Template, telling: Telling, width: int = 80) -> str:
    drawn = rows(template.order())
    rails = 1 + max((rail for row in drawn for rail in (row.rail, *row.passing, *row.joins)), default=0)
    apart = 2 if 2 * rails + 1 + _NARROWEST <= width else 1
    left = apart * rails + 1
    lines: list[str] = []
    for row in drawn:
        lines += _row(row, template.step(row.key), telling, rails, max(width - left, _NARROWEST), apart)
    return "\n".join(line.rstrip() for line in lines)


def _row(row: Row, step: Step, telling: Telling, rails: int, room: int, apart: int) -> Iterator[str]:
    left = apart * rails + 1
    below = "".join(("│" if rail in row.below else " ").ljust(apart) for rail in range(rails)).ljust(left)
    first, *rest = _words(step, telling, room)
    yield _node_line(row, step, rails, apart).ljust(left) + first
    for line in rest:
        yield below + line
    yield below


def _words(step: Step, telling: Telling, room: int) -> list[str]:
    said = [f"{telling.title(step)}  [{step.key}]", telling.owner(step.owner)]
    said += [condition] if (condition := telling.condition(step)) else []
    said += ["; ".join(manner)] if (manner := telling.manner(step)) else []
    said += [f"records {', '.join(one.key for one in step.form)}"] if step.form else []
    said += [f"feeds {', '.join(step.feeds)}"] if step.feeds else []
    lines = textwrap.wrap(said[0], room)
    for one in said[1:]:
        lines += textwrap.wrap(one, room, initial_indent="  ", subsequent_indent="  ")
    return lines


def _node_line(row: Row, step: Step, rails: int, apart: int) -> str:
    low, high = min((*row.joins, row.rail)), max((*row.joins, row.rail))
    drawn = ""
    for rail in range(rails):
        drawn += (REFERRAL if step.kind is StepKind.REFERRAL else STEP) if rail == row.rail else _crossing(row, rail)
        drawn += ("─" if low <= rail < high else " ") * (apart - 1)
    return drawn


def _crossing(row: Row, rail: int) -> str:
    """A rail that merely passes is not cut; one that leads into the step is joined to it."""
    low, high = min((*row.joins, row.rail)), max((*row.joins, row.rail))
    if rail not in row.joins:
        return "│" if rail in row.passing else "─" if low < rail < high else " "
    ends = rail not in row.passing
    if rail == low:
        return "╰" if ends else "├"
    if rail == high:
        return "╯" if ends else "┤"
    return "┴" if ends else "┼"
