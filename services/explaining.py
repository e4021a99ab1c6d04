"""Why a snapshot differs from the version before it: what was recorded late, taken back, or joined since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from itertools import groupby
from typing import Any

from domain.protection import is_small
from services.counts import ORGANIZATION, WHOLE, Margin
from services.published import Change, Content, Corrections, Explanation, Figure, InWords, PublishedIndicator

LATE, TAKEN_BACK, JOINED = "late_entries", "taken_back", "records_joined"
Counts = Mapping[tuple[str, Margin, bool], Counter[str]]
"""(code, margin, confidential) → how many events of each kind since the version before."""
FIRST = "This is the first snapshot of the period."
SAME = "No figure differs from version {version}."
DIFFERS = (
    "{changes} figures differ from version {version}: {why}. That version stays as it was published. What changed is"
    " said by indicator. How many corrections there were is said only where they are none or many."
)
THRESHOLD = " A figure was suppressed below {then} cases before, and is below {now} since: all of it is protected anew."
CORRECTED = "work was recorded late, taken back or corrected since"
HIDDEN = "some are hidden now, in whole or in part, so that nobody can compute a small one"
DISCLOSED = "confidential work or waiting cases are shown that were not before"
REDEFINED = "an indicator has a new definition"
OBSERVED = "a newer value of the population was observed"
ADDED = "there are groups or indicators that were not in it"
GONE = "groups or indicators that were in it are not told any more"
ROUNDED = "amounts are rounded otherwise"
_MADE_OF = "figures that it is made of changed"
_ROUNDED = "its amounts are rounded otherwise"
_WHY = {
    _ROUNDED: ROUNDED,
    "suppressed from this version on": HIDDEN,
    "confidential work is shown elsewhere only": HIDDEN,
    "who still waits is suppressed from this version on": HIDDEN,
    "confidential work is included": DISCLOSED,
    "who still waits is included": DISCLOSED,
    "the indicator has a new definition": REDEFINED,
    "a newer value was observed": OBSERVED,
    "not in the version before": ADDED,
    "not told any more": GONE,
}
"""Reason of one change → why there is a new version; all others are corrections."""


def explain(
    before: Sequence[PublishedIndicator],
    after: Sequence[PublishedIndicator],
    version: int,
    since: Counts,
    thresholds: tuple[int, int],
    confidential: Set[str] = frozenset(),
) -> Explanation:
    """`version` of the snapshot before; `thresholds`: its own, and that of now. `confidential` providers have no line,
    nor is it said that they had one.
    """
    then, threshold = thresholds
    changes = [
        change
        for old, new in _pairs(before, after)
        for change in _changes(old, new, since)
        if change.by.get(ORGANIZATION) not in confidential
    ]
    names = {one.code: one.name for one in (*before, *after)}
    why = dict.fromkeys(_WHY.get(reason, CORRECTED) for change in changes for reason in change.reasons)
    sentence = (DIFFERS if changes else SAME).format(changes=len(changes), version=version, why="; ".join(why))
    if then != threshold:
        sentence += THRESHOLD.format(then=then, now=threshold)
    corrections = [
        _corrections(new.code, sides, threshold)
        for new in after
        for whole in new.figures
        if not whole.by and not whole.suppressed and any(sides := _sides(since, new.code, whole))
    ]
    return Explanation(
        since_version=version,
        sentence=sentence,
        in_words=[InWords(indicator=code, sentence=_in_words(names[code], own)) for code, own in _by_code(changes)],
        corrections=corrections,
        changes=changes,
    )


_WORDS = {
    LATE: "work recorded late",
    TAKEN_BACK: "work taken back or corrected",
    JOINED: "records of one person joined",
}


def margin_of(figure: Figure) -> Margin:
    return next(iter(figure.by.items()), WHOLE)


def figures_of(version: Any) -> dict[tuple[str, Margin], Figure]:
    """Of a stored version, by (code, margin)."""
    return {
        (one.code, margin_of(figure)): figure
        for one in Content.model_validate(version.body).indicators
        for figure in one.figures
    }


def _pairs(
    before: Iterable[PublishedIndicator], after: Iterable[PublishedIndicator]
) -> Iterable[tuple[PublishedIndicator | None, PublishedIndicator]]:
    """An indicator that is not told any more stays, without figures."""
    old, new = ({one.code: one for one in each} for each in (before, after))
    gone = [one.model_copy(update={"figures": []}) for one in before if one.code not in new]
    return [(old.get(one.code), one) for one in (*after, *gone)]


def _changes(old: PublishedIndicator | None, new: PublishedIndicator, since: Counts) -> Iterable[Change]:
    now = {margin_of(figure) for figure in new.figures}
    for figure in old.figures if old else ():
        if margin_of(figure) not in now:
            gone = ["not told any more"]
            yield Change(indicator=new.code, by=figure.by, before=figure, after=None, reasons=gone)
    then = {margin_of(figure): figure for figure in old.figures} if old else {}
    for figure in new.figures:
        margin = margin_of(figure)
        earlier = then.get(margin)
        if earlier != figure:
            reasons = _reasons(earlier, figure, _kinds(since, new.code, figure), amounts=new.measure == "sum")
            if old is not None and old.version != new.version:
                reasons.append("the indicator has a new definition")
            yield Change(indicator=new.code, by=figure.by, before=earlier, after=figure, reasons=reasons)


def _sides(since: Counts, code: str, figure: Figure) -> list[Counter[str]]:
    """Of what the figure stands for: of confidential work only where that is in it."""
    sides = (False, True) if figure.complete else (False,)
    return [since.get((code, margin_of(figure), side), Counter()) for side in sides]


def _kinds(since: Counts, code: str, figure: Figure) -> Counter[str]:
    return sum(_sides(since, code, figure), Counter())


def _reasons(before: Figure | None, after: Figure, kinds: Counter[str], *, amounts: bool) -> list[str]:
    """In words. Of a hidden figure only that it is hidden: what moved it would say that something did."""
    if before is None:
        return ["not in the version before"]
    if after.suppressed:
        return ["suppressed from this version on"]
    if after.observed:
        return ["a newer value was observed"]
    moved = [sentence for kind, sentence in _WORDS.items() if kinds[kind]]
    if before.complete != after.complete:
        told = "confidential work is included" if after.complete else "confidential work is shown elsewhere only"
        return [told, *moved]
    if (before.waiting is None) != (after.waiting is None):
        told = "suppressed from this version on" if after.waiting is None else "included"
        return [f"who still waits is {told}", *moved]
    return moved or [_ROUNDED if amounts else _MADE_OF]


def _by_code(changes: Iterable[Change]) -> Iterable[tuple[str, list[Change]]]:
    return [(code, list(own)) for code, own in groupby(changes, key=lambda change: change.indicator)]


def _in_words(name: str, changes: Iterable[Change]) -> str:
    """Every figure that changed, from what to what; then every one that is hidden now, and what it was."""
    moved, hidden = [], []
    for change in changes:
        group = " ".join(next(iter(change.by.items()), ("region",)))
        before, after = _figure(change.before), _figure(change.after)
        if change.after is not None and change.after.suppressed:
            hidden.append(f"{group} (was {before})")
        else:
            moved.append(f"{group} {before} → {after} ({', '.join(change.reasons)})")
    told = [*moved, *([f"hidden now: {', '.join(hidden)}"] if hidden else [])]
    return f"{name}: {'; '.join(told)}."


def _figure(figure: Figure | None) -> str:
    """In words, as it was published."""
    if figure is None:
        return "nothing"
    if figure.suppressed:
        return "hidden"
    told = "no case" if figure.value is None else f"{figure.value:,.12g}"
    if figure.numerator is not None:
        told += f" ({figure.numerator:,} of {figure.denominator:,})"
    elif figure.denominator is not None:
        told += f" ({figure.denominator:,} cases)"
    return told if figure.complete is not False else f"{told} without confidential work"


def _corrections(code: str, sides: Sequence[Counter[str]], threshold: int) -> Corrections:
    """That there were none of a kind is said always: so say the reasons. Of those that there were all numbers or none:
    all but one and the net change would give away the last. Nor may the open ones, which people here look up, give the
    confidential ones away.
    """
    counts: dict[str, int | None] = {kind: sum(side[kind] for side in sides) for kind in (LATE, TAKEN_BACK, JOINED)}
    if any(is_small(side[kind], threshold) for side in sides for kind in counts):
        counts = {kind: None if count else 0 for kind, count in counts.items()}
    return Corrections(indicator=code, **counts)
