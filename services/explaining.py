"""Why a snapshot differs from the version before it: what was recorded late, taken back, or joined since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from domain.protection import is_small
from services.counts import WHOLE, Margin
from services.published import Change, Corrections, Explanation, Figure, PublishedIndicator

LATE, TAKEN_BACK, JOINED = "late_entries", "taken_back", "records_joined"
Counts = Mapping[tuple[str, Margin], Counter[str]]
"""(code, margin) → how many events of each kind since the version before."""
FIRST = "This is the first snapshot of the period."
SAME = "No figure differs from version {version}."
DIFFERS = (
    "{changes} figures differ from version {version}: {why}. That version stays as it was published. How many"
    " corrections there were is said only where they are none or many."
)
CORRECTED = "work was recorded late, taken back or corrected since"
HIDDEN = "some are hidden now, in whole or in part, so that nobody can compute a small one"
DISCLOSED = "confidential work or waiting cases are shown that were not before"
REDEFINED = "an indicator has a new definition"
OBSERVED = "a newer value of the population was observed"
ADDED = "there are groups or indicators that were not in it"
_MADE_OF = "figures that it is made of changed"
_WHY = {
    "suppressed from this version on": HIDDEN,
    "confidential work is shown elsewhere only": HIDDEN,
    "who still waits is suppressed from this version on": HIDDEN,
    "confidential work is included": DISCLOSED,
    "who still waits is included": DISCLOSED,
    "the indicator has a new definition": REDEFINED,
    "a newer value was observed": OBSERVED,
    "not in the version before": ADDED,
}
"""Reason of one change → why there is a new version; all others are corrections."""


def explain(
    before: Sequence[PublishedIndicator],
    after: Sequence[PublishedIndicator],
    version: int,
    since: Counts,
    threshold: int,
) -> Explanation:
    """`version` of the snapshot before."""
    changes = [
        change
        for old, new in _pairs(before, after)
        for change in _changes(old, new, {margin: n for (code, margin), n in since.items() if code == new.code})
    ]
    why = dict.fromkeys(_WHY.get(reason, CORRECTED) for change in changes for reason in change.reasons)
    sentence = (DIFFERS if changes else SAME).format(changes=len(changes), version=version, why="; ".join(why))
    corrections = [
        _corrections(new.code, since.get((new.code, WHOLE), Counter()), threshold)
        for new in after
        if since.get((new.code, WHOLE))
    ]
    return Explanation(since_version=version, sentence=sentence, corrections=corrections, changes=changes)


def margin_of(figure: Figure) -> Margin:
    return next(iter(figure.by.items()), WHOLE)


def _pairs(
    before: Iterable[PublishedIndicator], after: Iterable[PublishedIndicator]
) -> Iterable[tuple[PublishedIndicator | None, PublishedIndicator]]:
    old = {one.code: one for one in before}
    return [(old.get(one.code), one) for one in after]


def _changes(
    old: PublishedIndicator | None, new: PublishedIndicator, since: Mapping[Margin, Counter[str]]
) -> Iterable[Change]:
    then = {margin_of(figure): figure for figure in old.figures} if old else {}
    for figure in new.figures:
        margin = margin_of(figure)
        earlier = then.get(margin)
        if earlier != figure:
            reasons = _reasons(earlier, figure, since.get(margin, Counter()))
            if old is not None and old.version != new.version:
                reasons.append("the indicator has a new definition")
            yield Change(indicator=new.code, by=figure.by, before=earlier, after=figure, reasons=reasons)


def _reasons(before: Figure | None, after: Figure, kinds: Counter[str]) -> list[str]:
    """In words. Of a hidden figure only that it is hidden: what moved it would say that something did."""
    if before is None:
        return ["not in the version before"]
    if after.suppressed:
        return ["suppressed from this version on"]
    if after.observed:
        return ["a newer value was observed"]
    if before.complete != after.complete:
        return ["confidential work is shown elsewhere only" if not after.complete else "confidential work is included"]
    if (before.waiting is None) != (after.waiting is None):
        told = "suppressed from this version on" if after.waiting is None else "included"
        return [f"who still waits is {told}"]
    words = {
        LATE: "work recorded late",
        TAKEN_BACK: "work taken back or corrected",
        JOINED: "records of one person joined",
    }
    return [sentence for kind, sentence in words.items() if kinds[kind]] or [_MADE_OF]


def _corrections(code: str, kinds: Counter[str], threshold: int) -> Corrections:
    """All numbers or none: two of them and the net change would give away the third."""
    counts = {kind: kinds[kind] for kind in (LATE, TAKEN_BACK, JOINED)}
    told = not any(is_small(count, threshold) for count in counts.values())
    return Corrections(indicator=code, **(counts if told else dict.fromkeys(counts)))
