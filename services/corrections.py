"""What the ledger of a public period gained and lost since it was published: why the next version differs, and which
of its counts have been the same ever since. In the transaction of whoever publishes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, reduce
from operator import or_
from typing import Any

from sqlalchemy import text

from domain.span import Span, span_of
from services.counts import ORGANIZATION, Figures, Margin, Partners, add_change, margins_of, months_until
from services.explaining import JOINED, LATE, TAKEN_BACK, Counts, figures_of
from services.public_periods import Public, Stood
from services.published import Figure, LeftOut
from services.transaction import Tx


def settled(
    tx: Tx, public: Public, history: list[Any], figures: list[Figures], span: Span, threshold: int, partners: Partners
) -> Public:
    """With what changed in any of its periods since it was hidden there first, or was hidden there by other rules, by
    how much all changed since its last version, which month stood when a longer period was counted, and what is told
    by another definition. `history`: all versions, in order.
    """
    every = {one.row.code for one in figures}
    rules = {(row.code, row.version): row.rule for row in tx.rows(_RULES_OF_ALL)}
    gained = cache(lambda each, up_to: _gained(tx, figures, each, up_to, partners))
    changed: set[tuple[str, str, Margin, bool]] = set()
    otherwise: set[tuple[str, str]] = set()
    later: dict[tuple[str, str], Figures] = {}
    for each in public.spans:
        own, versions = each.name == span.name, [row for row in history if row.period == each.name]
        told_last = {one["code"]: row.version for row in versions for one in row.body["indicators"]}
        for row, hidden in _hidden_first(versions):
            other = every if row.threshold != threshold else _told_otherwise(row, figures)
            changed |= {(each.name, *figure) for figure in hidden if figure[0] in other}
            for one, margin, found in _corrected(tx, figures, each, row.up_to, partners):
                for side in (True, False) if one.measure == "distinct" else (found.restricted,):
                    if (one.row.code, margin, side) in hidden:
                        changed.add((each.name, one.row.code, margin, side))
        for row in versions:
            newest = {code for code, version in told_last.items() if version == row.version}
            otherwise |= {(each.name, code) for code in newest & _redefined(row, figures, rules) if not own}
            since = gained(each, row.up_to) if newest else {}
            later |= {(each.name, code): since[code] for code in newest & since.keys()}
    stood = {
        told: Stood(
            {key: figure for key, figure in figures_of(row).items() if key[0] not in _redefined(row, figures, rules)},
            gained(Span(row.period, (row.period,)), row.up_to),
        )
        for told, row in _standing(public.spans, span, history)
    }
    return replace(public, changed=changed, otherwise=otherwise, later=later, stood=stood)


def _gained(tx: Tx, figures: list[Figures], each: Span, up_to: int, partners: Partners) -> dict[str, Figures]:
    """What a period and its months gained and lost since that event, by the indicator's code."""
    since: dict[str, Figures] = {}
    for one, margin, found in _corrected(tx, figures, each, up_to, partners):
        own = since.setdefault(one.row.code, Figures(one.row, one.groups))
        add_change(own, own.side(found.restricted), each, found, margin)
    return since


def _standing(public: Iterable[Span], span: Span, history: list[Any]) -> Iterator[tuple[tuple[str, str], Any]]:
    """By (longer period, month) the month's version that stood when the longer one was counted; now, for the period
    that is made now.
    """
    last = {row.period: row.up_to for row in history}
    for longer in {*public, span}:
        for month in longer.months if len(longer.months) > 1 else ():
            before = [row for row in history if row.period == month]
            if longer != span:
                before = [row for row in before if row.up_to <= last[longer.name]]
            if before:
                yield (longer.name, month), before[-1]


def _redefined(row: Any, figures: Iterable[Figures], rules: Mapping[tuple[str, int], Any]) -> set[str]:
    """Codes of indicators that the published version told by a definition that counts something else than today's."""
    told = {one["code"]: one["version"] for one in row.body["indicators"]}
    return {
        one.row.code
        for one in figures
        if (code := one.row.code) in told and rules.get((code, told[code])) != rules.get((code, one.row.version))
    }


def _told_otherwise(row: Any, figures: Iterable[Figures]) -> set[str]:
    """Codes of indicators that the published version told by another version, or hid by another threshold."""
    told = {one["code"]: (one.get("version"), one.get("threshold")) for one in row.body["indicators"]}
    now = {one.row.code: (one.row.version, one.row.threshold) for one in figures}
    return {code for code, said in now.items() if told.get(code, said) != said}


