"""The months that a report covers: which were asked for, and when they begin and end in the region."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from services.refusals import Unprocessable
from services.transaction import Tx

LONGEST = 36
"""Months that one report may cover."""


def months_asked(tx: Tx, start: str | None, end: str | None, usual: int = 12) -> tuple[str, str]:
    """Both included; without them this month and those before, `usual` altogether. Raises Unprocessable."""
    last = end or tx.agenda.region().local_date(tx.now).isoformat()[:7]
    first = start or moved(last, 1 - usual)
    if first > last:
        raise Unprocessable("'from' lies after 'to'.", pointer="/from")
    if moved(first, LONGEST) <= last:
        raise Unprocessable(f"Ask for {LONGEST} months at most.", pointer="/from")
    return first, last


def quarter_asked(tx: Tx, start: str | None, end: str | None) -> tuple[str, str]:
    """The months of one whole quarter of the calendar year; without them of the one that runs. Raises Unprocessable."""
    first, last = months_asked(tx, start, end, 1)
    if start is None and end is None:
        first = moved(last, -((int(last[5:]) - 1) % 3))
        last = moved(first, 2)
    if moved(first, 2) != last or int(first[5:]) % 3 != 1:
        raise Unprocessable(
            "Partners are told this by whole quarters of the year, one at a time: who subtracts one answer from another"
            " would read small groups. Ask from January, April, July or October to the second month after it.",
            pointer="/from",
        )
    return first, last


def span(tx: Tx, first: str, last: str) -> dict[str, datetime]:
    """`opens` and `closes`: the moments at which the first month begins and the last is over."""
    zone = ZoneInfo(tx.agenda.zone)
    opens, closes = (date.fromisoformat(f"{month}-01") for month in (first, moved(last, 1)))
    return {"opens": datetime.combine(opens, time(0), zone), "closes": datetime.combine(closes, time(0), zone)}


def moved(month: str, by: int) -> str:
    n = int(month[:4]) * 12 + int(month[5:]) - 1 + by
    return f"{n // 12:04d}-{n % 12 + 1:02d}"
