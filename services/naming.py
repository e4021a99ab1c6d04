"""What the groups of a figure are called, in the language of the one who reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import text

from domain.period import CALENDAR_YEAR, MONTH, Grain
from services.transaction import Call, Record, Tx, read


@dataclass(frozen=True, slots=True)
class Names:
    """The reader's language and day, and what each code of a dimension is called; not every code has a name."""

    language: str
    of: dict[str, str] = field(default_factory=dict)
    today: date = date.min
    calendars: Mapping[str, Grain] = field(default_factory=dict)

    def running(self, calendar: str) -> str | None:
        """Its period that is not over yet."""
        known = {MONTH.code: MONTH, CALENDAR_YEAR.code: CALENDAR_YEAR, **self.calendars}
        return known[calendar].holding(self.today) if calendar in known else None


def names_of(record: Record, call: Call, by: str | None) -> Names:
    """Of partners, counties and terms; all other groups are codes that the reader's side knows how to say."""

    def look(tx: Tx) -> Names:
        statement = _NAMES.get(by or "")
        rows = tx.rows(statement, language=tx.here.language) if statement is not None else []
        named = {str(row.code): row.name for row in rows}
        return Names(tx.here.language, named, tx.agenda.region().local_date(tx.now), tx.agenda.calendars)

    return read(record, call, look)


_NAMES = {
    "organization": text("select id as code, name, cast(:language as text) as said from organization"),
    "term": text("select code, coalesce(names ->> :language, name) as name from taxonomy_term"),
    "county": text(
        """
select e.key as code, e.value as name, cast(:language as text) as said
  from collaborative c join agenda a on a.collaborative_id = c.id and a.version = c.agenda_version
 cross join lateral jsonb_each_text(coalesce(a.body -> 'counties', '{}')) e
 where c.id = app.collaborative()
"""
    ),
}
