"""Why work stands still, in words: computed from the running clock and the record, never typed in.

The clock that has passed is the symptom. Where the record knows what lies behind it, that is the cause: it says whose
turn it is and what would free the work, and some causes hold before any clock has passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.clock import SOURCE_CLOCKS, Clock


class Turn(StrEnum):
    """Who must act: whoever the clock runs for, or somebody else whom the cause names."""

    HOLDER = "holder"
    SOURCE = "source"
    BACKBONE = "backbone"
    ROOT = "root"


@dataclass(frozen=True, slots=True)
class Stall:
    """`sentence` says why, with `{who}` for the organization that the clock runs for; `remedy` what would free it.

    `moves`: the verbs that would, whoever may make them. `of_step`: the remedy of a plan's step, where it is another:
    who is asked for it is chosen on the plan, never on its request (409 `step-of-a-plan`); `{step}` names it.
    """

    code: str
    sentence: str
    remedy: str
    moves: frozenset[str] = frozenset()
    of_step: str = ""


@dataclass(frozen=True, slots=True)
class Behind(Stall):
    """`at_once`: a stall as soon as it holds; the others explain a clock that has passed.

    In its words `{who}` is as above, `{target}` who was asked, `{step}` and `{root}` what a waiting step waits for
    and who has that.
    """

    turn: Turn = Turn.HOLDER
    at_once: bool = False


class Cause(StrEnum):
    """What lies behind, the weightiest first: where several hold, the first is named.

    Several may share a code: there is no room, or nobody who could be asked; the owner has left, or everybody.
    """

    ENGINE_FAULT = "engine_fault"
    NO_ROOM = "no_room"
    NOBODY_THERE = "nobody_there"
    NOBODY_AT_SOURCE = "nobody_at_source"
    OWNER_GONE = "owner_gone"
    CONSENT_ENDED = "consent_ended"
    NO_RECORD = "no_record"
    UNREADABLE = "unreadable"
    DECLINED_FULL = "declined_full"
    NOBODY_LEFT = "nobody_left"
    OWNER_ABSENT = "owner_absent"
    NOBODY_ASSIGNED = "nobody_assigned"
    PREDECESSOR = "predecessor"


def _moves(verbs: str) -> frozenset[str]:
    """Entered in error ends every stall."""
    return frozenset({*verbs.split(), "void"})


_ANOTHER = "reassign skip drop"
"""What withdrawing and re-routing are of a plan's step."""
_PROPOSED = "propose-reroute"
"""The backbone's word where another provider would do: its source decides."""


CAUSES: dict[Cause, Behind] = {
    Cause.ENGINE_FAULT: Behind(
        "engine_fault",
        "The engine does not drive it: its workflow fails or is missing.",
        "See `concert engine`, which names the trouble and what to do about it.",
        turn=Turn.BACKBONE,
        at_once=True,
    ),
    Cause.NO_ROOM: Behind(
        "no_capacity",
        "{target} has said that it has no room now.",
        "Ask another provider: cancel it there and re-route it, or withdraw it.",
        _moves(f"accept decline cancel withdraw {_ANOTHER} {_PROPOSED}"),
        "Ask another provider: re-assign {step} on its plan, or drop it.",
        turn=Turn.SOURCE,
        at_once=True,
    ),
    Cause.NOBODY_THERE: Behind(
        "owner_gone",
        "Nobody at {who} can sign in any more.",
        "Nobody there can assign it: take it back ('withdraw'), or cancel it there and ask another service.",
        _moves(f"cancel withdraw {_ANOTHER} {_PROPOSED}"),
        "Nobody there can assign it: re-assign {step} to another provider on its plan, or drop it.",
        turn=Turn.SOURCE,
        at_once=True,
    ),
    Cause.NOBODY_AT_SOURCE: Behind(
        "owner_gone",
        "Nobody at {who} can sign in any more.",
        "Nobody can move it: find out who takes over what {who} did, and let somebody of theirs sign in there; where"
        " its partnership has ended, it has to be renewed first.",
        turn=Turn.BACKBONE,
        at_once=True,
    ),
    Cause.OWNER_GONE: Behind(
        "owner_gone",
        "Whoever it is assigned to at {who} does not work there any more.",
        "Assign it to somebody who does.",
        _moves("assign"),
        at_once=True,
    ),
    Cause.CONSENT_ENDED: Behind(
        "consent_ended",
        "The consent by which {target} knows the client was taken back or has run out.",
        "Ask the client for a new consent that names {target}, and give it with 'consent' to the referral, or to the"
        " plan of a step; or end the work.",
        _moves("consent complete fail cancel"),
        turn=Turn.SOURCE,
        at_once=True,
    ),
    Cause.NO_RECORD: Behind(
        "consent_missing",
        "No consent lets {target} know who the client is.",
        "Ask the client for a consent that names {target}, and give it with 'consent' to the referral, or to the"
        " plan of a step; or end the work.",
        _moves("consent contact fail cancel"),
        turn=Turn.SOURCE,
    ),
    Cause.UNREADABLE: Behind(
        "consent_missing",
        "No consent lets {target} read the answer.",
        "Ask the client for a consent that names {target}, and answer with it.",
        _moves("consent answer cancel"),
        turn=Turn.SOURCE,
    ),
    Cause.DECLINED_FULL: Behind(
        "no_capacity",
        "Whoever was asked has no room.",
        "Re-route it to another provider, withdraw it, or close it as unmet.",
        _moves(f"withdraw reroute close-unmet {_ANOTHER} {_PROPOSED}"),
        "Re-assign {step} to another provider on its plan, drop it, or close its request as unmet.",
    ),
    Cause.NOBODY_LEFT: Behind(
        "no_capacity",
        "Nobody is left who could be asked.",
        "Close it as unmet, which counts the need.",
        _moves(f"withdraw reroute close-unmet {_ANOTHER}"),
        "Close its request as unmet, which counts the need; or re-assign {step} on its plan, or drop it.",
    ),
    Cause.OWNER_ABSENT: Behind(
        "owner_absent",
        "Whoever it is assigned to at {who} is away, and nobody stands in.",
        "Assign it to somebody who is there, or say who stands in.",
        _moves("assign"),
    ),
    Cause.NOBODY_ASSIGNED: Behind(
        "nobody_assigned",
        "Nobody at {who} is assigned to it.",
        "Assign it to somebody.",
        _moves("assign"),
    ),
    Cause.PREDECESSOR: Behind(
        "predecessor_stalled",
        "It cannot begin before {step} at {root} is done.",
        "",
        _moves("move skip drop"),
        turn=Turn.ROOT,
    ),
}
AT_ONCE = tuple(cause for cause in Cause if CAUSES[cause].at_once)


