"""What the demonstration says before and after: in sentences that a board member understands, or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from concert.demo.board import Board, figure
from concert.demo.pace import Pace
from concert.demo.verification import Check, Open, count

_READABLE = 100
"""Columns; longer lines of prose are hard to follow."""


@dataclass(slots=True)
class Report:
    """Everything that is said at the end. `outcomes` of closed referrals, by need_met, partly_met, unmet."""

    referrals: int
    seed: int
    day_seconds: float
    plans: int = 0
    seconds: float = 0.0
    partners: int = 0
    moves: int = 0
    by_own_system: int = 0
    states: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    informed: int = 0
    reminders: int = 0
    escalations: int = 0
    expiries: int = 0
    open: list[Open] = field(default_factory=list)
    indicators: list[dict[str, Any]] = field(default_factory=list)
    stalled: list[dict[str, Any]] = field(default_factory=list)
    verification: list[Check] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return bool(self.verification) and all(check.holds for check in self.verification)

    def take(self, board: Board, referrals: Sequence[Mapping[str, Any]]) -> None:
        """Copy what the board and the sources' own lists say at the end."""
        self.states = dict(Counter(referral["state"] for referral in referrals))
        closed = (r["outcome"] for r in referrals if r["state"] == "completed" and r["outcome"])
        self.outcomes = dict(Counter(closed))
        self.informed = sum(referral["kind"] == "information" for referral in referrals)
        self.indicators, self.stalled = board.indicators, board.stalled

    def as_json(self) -> dict[str, Any]:
        said = asdict(self)
        said["indicators"] = {each["code"]: each["series"] for each in self.indicators}
        return said | {"holds": self.holds}


def opening(console: Console, referrals: int, seed: int, pace: Pace) -> None:
    """The first screen: what is going to happen."""
    console.print(Text("Concert: a region at work, in about a minute", style="bold"))
    console.print()
    width = min(console.width, _READABLE)
    console.print(
        "Real servers start in a temporary directory, and a made-up region with twenty-six organizations moves in."
        f" {referrals} requests for help come in. Caseworkers of each partner answer them over HTTP, each signed in"
        " as themselves: they say yes or no, ask, wait, serve and report. Some let things lie.\n",
        width=width,
    )
    console.print(
        f"A business day lasts {pace.day:g} seconds, so you will see reminders, escalations and expired requests."
        f" At the end everything is checked against the record. Seed {seed}."
        " Ctrl-C stops it and leaves nothing behind.\n",
        width=width,
    )


def closing(console: Console, report: Report) -> None:
    """The summary, then the verification, each line with its mark."""
    width = min(console.width, _READABLE)
    console.print()
    console.print(Text("What happened", style="bold"))
    for sentence in sentences(report):
        console.print(Padding(sentence, (0, 0, 0, 2)), width=width)
    if report.open:
        console.print()
        console.print(Text("Still open, and why", style="bold"))
        console.print(_open(report.open), width=width)
    console.print()
    console.print(Text("What was counted along the way", style="bold"))
    console.print(_indicators(report.indicators))
    console.print()
    console.print(Text("Verification", style="bold"))
    console.print(_checks(report.verification), width=width)
    console.print()
    console.print(_verdict(report))


def sentences(report: Report) -> list[str]:
    """Read them aloud in a meeting."""
    met, partly, unmet = (report.outcomes.get(each, 0) for each in ("need_met", "partly_met", "unmet"))
    back, wrong = report.states.get("withdrawn", 0), report.states.get("entered_in_error", 0)
    said = [
        f"{report.referrals} requests for help came in, and {report.partners} partners worked on them.",
        f"{_were(met + partly + unmet)} closed with a result: {met} met the need, {partly} in part, {unmet} did not.",
        _families(report.plans),
        f"{_were(report.informed)} answered with a telephone number to call." if report.informed else "",
        f"{_were(back)} withdrawn by the one who asked." if back else "",
        f"{_were(wrong)} entered by mistake and taken back; such mistakes count nowhere." if wrong else "",
        f"{_were(report.by_own_system)} answered by a partner's own system." if report.by_own_system else "",
        _deadlines(report),
    ]
    return [sentence for sentence in said if sentence]


def _families(n: int) -> str:
    if not n:
        return ""
    return "One family has a plan of several partners." if n == 1 else f"{n} families have a plan of several partners."


def _deadlines(report: Report) -> str:
    reminders, escalations = count(report.reminders, "reminder"), count(report.escalations, "escalation")
    expired = count(report.expiries, "request")
    return f"Deadlines led to {reminders} and {escalations}; {expired} expired because nobody answered."


def _were(n: int) -> str:
    return f"{n} was" if n == 1 else f"{n} were"


def _open(items: Sequence[Open]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for item in items:
        table.add_row(Text(f"  {item.reference}", style="dim", no_wrap=True), Text(item.why or "Nobody can say."))
    return table


def _indicators(items: Sequence[Mapping[str, Any]]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for item in items:
        table.add_row(Text(f"  {item['name']}"), Text(figure(item), style="bold"))
    return table


def _checks(checks: Sequence[Check]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for check in checks:
        mark = Text("  ✓", style="green") if check.holds else Text("  ✗", style="bold red")
        table.add_row(mark, Text(check.promise), Text(check.detail, style="dim"))
    return table


def _verdict(report: Report) -> Text:
    took = f"{report.seconds:.0f} seconds"
    if report.holds:
        return Text(f"Everything holds. It took {took}.", style="bold green")
    broken = sum(not check.holds for check in report.verification)
    return Text(f"{broken} of {len(report.verification)} promises are broken. It took {took}.", style="bold red")