def _hidden_first(versions: list[Any]) -> list[tuple[Any, set[tuple[str, Margin, bool]]]]:
    """Each version with what it hid first, in whole or in part: (code, margin, restricted)."""
    before: set[tuple[str, Margin, bool]] = set()
    found: list[tuple[Any, set[tuple[str, Margin, bool]]]] = []
    for row in versions:
        waits = {one["code"] for one in row.body["indicators"] if one["measure"] in {"median", "percentile"}}
        here = {
            (*told, restricted)
            for told, figure in figures_of(row).items()
            for restricted in (False, True)
            if figure.suppressed
            or (restricted and not figure.complete)
            or (told[0] in waits and figure.waiting is None)
        }
        if here - before:
            found.append((row, here - before))
        before |= here
    return found


def regrouped(
    figures: Iterable[Figures], history: list[Any], calendars: Mapping[str, int], confidential: frozenset[str]
) -> Iterator[LeftOut]:
    """`history`: all versions of periods that sums tie together, in order. Takes dimensions out of `figures` that one
    of these told by other groups, somebody in those: the difference would tell who.
    """
    told: dict[tuple[str, str, str], dict[str, Figure]] = {}
    for row in history:  # the last version that told the dimension
        by: dict[tuple[str, str, str], dict[str, Figure]] = {}
        for (code, (name, group)), figure in figures_of(row).items():
            by.setdefault((row.period, code, name), {})[group] = figure
        told |= by
    spans = [span_of(period, calendars) for period in sorted({row.period for row in history})]
    for one in figures:
        for name in list(one.groups):
            for each in spans:
                then = told.get((each.name, one.row.code, name))
                if then and _others_in(one, each, name, then, confidential):
                    del one.groups[name]
                    reason = f"{each.name} was told by other groups, and who is in those would show."
                    yield LeftOut(indicator=one.row.code, name=one.row.name, by=name, reason=reason)
                    break


def _others_in(one: Figures, each: Span, name: str, then: Mapping[str, Figure], confidential: frozenset[str]) -> bool:
    """Whether anybody was in a group that is no more, or is in one that was not told."""
    gone = [figure for group, figure in then.items() if group not in one.groups[name]]
    own = confidential if name == ORGANIZATION else frozenset()
    new = {(name, group) for group in one.groups[name] if group not in then and group not in own}
    if any(figure.suppressed or not figure.complete or figure.denominator or figure.value for figure in gone):
        return True
    names = {each.name, *each.months}
    return any(
        count and period in names and margin in new
        for side in (one.open, one.confidential)
        for (period, _, margin), count in side.counts.items()
    )


def since_version(tx: Tx, figures: list[Figures], span: Span, up_to: int, partners: Partners) -> Counts:
    """Corrections by figure. An event that changed several counts of a figure is one."""
    parts: dict[tuple[str, Margin, bool], dict[str, Counter[str]]] = {}
    for one, margin, row in _corrected(tx, figures, span, up_to, partners):
        if one.measure == "distinct" and row.period != span.name:
            continue  # who counts once in a year is told of the year alone
        counted = parts.setdefault((one.row.code, margin, row.restricted), {}).setdefault(row.part, Counter())
        counted.update({LATE: row.late, TAKEN_BACK: row.taken_back, JOINED: row.joined})
    return {figure: reduce(or_, counted.values()) for figure, counted in parts.items()}


def _corrected(
    tx: Tx, figures: list[Figures], span: Span, up_to: int, partners: Partners
) -> Iterator[tuple[Figures, Margin, Any]]:
    """What the ledger of the period gained and lost since that event. A level is made of all months before it too."""
    by_id = {str(one.row.id): one for one in figures}
    own = {*span.months, span.name}
    levels = any(one.measure == "level" for one in figures)
    periods = sorted(own.union(months_until(span.months[-1]) if levels else ()))
    for row in tx.rows(_CORRECTIONS, ids=list(by_id), periods=periods, after=up_to):
        one = by_id[str(row.indicator_id)]
        if one.measure != "level" and row.period not in own:
            continue
        for margin in margins_of(one, row, partners):
            yield one, margin, row


_CORRECTIONS = text(
    "select * from app.corrections(cast(:ids as uuid[]), cast(:periods as text[]), cast(:after as bigint))"
)
# How an indicator is told apart says nothing of what it counts.
_RULES_OF_ALL = text(
    "select code, version, rule - 'by' as rule from indicator where collaborative_id = app.collaborative()"
)
