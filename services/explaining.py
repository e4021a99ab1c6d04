"""Why a snapshot differs from the version before it: what was recorded late, taken back, or joined since."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from domain.protection import is_small
from services.counts import WHOLE, Margin
from services.published import Change, Corrections, Explanation, Figure, PublishedIndicator

LATE, TAKEN_BACK, JOINED, HIDING = "late_entries", "taken_back", "records_joined", "hiding"
Counts = Mapping[tuple[str, Margin], Counter[str]]
"""(code, margin) → how many events of each kind since the version before."""
FIRST = "This is the first snapshot of the period."
SAME = "No figure differs from version {version}."
DIFFERS = (
    "{changes} figures differ from version {version}: work was recorded late, taken back or corrected since. That"
    " version stays as it was published. How many corrections there were is said only where they are none or many."
)


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
    sentence = (DIFFERS if changes else SAME).format(changes=len(changes), version=version)
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
            reasons = [] if old is None else _reasons(earlier, figure, since.get(margin, Counter()))
            if old is not None and old.version != new.version:
                reasons.append("the indicator has a new definition")
            yield Change(indicator=new.code, by=figure.by, before=earlier, after=figure, reasons=reasons)


def _reasons(before: Figure | None, after: Figure, kinds: Counter[str]) -> list[str]:
    """In words. Of a hidden figure only that it is hidden: what moved it would say that something did."""
    if after.suppressed:
        return ["suppressed from this version on"]
    if before is not None and before.complete != after.complete:
        return ["confidential work is shown elsewhere only" if not after.complete else "confidential work is included"]
    words = {
        LATE: "work recorded late",
        TAKEN_BACK: "work taken back or corrected",
        JOINED: "records of one person joined",
    }
    return [sentence for kind, sentence in words.items() if kinds[kind]] or ["figures that it is made of changed"]


def _corrections(code: str, kinds: Counter[str], threshold: int) -> Corrections:
    """All numbers or none: two of them and the net change would give away the third."""
    counts = {kind: kinds[kind] for kind in (LATE, TAKEN_BACK, JOINED)}
    told = not any(is_small(count, threshold) for count in counts.values())
    return Corrections(indicator=code, **(counts if told else dict.fromkeys(counts)))
