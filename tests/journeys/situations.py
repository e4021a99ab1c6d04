"""A month at work, as a table in plain words: what people did, and what the backbone must be told of it. Nothing else.

`code` None: a legitimate wait, or work that is over; it must never be listed. `ball`: who must act. `remedy`: words
of what would free it. `hidden`: behind a wall; the partners concerned see it, the backbone never.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Situation:
    name: str
    did: str
    code: str | None = None
    ball: str = "nobody"
    remedy: str = ""
    kind: str = "task"
    hidden: bool = False


def _stall(
    name: str, did: str, code: str, ball: str, remedy: str, kind: str = "task", hidden: bool = False
) -> Situation:
    return Situation(name, did, code, ball, remedy, kind, hidden)


STALLS = (
    # The clock has passed, and nothing else explains it.
    _stall(
        "unseen", "A request lies in the inbox, and nobody has opened it.", "not_acknowledged", "target", "Acknowledge"
    ),
    _stall(
        "unseen_urgent",
        "An urgent request lies in the inbox, and nobody has opened it.",
        "not_acknowledged",
        "target",
        "Acknowledge",
    ),
    _stall(
        "undecided", "Somebody saw it, took it on, and has not decided.", "not_decided", "target", "Accept or decline"
    ),
    _stall(
        "undecided_alone",
        "The only person there saw it and has not decided.",
        "not_decided",
        "target",
        "Accept or decline",
    ),
    _stall(
        "unanswered",
        "The partner asked; the consent is there; who asked for help has not answered.",
        "waiting_for_answer",
        "source",
        "Answer",
    ),
    _stall(
        "uncalled",
        "Accepted with consent, somebody has it, and nobody has called the family.",
        "no_first_contact",
        "target",
        "contact",
    ),
    _stall(
        "message_left",
        "Accepted, and nothing but a message was left on the answering machine.",
        "no_first_contact",
        "target",
        "contact",
    ),
    _stall("silence", "The service began, and nothing was heard since.", "no_sign_of_life", "target", "Note"),
    _stall(
        "waitlist_forgotten",
        "The family waits for a place, and nobody has confirmed it since.",
        "waitlist_not_reconfirmed",
        "target",
        "Reconfirm",
    ),
    _stall(
        "hold_forgotten", "The work was put on hold until a day that has passed.", "hold_past_date", "target", "Resume"
    ),
    _stall(
        "phone_not_called",
        "The partner has only a telephone, and the recorder has not called.",
        "not_acknowledged",
        "source",
        "Acknowledge",
    ),
    _stall(
        "family_declined",
        "The family said no there; who asked has not chosen what comes next.",
        "source_has_not_chosen",
        "source",
        "Re-route",
        "referral",
    ),
    _stall(
        "gave_up",
        "The partner failed; who asked has not chosen what comes next.",
        "source_has_not_chosen",
        "source",
        "Re-route",
        "referral",
    ),
    _stall(
        "expired",
        "Nobody ever answered, the request expired, and who asked has not chosen.",
        "source_has_not_chosen",
        "source",
        "Re-route",
        "referral",
    ),
    _stall(
        "plan_late",
        "The day by which the plan was to be done has passed.",
        "plan_past_date",
        "lead",
        "Move the open steps",
        "action_plan",
    ),
    _stall(
        "review_forgotten",
        "The day of the review has passed.",
        "review_due",
        "lead",
        "Record the review",
        "action_plan",
    ),
    _stall(
        "goals_open",
        "All steps are done, and nobody says what came of the goals.",
        "goals_without_outcome",
        "lead",
        "outcome for each goal",
        "action_plan",
    ),
    # There is a reason behind the clock.
    _stall(
        "nobody_has_it",
        "Seen by somebody, and nobody of several people has taken it on.",
        "nobody_assigned",
        "target",
        "Assign",
    ),
    _stall(
        "nobody_serves",
        "The service began, and nobody of several people is assigned.",
        "nobody_assigned",
        "target",
        "Assign",
    ),
    _stall(
        "away_alone",
        "Whoever has it is away until next month, and nobody stands in.",
        "owner_absent",
        "target",
        "stands in",
    ),
    _stall(
        "unreadable_answer",
        "The partner asked, and no consent lets it read the answer.",
        "consent_missing",
        "source",
        "consent",
    ),
    _stall(
        "no_record",
        "Accepted without a consent: the partner knows neither name nor number.",
        "consent_missing",
        "source",
        "consent",
    ),
    _stall(
        "declined_full",
        "Declined for lack of room; who asked has not chosen what comes next.",
        "no_capacity",
        "source",
        "Re-route",
        "referral",
    ),
    _stall(
        "nobody_left",
        "Declined by the only one who offers it: nobody is left who could be asked.",
        "no_capacity",
        "source",
        "unmet",
        "referral",
    ),
    _stall(
        "step_for_nobody",
        "A step of a plan for which the directory has nobody.",
        "no_capacity",
        "lead",
        "plan",
        "referral",
    ),
    # What needs no clock.
    _stall("left_the_agency", "Whoever has it does not work there any more.", "owner_gone", "target", "Assign"),
    _stall("login_revoked", "The login of whoever has it was revoked.", "owner_gone", "target", "Assign"),
    _stall(
        "asker_left", "The partner asked a question; whoever would answer has left.", "owner_gone", "source", "Assign"
    ),
    _stall(
        "chooser_left",
        "It was declined, and whoever would choose what comes next has left.",
        "owner_gone",
        "source",
        "Assign",
        "referral",
    ),
    _stall("leader_left", "Whoever led the plan has left.", "owner_gone", "lead", "Assign", "action_plan"),
    _stall(
        "takes_nobody",
        "The provider says that it takes nobody for now, and the request lies there.",
        "no_capacity",
        "source",
        "another provider",
    ),
    _stall(
        "no_slots",
        "The provider has stated no open slot, and the request lies there.",
        "no_capacity",
        "source",
        "another provider",
    ),
    _stall(
        "consent_revoked",
        "The family took its consent back while the partner works.",
        "consent_ended",
        "source",
        "consent",
    ),
    _stall("consent_ran_out", "The consent ran out while the partner works.", "consent_ended", "source", "consent"),
    _stall(
        "engine_fails", "The workflow of a request fails.", "engine_fault", "backbone", "concert engine", "referral"
    ),
    _stall(
        "engine_fails_plan",
        "The workflow of a plan fails.",
        "engine_fault",
        "backbone",
        "concert engine",
        "action_plan",
    ),
    # A plan: the root cause is named, not only the symptom.
    _stall("first_step_unseen", "The first step of a plan lies unseen.", "not_acknowledged", "target", "Acknowledge"),
    _stall(
        "second_step_waits", "The step after it cannot begin.", "predecessor_stalled", "target", "Acknowledge", "step"
    ),
    _stall(
        "third_step_waits",
        "The step after that cannot begin either.",
        "predecessor_stalled",
        "target",
        "Acknowledge",
        "step",
    ),
    _stall("step_owner_left", "Whoever had the first step has left.", "owner_gone", "target", "Assign"),
    _stall(
        "step_behind_owner",
        "The step after it waits for somebody who is not there.",
        "predecessor_stalled",
        "target",
        "Assign",
        "step",
    ),
    # Behind the wall: the partners see it, the backbone does not learn of it.
    _stall(
        "shelter_unseen",
        "A request to a victim-service provider lies unseen.",
        "not_acknowledged",
        "target",
        "Acknowledge",
        hidden=True,
    ),
)

WAITS = tuple(
    Situation(name, did)
    for name, did in (
        ("in_time", "Asked this morning; the partner has until its limit."),
        ("closed_at_night", "Asked outside the office's hours: business days, weekends and holidays are not counted."),
        ("held", "On hold until a day to come, with a reason."),
        ("place_confirmed", "On a waitlist, and the place was confirmed."),
        ("closed_today", "Past its limit, and the provider turned out to be closed today."),
        ("excepted", "Past its limit, and the backbone lets it rest until a day, with a reason."),
        ("plan_excepted", "A plan past its date that the backbone lets rest."),
        ("question_in_time", "The partner asked, and who must answer has time left."),
        ("choosing_in_time", "Declined, and who asked has time left to choose."),
        ("phone_in_time", "A partner with a telephone only; the recorder has time left to call."),
        ("away_with_delegate", "Whoever has it is away, somebody stands in, and there is time left."),
        ("away_in_time", "Whoever has it is away, nobody stands in, and there is time left."),
        ("unassigned_in_time", "Accepted, nobody assigned yet, and there is time left."),
        ("without_consent_in_time", "Accepted without a consent, and there is time left to get one."),
        ("told", "A phone number was handed out."),
        ("room_again", "The provider's word that it takes nobody has lapsed."),
        ("taken_over", "Whoever had it has left, and a colleague has it now."),
        ("life_again", "Long silence, and then a note."),
        ("family_gone", "The family no longer wants it, and who asked has closed it."),
        ("done", "Served and confirmed."),
        ("time_closes", "Served; nobody confirms; time closes it as unconfirmed."),
        ("consent_over_work_over", "The consent was taken back after the work was done."),
        ("step_after_one_in_time", "A step waits for one that is in time."),
        ("follow_up_later", "A follow-up that opens in thirty days."),
    )
)

MONTH = STALLS + WAITS