STALLS: dict[Clock, Stall] = {
    Clock.ACKNOWLEDGE: Stall(
        "not_acknowledged",
        "{who} has not said that it saw the request.",
        "Acknowledge, accept or decline it, or ask what is missing.",
        _moves(f"acknowledge accept decline request-info cancel {_PROPOSED}"),
    ),
    Clock.DECIDE: Stall(
        "not_decided",
        "{who} has seen the request and has not decided.",
        "Accept or decline it, or ask what is missing.",
        _moves(f"accept decline request-info cancel {_PROPOSED}"),
    ),
    Clock.ANSWER: Stall(
        "waiting_for_answer",
        "{who} was asked a question about the request and has not answered.",
        "Answer it, or withdraw the referral.",
        _moves(f"answer cancel withdraw {_ANOTHER}"),
        "Answer it; or re-assign {step} on its plan, or drop it.",
    ),
    Clock.FIRST_CONTACT: Stall(
        "no_first_contact",
        "{who} accepted, and nobody has reached the client yet.",
        "Record the contact, or say with 'fail' why it cannot be made.",
        _moves("contact start hold waitlist complete fail cancel"),
    ),
    Clock.RECONFIRM: Stall(
        "waitlist_not_reconfirmed",
        "{who} has not confirmed that the client still waits for a place.",
        "Reconfirm the place, start, or say with 'fail' why not.",
        _moves("reconfirm start fail cancel"),
    ),
    Clock.SIGN_OF_LIFE: Stall(
        "no_sign_of_life",
        "{who} is serving the client, and nothing was heard of it within its limit.",
        "Note how it stands, hold it until a date, or complete it.",
        _moves("contact note start hold complete fail cancel"),
    ),
    Clock.RESUME: Stall(
        "hold_past_date",
        "The hold has passed its date, and {who} has not resumed.",
        "Resume it, or say with 'fail' or 'cancel' why not.",
        _moves("resume complete fail cancel"),
    ),
    Clock.CONFIRM: Stall(
        "not_confirmed",
        "The service was reported as given, and {who} has not confirmed what came of it.",
        "Confirm the outcome; otherwise time closes it as unconfirmed.",
        _moves("confirm"),
    ),
    Clock.AWAITING_SOURCE: Stall(
        "source_has_not_chosen",
        "The request ended without service, and {who} has not chosen what comes next.",
        "Re-route it, withdraw it, or close it as unmet.",
        _moves(f"withdraw reroute close-unmet {_ANOTHER} {_PROPOSED}"),
        "Re-assign {step} on its plan, drop it, or close its request as unmet.",
    ),
    Clock.PLAN: Stall(
        "plan_past_date",
        "The plan has passed the date by which it was to be done; {who} leads it.",
        "Move the open steps, change the plan, or close it with an outcome for each goal.",
        _moves("add-step switch close"),
    ),
    Clock.REVIEW: Stall(
        "review_due",
        "{who} has not looked at the goals of the plan on the day that was agreed.",
        "Record the review, with what came of the goals so far.",
        _moves("review close"),
    ),
    Clock.GOALS: Stall(
        "goals_without_outcome",
        "All steps are done, and {who} has not said what came of the goals.",
        "Close the plan with an outcome for each goal.",
        _moves("close"),
    ),
}


def explain(
    clock: Clock | None, cause: Cause | None, names: dict[str, str], *, step: bool = False, absent: bool = False
) -> tuple[str, str, str]:
    """(code, sentence, remedy): the symptom, then the cause; what frees it is what frees the cause.

    One of the two must be there; `names` are those of organizations and of a step, never of a person. `step`: it is one
    of a plan. `absent`: `{who}` moves it for `{target}`, who is the one that has not answered.
    """
    sentences, last = [], None
    if clock:
        last = STALLS[clock]
        asked = names["target"] if absent and clock not in SOURCE_CLOCKS else names["who"]
        sentences.append(last.sentence.format(**names | {"who": asked}))
    if cause:
        last = CAUSES[cause]
        sentences.append(last.sentence.format(**names))
    assert last is not None
    remedy = (last.of_step if step else "") or last.remedy
    return last.code, " ".join(sentences), remedy.format(**names)


def frees(clock: Clock | None, cause: Cause | None, verb: str) -> bool:
    return (clock is not None and verb in STALLS[clock].moves) or (cause is not None and verb in CAUSES[cause].moves)
