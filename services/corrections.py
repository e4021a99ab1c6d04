"""What the ledger of a public period gained and lost since it was published: why the next version differs, and which
of its counts have been the same ever since. In the transaction of whoever publishes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any

from sqlalchemy import text

from domain.period import months_between
from domain.span import Span
from services.counts import WHOLE, Figures, Margin, Partners, add_change, margins_of
from services.explaining import JOINED, LATE, TAKEN_BACK, Counts, margin_of
from services.public_periods import Moved, Public, Stood
from services.published import Content, Figure
from services.transaction import Tx


def settled(
    tx: Tx, public: Public, history: list[Any], figures: list[Figures], span: Span, threshold: int, partners: Partners
) -> Public:
    """With what changed in any of its periods since it was hidden there first, or was hidden there by other rules, and
    by how much all changed since its last version. `history`: all versions, in order.
    """
    every = {one.row.code for one in figures}
    changed: set[tuple[str, str, Margin, bool]] = set()
    otherwise: set[tuple[str, str]] = set()
    later: dict[tuple[str, str], Figures] = {}
    for each in public.spans:
        own, versions = each.name == span.name, [row for row in history if row.period == each.name]
        otherwise |= {(each.name, code) for code in _told_otherwise(versions[-1], figures, _DEFINITION) if not own}
        for row, hidden in _hidden_first(versions):
            other = every if row.threshold != threshold else _told_otherwise(row, figures, _RULES)
            changed |= {(each.name, *figure) for figure in hidden if figure[0] in other}
            for one, margin, found in _corrected(tx, figures, each, row.up_to, partners):
                for side in (True, False) if one.measure == "distinct" else (found.restricted,):
                    if (one.row.code, margin, side) in hidden:
                        changed.add((each.name, one.row.code, margin, side))
        for one, margin, found in _corrected(tx, figures, each, versions[-1].up_to, partners):
            since = later.setdefault((each.name, one.row.code), Figures(one.row, one.groups))
            add_change(since, since.side(found.restricted), each, found, margin)
    first = {row.period: row.up_to for row in reversed(history)}
    last = {row.period: row.up_to for row in history}
    stood = dict(_stood(tx, public.spans, span, history, figures, partners))
    return replace(public, changed=changed, otherwise=otherwise, later=later, first=first, last=last, stood=stood)


def _stood(
    tx: Tx, public: Iterable[Span], span: Span, history: list[Any], figures: list[Figures], partners: Partners
) -> Iterator[tuple[tuple[str, str], Stood]]:
    """Of each month of each longer period the version that stood when that was counted, which is now for the period
    that is made now.
    """
    made: dict[tuple[str, int], Stood] = {}
    last = {row.period: row.up_to for row in history}
    for longer in {*public, span}:
        for month in longer.months if len(longer.months) > 1 else ():
            counted = [row for row in history if row.period == month]
            if longer != span:
                counted = [row for row in counted if row.up_to <= last[longer.name]]
            if not counted:
                continue
            version = counted[-1]
            if (month, version.version) not in made:
                since: dict[str, Figures] = {}
                each = Span(month, (month,))
                for one, margin, found in _corrected(tx, figures, each, version.up_to, partners):
                    gained = since.setdefault(one.row.code, Figures(one.row, one.groups))
                    add_change(gained, gained.side(found.restricted), each, found, margin)
                made[month, version.version] = Stood(figures_told(version), since)
            yield (longer.name, month), made[month, version.version]


def figures_told(version: Any) -> dict[tuple[str, Margin], Figure]:
    """By (code, margin)."""
    return {
        (one.code, margin_of(figure)): figure
        for one in Content.model_validate(version.body).indicators
        for figure in one.figures
    }


_DEFINITION = ("version",)
_RULES = ("version", "threshold")
"""Members of an indicator that say what is counted, and with how it is hidden."""


def _told_otherwise(row: Any, figures: Iterable[Figures], members: tuple[str, ...]) -> set[str]:
    """Codes of indicators of which the published version says another one of these `members` than is so today."""
    told = {one["code"]: [one.get(name) for name in members] for one in row.body["indicators"]}
    now = {one.row.code: [getattr(one.row, name) for name in members] for one in figures}
    return {code for code, said in now.items() if told.get(code, said) != said}


def _hidden_first(versions: list[Any]) -> list[tuple[Any, set[tuple[str, Margin, bool]]]]:
    """Each version with what it hid first, in whole or in part: (code, margin, restricted)."""
    before: set[tuple[str, Margin, bool]] = set()
    found: list[tuple[Any, set[tuple[str, Margin, bool]]]] = []
    for row in versions:
        here = {
            (one["code"], next(iter(figure["by"].items()), WHOLE), restricted)
            for one in row.body["indicators"]
            for figure in one["figures"]
            for restricted in (False, True)
            if figure["suppressed"]
            or (restricted and not figure["complete"])
            or (one["measure"] in {"median", "percentile"} and figure.get("waiting") is None)
        }
        if here - before:
            found.append((row, here - before))
        before |= here
    return found


def since_version(tx: Tx, figures: list[Figures], span: Span, up_to: int, partners: Partners) -> tuple[Counts, Moved]:
    """Corrections by figure, and by how much confidential work moved. An event that changed several counts of a figure
    is one.
    """
    parts: dict[tuple[str, Margin, bool], dict[str, Counter[str]]] = {}
    moved: Counter[tuple[str, Margin]] = Counter()
    for one, margin, row in _corrected(tx, figures, span, up_to, partners):
        if one.measure == "distinct" and row.period != span.name:
            continue  # who counts once in a year is told of the year alone
        counted = parts.setdefault((one.row.code, margin, row.restricted), {}).setdefault(row.part, Counter())
        counted.update({LATE: row.late, TAKEN_BACK: row.taken_back, JOINED: row.joined})
        if one.measure == "distinct":
            if row.restricted or one.confided:
                moved[one.row.code, margin] = 1
        elif row.restricted:
            moved[one.row.code, margin] += row.change
    return {figure: reduce(or_, counted.values()) for figure, counted in parts.items()}, Moved(moved)


def _corrected(
    tx: Tx, figures: list[Figures], span: Span, up_to: int, partners: Partners
) -> Iterator[tuple[Figures, Margin, Any]]:
    """What the ledger of the period gained and lost since that event. A level is made of all months before it too."""
    by_id = {str(one.row.id): one for one in figures}
    own = {*span.months, span.name}
    begun = min((str(one.row.effective_on)[:7] for one in figures if one.measure == "level"), default=span.months[-1])
    periods = sorted(own | set(months_between(begun, span.months[-1])))
    for row in tx.rows(_CORRECTIONS, ids=list(by_id), periods=periods, after=up_to):
        one = by_id[str(row.indicator_id)]
        if one.measure != "level" and row.period not in own:
            continue
        for margin in margins_of(one, row, partners):
            yield one, margin, row


_CORRECTIONS = text(
    "select * from app.corrections(cast(:ids as uuid[]), cast(:periods as text[]), cast(:after as bigint))"
)
