"""The partners' scorecards as tables: one row a figure and period, the collaborative's median beside it."""

from collections.abc import Iterator

from api.exports import Cell, csv_table, xlsx_book
from services.partner_shapes import Median, PartnerFigure, Partners, PartnerScorecard, Told, Trend

COLUMNS = (
    "partner", "organization_id", "period", "indicator", "name", "unit", "value", "p90", "cases", "met", "missed",
    "not_yet_due", "waiting", "few", "held_back", "shown_from", "withheld", "median", "median_p90", "median_partners",
    "note",
)  # fmt: skip
LOAD = ("partner", "organization_id", "open", "undecided", "serving", "past_limit", "oldest_days", "median_days")
DECLINES = ("partner", "organization_id", "service", "service_id", "declined")
Row = tuple[Cell, ...]


def csv_of(found: Partners) -> bytes:
    """The figures; then, as further figures of today and of single services, what stands open and was declined."""
    return csv_table((*COLUMNS, "service"), _everything(found))


def xlsx_of(found: Partners) -> bytes:
    sheets = [
        ("Figures", COLUMNS, _figures(found)),
        ("Open now", LOAD, _loads(found)),
        ("No capacity", DECLINES, _declines(found)),
    ]
    return xlsx_book(sheets, _notes(found))


def _everything(found: Partners) -> Iterator[Row]:
    for row in _figures(found):
        yield (*row, "")
    beyond = [""] * (len(COLUMNS) - 7)
    for name, organization, *counts in _loads(found):
        for code, value in zip(LOAD[2:], counts, strict=True):
            unit = "business_days" if code.endswith("days") else "tasks"
            yield (name, organization, "now", f"load_{code}", "", unit, value, *beyond, "")
    for name, organization, service, _, declined in _declines(found):
        code = "no_capacity_by_service"
        yield (name, organization, found.range.period, code, "", "tasks", declined, *beyond, service)


def _figures(found: Partners) -> Iterator[Row]:
    """The range first, then its months."""
    meanings = {one.code: one for one in found.meanings}
    medians = {one.code: one for one in found.collaborative}
    for partner in found.partners:
        if not partner.scorecard:
            yield (partner.name, str(partner.organization_id), *[""] * (len(COLUMNS) - 3), partner.note)
        for figure in partner.figures:
            says, beside = meanings[figure.code], medians[figure.code]
            named = (figure.code, says.name, says.unit)
            counts = (figure.met, figure.missed, figure.not_yet_due, figure.waiting)
            whole = (*_of(partner, found.range), *named, *_values(figure, counts, found.range))
            yield (*whole, *_beside(beside), partner.note)
            for told, at, median in zip(found.months, figure.trend, beside.trend, strict=True):
                months = (*_of(partner, told), *named, *_values(at, (None,) * 4, told))
                yield (*months, _number(median.value), _number(median.p90), None, partner.note)


def _of(partner: PartnerScorecard, told: Told) -> Row:
    return (partner.name, str(partner.organization_id), told.period)


def _values(one: PartnerFigure | Trend, counts: Row, told: Told) -> Row:
    shown_from = told.shown_from.isoformat() if told.shown_from else ""
    flags = (_word(one.few), _word(one.held_back), shown_from, told.withheld or "")
    return (_number(one.value), _number(one.p90), one.cases, *counts, *flags)


def _beside(one: Median) -> Row:
    return (_number(one.value), _number(one.p90), one.partners or None)


def _number(value: float | None) -> Cell:
    """A count as people write it: 4, not 4.0."""
    return int(value) if value is not None and value.is_integer() else value


def _word(flag: bool) -> str:
    return "yes" if flag else "no"


def _loads(found: Partners) -> Iterator[Row]:
    for partner in found.partners:
        if (load := partner.load) is not None:
            counts = (
                load.open,
                load.undecided,
                load.serving,
                load.past_limit,
                load.oldest_days,
                _number(load.median_days),
            )
            yield (partner.name, str(partner.organization_id), *counts)


def _declines(found: Partners) -> Iterator[Row]:
    for one in found.no_capacity_by_service:
        yield (one.organization, str(one.organization_id), one.service, str(one.service_id or ""), one.declined)


def _notes(found: Partners) -> Iterator[str]:
    yield f"Months {found.start} to {found.end}. Partners stand by name; nobody is ranked."
    yield f"A rate or a time from fewer than {found.least_cases} cases is held back from others, and flagged as few."
    yield f"A median is that of at least {found.least_partners} partners with enough cases, of open work alone."
    if not found.range.shown:
        later = f"from {found.range.shown_from}" if found.range.shown_from else "never: everybody was learning then"
        yield f"To others than the partner itself these months are told {later}."
    for partner in found.partners:
        if partner.note:
            yield f"{partner.name}: {partner.note}"
    for one in found.meanings:
        yield f"{one.code}: {one.definition}"
