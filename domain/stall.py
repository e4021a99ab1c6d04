"""Why work stands still, in words: computed from the running clock, never typed in."""

from __future__ import annotations

from dataclasses import dataclass

from domain.clock import Clock
from domain.ladder import DEFAULT, Ladder, Rung


@dataclass(frozen=True, slots=True)
class Stall:
    """`sentence` says why, with `{who}` for the organization whose turn it is; `remedy` what would free it."""

    code: str
    sentence: str
    remedy: str


STALLS: dict[Clock, Stall] = {
    Clock.ACKNOWLEDGE: Stall(
        "not_acknowledged",
        "{who} has not said that it saw the request.",
        "Acknowledge, accept or decline it, or ask what is missing.",
    ),
    Clock.DECIDE: Stall(
        "not_decided",
        "{who} has seen the request and has not decided.",
        "Accept or decline it, or ask what is missing.",
    ),
    Clock.ANSWER: Stall(
        "waiting_for_answer",
        "{who} was asked a question about the request and has not answered.",
        "Answer it, or withdraw the referral.",
    ),
    Clock.FIRST_CONTACT: Stall(
        "no_first_contact",
        "{who} accepted, and nobody has reached the client yet.",
        "Record the contact, or say with 'fail' why it cannot be made.",
    ),
    Clock.RECONFIRM: Stall(
        "waitlist_not_reconfirmed",
        "{who} has not confirmed that the client still waits for a place.",
        "Reconfirm the place, start, or say with 'fail' why not.",
    ),
    Clock.SIGN_OF_LIFE: Stall(
        "no_sign_of_life",
        "{who} is serving the client, and nothing was heard of it within its limit.",
        "Note how it stands, hold it until a date, or complete it.",
    ),
    Clock.RESUME: Stall(
        "hold_past_date",
        "The hold has passed its date, and {who} has not resumed.",
        "Resume it, or say with 'fail' or 'cancel' why not.",
    ),
    Clock.CONFIRM: Stall(
        "not_confirmed",
        "The service was reported as given, and {who} has not confirmed what came of it.",
        "Confirm the outcome; otherwise time closes it as unconfirmed.",
    ),
    Clock.AWAITING_SOURCE: Stall(
        "source_has_not_chosen",
        "The request ended without service, and {who} has not chosen what comes next.",
        "Re-route it, withdraw it, or close it as unmet.",
    ),
    Clock.PLAN: Stall(
        "plan_past_date",
        "The plan has passed the date by which it was to be done; {who} leads it.",
        "Move the open steps, change the plan, or close it with an outcome for each goal.",
    ),
    Clock.REVIEW: Stall(
        "review_due",
        "{who} has not looked at the goals of the plan on the day that was agreed.",
        "Record the review, with what came of the goals so far.",
    ),
    Clock.GOALS: Stall(
        "goals_without_outcome",
        "All steps are done, and {who} has not said what came of the goals.",
        "Close the plan with an outcome for each goal.",
    ),
}


def level(rung: int, ladder: Ladder = DEFAULT) -> Rung:
    """How far it has climbed: whom the last rung reached. Nobody was told yet counts as the owner."""
    return ladder.reached(rung)
