"""Publishing closed periods: the backbone's move. What is published stays; corrections make the next version."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import date
from functools import partial
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.span import NoSuchSpan, Span, span_of
from services.corrections import regrouped, settled, since_version
from services.counts import ORGANIZATION, Figures, Margin, partners_of, read_figures
from services.explaining import FIRST, Counts, explain, figures_of, margin_of
from services.holders import is_watcher
from services.indicators import telling
from services.journal import new_id
from services.population import observed
from services.proofs import horizon
from services.public_periods import Public, Terms
from services.published import Content, Explanation, Figure, LeftOut, PartnerCoverage, Publication, PublishedIndicator
from services.recounting import NOBODY, Progressed
from services.refusals import Conflict, Forbidden, NotVisible, Unprocessable
from services.snapshots import as_published, compile_figures
from services.transaction import Answer, Call, Record, Tx, perform, read, read_at_once
from storage import tables

METHOD = [
    "Figures are counted from the partners' work itself; nobody reports them.",
    "A figure of 1 to {below} cases is suppressed, and so are as few others as keep anybody from computing it.",
    "An amount is rounded to a step (1, 2, 5, 10 …) that none of its single payments exceeds.",
    "Whoever counts in several groups or months counts once in the total: groups of people need not add up to it.",
    "Of people no group is told that is made of several, as of counties elsewhere: some would count twice.",
    "Of a time until something happens, `waiting` says who still waits: they are not in it.",
    "A value of the whole population was observed by the source that stands beside it.",
    "Work of confidential providers is included where it cannot be told apart; elsewhere `complete` is false.",
    "`unknown` is shown always: who was not asked, does not know or prefers not to answer.",
    "Figures of less than a quarter of history, or without an observed baseline, belong to the baseline period.",
]
CONFIDENTIAL = (
    "Confidential providers have no line of their own; their work is in the region's figures as the method says."
)


_TRIES = 20


@dataclass(frozen=True, slots=True)
class _Ground:
    """All that a snapshot is made of, as it stood at one moment. `published`: how many snapshots there were then."""

    span: Span
    version: int
    terms: Terms
    agenda_version: int
    up_to: int
    published: int
    figures: list[Figures]
    population: list[PublishedIndicator]
    left_out: list[LeftOut]
    before: Content | None
    standing: Publication | None
    public: Public
    since: Counts
    coverage: PartnerCoverage


def preview(record: Record, call: Call, period: str, progressed: Progressed = NOBODY) -> Content:
    """What publishing the period now would show; nothing is written."""

    def look(tx: Tx) -> _Ground | None:
        _authorize(tx)
        return _ground(tx, period, up_to=sys.maxsize)  # what is not kept may miss what is being written

    ground = read_at_once(record, call, look)
    assert ground is not None
    return _content(ground, progressed)


def publish(record: Record, call: Call, period: str, progressed: Progressed = NOBODY) -> Answer[Publication]:
    """The next version of the period's snapshot (201); the last one (200) if it would say nothing else.

    It is read, then suppressed outside of any transaction, then written: whatever somebody else published meanwhile is
    a conflict, as nothing of it is protected beside it. Whoever interrupts it has published nothing.
    """

    def new(tx: Tx) -> bool:
        if not tx.here.seen:
            _authorize(tx)
        return not tx.here.seen

    ground = _ground_of(record, call, period) if read(record, call, new) else None
    content = _content(ground, progressed) if ground else None
    stands = ground is not None and content is not None and _says_the_same(ground, content)

    def act(tx: Tx, _seen: None) -> Publication:
        _authorize(tx)
        if ground is None or content is None:
            raise Conflict("This request is being answered at the moment. Repeat it.")
        return ground.standing if stands and ground.standing else _write(tx, ground, content)

    return perform(record, call, _authorize, act, Publication, status=200 if stands else 201)


def list_publications(
    record: Record, call: Call, after: tuple[Any, ...] | None = None, limit: int = 50
) -> list[Publication]:
    """Newest first; `after` is (published_at, id)."""
    at, last = after or (None, None)
    return read(
        record,
        call,
        lambda tx: [_summary(row) for row in tx.rows(_LISTED, at=at, last=last, limit=limit)],
    )


def get_publication(record: Record, call: Call, publication_id: UUID) -> Publication:
    def look(tx: Tx) -> Publication:
        row = tx.row(_ONE, id=publication_id)
        if row is None:
            raise NotVisible
        return _summary(row)

    return read(record, call, look)


def _authorize(tx: Tx) -> None:
    if not is_watcher(tx):
        raise Forbidden("Publishing is the backbone's. Ask it to publish the period.")


def _ground_of(record: Record, call: Call, period: str) -> _Ground:
    """Of a moment at which no event with a lower number than the last one could still come. Sequence numbers commit out
    of order: one that came later would be in no version, and no correction of any (ADR 13).
    """
    for _ in range(_TRIES):
        up_to = horizon(record)
        if up_to is None:
            break
        ground = read_at_once(record, call, partial(_ground, period=period, up_to=up_to))
        if ground is not None:
            return ground
    raise Conflict(
        "Others write without a pause at the moment, and nothing was published. Publish it again.", code="others-write"
    )


def _ground(tx: Tx, period: str, up_to: int) -> _Ground | None:
    """None: somebody wrote after `up_to`."""
    if tx.connection.execute(_LAST_EVENT).scalar_one() > up_to:
        return None
    row = tx.connection.execute(_COLLABORATIVE).one()
    calendars = {each["code"]: each["starts_in"] for each in row.body.get("calendars", ())}
    span = _span(period, calendars)
    _closed(tx, span, row.publication_after_days)
    versions = groupby(tx.rows(_INDICATORS, last=span.ends_on, first=span.starts_on), key=lambda row: row.code)
    indicators = [telling(list(each), span.starts_on) for _, each in versions]
    if not indicators:
        raise Unprocessable("No indicator counted anything in that period yet.", pointer="/period")
    history = tx.rows(_TIED, first=span.starts_on, last=span.ends_on)
    newest = list({each.period: each for each in history}.values())
    public, before = _public(history, calendars), next((each for each in newest if each.period == span.name), None)
    left_out = [told for one in indicators if (told := _left_out(one, span))]
    without = {each.indicator for each in left_out}
    figures = read_figures(tx, (one for one in indicators if one.code not in without), span, public.spans, row.body)
    _sound(figures)
    partners = partners_of(tx)
    left_out += list(regrouped(figures, history, calendars, partners.confidential))
    since = since_version(tx, figures, span, before.up_to, partners) if before else {}
    public = settled(tx, public, history, figures, span, row.publication_threshold, partners)
    return _Ground(
        span=span,
        version=before.version + 1 if before else 1,
        terms=Terms(row.publication_threshold, partners.confidential),
        agenda_version=row.agenda_version,
        up_to=up_to,
        published=tx.connection.execute(_PUBLISHED).scalar_one(),
        figures=figures,
        population=observed(tx, indicators, span),
        left_out=left_out,
        standing=_summary(before) if before else None,
        before=Content.model_validate(before.body) if before else None,
        public=public,
        since=since,
        coverage=PartnerCoverage(confidential=CONFIDENTIAL, **dict(tx.connection.execute(_COVERAGE).one()._mapping)),
    )


class NotAPeriod(Unprocessable):
    """What was asked for is the name of no period."""


def _span(period: str, calendars: dict[str, int]) -> Span:
    try:
        return span_of(period, calendars)
    except NoSuchSpan as no:
        raise NotAPeriod(str(no), pointer="/period") from None


def _closed(tx: Tx, span: Span, after_days: int) -> None:
    today: date = tx.agenda.region().local_date(tx.now)
    if not span.closed(today, after_days):
        raise Conflict(
            f"This period is not closed: it ends on {span.ends_on}, and late work may be recorded for {after_days} days"
            " more. Publish it after that.",
            code="period-open",
        )


def _left_out(indicator: Any, span: Span) -> LeftOut | None:
    """Who counts once is counted by the periods that the rule names: those of a quarter are no sum of months."""
    if indicator.rule["measure"] != "distinct":
        return None
    named = {each if isinstance(each, str) else each["code"] for each in indicator.rule.get("periods", ("month",))}
    if not span.is_quarter:
        wanted = "month" if len(span.months) == 1 else span.name.rpartition(":")[0] or "calendar_year"
        if wanted in named:
            return None
    told = ", ".join(sorted(named))
    reason = f"Who counts once is counted by {told} only: shorter periods do not add up to this one."
    return LeftOut(indicator=indicator.code, name=indicator.name, reason=reason)


def _sound(figures: list[Figures]) -> None:
    """What protects small groups relies on groups that add up to their total: nothing else may be published."""
    broken = sorted(one.row.code for one in figures if not one.adds_up())
    if broken:
        raise Conflict(
            f"The groups of {', '.join(broken)} do not add up to their total. Nothing is published; run: concert"
            " indicators verify",
            code="figures-do-not-add-up",
        )


def _public(history: list[Any], calendars: dict[str, int]) -> Public:
    """Each figure by the last version that tells it: what a later one leaves out stays public."""
    figures: dict[tuple[str, str, Margin], Figure] = {}
    for row in history:
        figures |= {(row.period, *told): figure for told, figure in figures_of(row).items()}
    return Public(tuple(span_of(period, calendars) for period in dict.fromkeys(row.period for row in history)), figures)


def _content(ground: _Ground, progressed: Progressed) -> Content:
    kept = {one.row.code: figures for one in ground.figures if (figures := _kept(ground, one)) is not None}
    anew = [one for one in ground.figures if one.row.code not in kept]
    made = compile_figures(anew, ground.span, ground.public, ground.terms, progressed)
    made += [as_published(one, ground.span, kept[one.row.code]) for one in ground.figures if one.row.code in kept]
    made = sorted([*made, *ground.population], key=lambda one: one.code)
    explanation = Explanation(sentence=FIRST)
    if ground.before is not None and ground.standing is not None:
        thresholds = (ground.standing.threshold, ground.terms.threshold)
        explanation = explain(
            ground.before.indicators, made, ground.version - 1, ground.since, thresholds, ground.terms.confidential
        )
    method = [sentence.replace("{below}", str(ground.terms.threshold - 1)) for sentence in METHOD]
    return Content(
        indicators=made,
        left_out=[each for each in ground.left_out if each.by is None or each.indicator not in kept],
        explanation=explanation,
        coverage=ground.coverage,
        method=method,
    )


def _kept(ground: _Ground, one: Figures) -> list[Figure] | None:
    """Those of the last version, if nothing happened since, and no line of a provider that is confidential now has to
    go. What else was published meanwhile was protected beside them; which cells are hidden might be chosen otherwise
    now, and nobody would know why.
    """
    row, before = one.row, ground.before.indicators if ground.before else []
    was = next((each for each in before if each.code == row.code), None)
    if was is None or ground.standing is None or any(code == row.code for code, _, _ in ground.since):
        return None
    same_definition = was.version == row.version
    same_threshold = (was.threshold, ground.standing.threshold) == (row.threshold, ground.terms.threshold)
    nobodys = {(ORGANIZATION, slug) for slug in ground.terms.confidential}
    theirs = any(margin_of(figure) in nobodys for figure in was.figures)
    return was.figures if same_definition and same_threshold and not theirs else None


def _says_the_same(ground: _Ground, now: Content) -> bool:
    """As the last version: the same figures, under the same threshold."""
    if ground.before is None or ground.standing is None:
        return False
    return (ground.before.indicators, ground.standing.threshold) == (now.indicators, ground.terms.threshold)


def _write(tx: Tx, ground: _Ground, content: Content) -> Publication:
    row: dict[str, Any] = {
        "id": new_id(),
        "collaborative_id": tx.here.collaborative_id,
        "period": ground.span.name,
        "version": ground.version,
        "starts_on": ground.span.starts_on,
        "ends_on": ground.span.ends_on,
        "published_at": tx.now,
        "published_by": tx.here.user_id,
        "threshold": ground.terms.threshold,
        "agenda_version": ground.agenda_version,
        "up_to": ground.up_to,
    }
    tx.connection.execute(_ONE_BY_ONE)
    if tx.connection.execute(_PUBLISHED).scalar_one() != ground.published:
        raise Conflict(
            "Somebody published at the same moment, and what was made is not protected beside it. Publish it again.",
            code="published-meanwhile",
        )
    tx.connection.execute(tables.publication.insert(), row | {"body": content.model_dump(mode="json")})
    tx.audit("publish", "publication", row["id"], ground.version)
    return Publication(**{name: row[name] for name in row if name in Publication.model_fields}, **counts_of(content))


def counts_of(content: Content) -> dict[str, int]:
    figures = [figure for one in content.indicators for figure in one.figures]
    return {
        "figures": len(figures),
        "suppressed": sum(figure.suppressed for figure in figures),
        "changes": len(content.explanation.changes),
    }


def _summary(row: Any) -> Publication:
    return Publication(
        **{name: getattr(row, name) for name in Publication.model_fields if hasattr(row, name)},
        **counts_of(Content.model_validate(row.body)),
    )


_COLLABORATIVE = text(
    """
