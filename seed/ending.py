"""What will come of one request, decided beforehand so that the demonstration shows every kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from seed.agenda import Agenda
from seed.ids import chance
from seed.scene import pick, script


@dataclass(frozen=True, slots=True)
class Ending:
    """`kind` is a key of `endings` in story.yaml, or information.

    `reason` and `reason_class` where it declines, fails or is withdrawn; `question` and `answer` where
    something is asked; `hold_reason` and `hold_days` where it waits; `outcome` (need_met, partly_met, unmet)
    and `confirmed_by` (client, source, time) where it completes, also after a re-route.
    """

    kind: str
    reason: str | None = None
    reason_class: str | None = None
    question: str | None = None
    answer: str | None = None
    hold_reason: str | None = None
    hold_days: int | None = None
    outcome: str | None = None
    confirmed_by: str | None = None

    def without_another_door(self) -> Ending:
        """The same no, and the need stays unmet."""
        return replace(self, kind="decline_unmet", outcome=None, confirmed_by=None)


_COMPLETES = frozenset({"complete", "question", "hold", "waitlist", "decline_reroute", "void"})
_REASONS = {
    "decline_reroute": "declines",
    "decline_unmet": "last_words",
    "fail": "failures",
    "withdraw": "withdrawals",
}


def kind_of(seed: int, number: int) -> str:
    """Kinds are dealt like cards: every full deck of requests has each of them."""
    deck = [kind for kind, cards in script()["endings"].items() for _ in range(cards)]
    chance(seed, "endings", number // len(deck)).shuffle(deck)
    return str(deck[number % len(deck)])


def ending(random: Random, agenda: Agenda, kind: str) -> Ending:
    """`kind` is one of `kind_of`, or information: only a telephone number is handed out."""
    end = Ending(kind)
    if kind in _REASONS:
        reason = agenda.reason(pick(random, script()[_REASONS[kind]]))
        end = replace(end, reason=reason.code, reason_class=reason.reason_class)
    if kind == "question":
        asked = random.choice(script()["questions"])
        end = replace(end, question=asked["ask"], answer=asked["answer"])
    if kind == "hold":
        wait = random.choice(script()["holds"])
        end = replace(end, hold_reason=wait["reason"], hold_days=wait["days"])
    if kind in _COMPLETES:
        outcome = pick(random, script()["outcomes"])
        end = replace(end, outcome=outcome, confirmed_by=pick(random, script()["confirmed_by"]))
    return end