select c.publication_threshold, c.publication_after_days, c.agenda_version, a.body
  from collaborative c join agenda a on a.collaborative_id = c.id and a.version = c.agenda_version
 where c.id = app.collaborative()
"""
)
_INDICATORS = text(
    """
select id, code, version, name, definition, kind, unit, direction, strategy, rule, baseline, target,
       effective_on, threshold
  from indicator
 where collaborative_id = app.collaborative() and standing = 'in_force' and effective_on <= :last
   and (ends_on is null or ends_on >= :first) and not scorecard
 order by code, effective_on, version
"""
)
_PUBLISHED = text("select count(*) from publication where collaborative_id = app.collaborative()")
_ONE_BY_ONE = text("select pg_advisory_xact_lock(7305016, hashtext(app.collaborative()::text))")
_LAST_EVENT = text("select app.last_event()")
_COVERAGE = text(
    """
select count(*) filter (where o.mode = 'connected') as connected,
       count(*) filter (where o.mode = 'by_phone') as by_phone,
       count(*) filter (where o.mode = 'listed') as listed
  from partnership p join organization o on o.id = p.organization_id
 where p.collaborative_id = app.collaborative() and p.role = 'partner' and app.current(p.starts_on, p.ends_on)
"""
)
_COLUMNS = "id, period, version, starts_on, ends_on, published_at, published_by, threshold, agenda_version, body"
# What overlaps the period, what overlaps that, and so on: a public quarter ties a month's siblings to it.
_TIED = text(
    f"""
with recursive tied as (
    select cast(:first as date) as first, cast(:last as date) as last
    union
    select p.starts_on, p.ends_on from tied t
      join publication p on p.collaborative_id = app.collaborative() and p.starts_on <= t.last and p.ends_on >= t.first)
select {_COLUMNS}, up_to from publication
 where collaborative_id = app.collaborative() and (starts_on, ends_on) in (select first, last from tied)
 order by period, version
"""
)
_LISTED = text(
    f"""
select {_COLUMNS} from publication
 where collaborative_id = app.collaborative()
   and (cast(:at as timestamptz) is null or (published_at, id) < (cast(:at as timestamptz), cast(:last as uuid)))
 order by published_at desc, id desc limit :limit
"""
)
_ONE = text(f"select {_COLUMNS} from publication where id = :id")
