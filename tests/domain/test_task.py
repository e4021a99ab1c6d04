"""Who may do what with a task, and what a move asks for: situations in plain words."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from domain.clock import Clock, Limits, Priority
from domain.moves import Details, born, move, overdue
from domain.reason import ReasonClass
from domain.refusal import NotPossible
from domain.task import ContactResult, Side, State, Task, Verb, allowed
from tests.domain.agreement import COMPRESSED, MONDAY, UNDECIDED, moment

DAY = timedelta(days=1)
REACHED = Details(contact=ContactResult.REACHED)
NO_ANSWER = Details(contact=ContactResult.NO_ANSWER)
NOT_REACHED = Details(reason="no_answer", reason_class=ReasonClass.NOT_REACHED)
ELIGIBILITY = Details(reason="over_income", reason_class=ReasonClass.INELIGIBLE, outcome="need_met")


def after(*verbs: str, start: datetime = MONDAY) -> Task:
    """A task on which these verbs were used, an hour apart."""
    task = born("task", moment(start))
    for hours, verb in enumerate(verbs, 1):
        now = start + timedelta(hours=hours)
        details = {"hold": Details(reason="away", resume_at=now + 30 * DAY), "contact": REACHED}.get(verb)
        task, _ = move(task, Verb(verb), moment(now), details or ELIGIBILITY)
    return task


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("America/Denver"))


# fmt: off
WHO_MAY = [
    ("the target, asked", "target", "requested",
     "acknowledge accept decline request-info cancel note assign"),
    ("the target, having acknowledged", "target", "acknowledged",
     "accept decline request-info cancel note assign"),
    ("the target, waiting for an answer", "target", "info_requested", "decline cancel note assign"),
    ("the target, having accepted", "target", "accepted",
     "start hold waitlist complete fail cancel contact note assign"),
    ("the target, with the client on its list", "target", "waitlisted",
     "start fail cancel reconfirm contact note assign"),
    ("the target, at work", "target", "in_progress", "hold complete fail cancel contact note assign"),
    ("the target, holding", "target", "on_hold", "resume complete fail cancel contact note assign"),
    ("the source, having asked", "source", "requested", "cancel void note"),
    ("the source, seen", "source", "acknowledged", "cancel void note"),
    ("the source, asked for more", "source", "info_requested", "answer cancel void note"),
    ("the source, while others work", "source", "in_progress", "cancel void note"),
    ("the source, while the client waits", "source", "waitlisted", "cancel void note"),
    ("the source, after the work", "source", "completed", "void"),
    ("the source, after a no", "source", "declined", "void"),
    ("the source, after silence", "source", "expired", "void"),
    ("the source, after its own slip", "source", "entered_in_error", ""),
    ("the target, after the work", "target", "completed", "correct"),
    ("the target, after silence", "target", "expired", ""),
    ("the target, after its own no", "target", "declined", ""),
    ("time, before a decision", "engine", "requested", "expire"),
    ("time, before a decision on what was seen", "engine", "acknowledged", "expire"),
    ("time, before an answer", "engine", "info_requested", "expire"),
    ("time never touches work that was accepted", "engine", "accepted", ""),
    ("time never ends a wait", "engine", "waitlisted", ""),
    ("time never resumes: only people do", "engine", "on_hold", ""),
    ("time never completes", "engine", "in_progress", ""),
    ("one who refers to itself", "source target", "info_requested", "answer decline cancel void note assign"),
    ("nobody", "", "requested", ""),
]
# fmt: on


@pytest.mark.parametrize(("situation", "sides", "state", "verbs"), WHO_MAY)
def test_who_may_do_what(situation: str, sides: str, state: str, verbs: str) -> None:
    told = allowed(State(state), frozenset(Side(side) for side in sides.split()))
    assert sorted(verb.value for verb in told) == sorted(verbs.split()), situation


def test_only_time_lets_a_task_expire() -> None:
    people = frozenset({Side.SOURCE, Side.TARGET})
    assert not any(Verb.EXPIRE in allowed(state, people) for state in State)


def test_the_ball_is_with_the_target_but_for_the_sources_answer() -> None:
    assert after().ball is Side.TARGET
    assert after("request-info").ball is Side.SOURCE
    assert after("request-info", "answer").ball is Side.TARGET
    assert after("accept", "complete").ball is None


# fmt: off
DUE = [
    ("asked on Monday", "routine", [], "2026-07-14T09:00", "2026-07-31T09:00"),
    ("asked urgently on Monday", "urgent", [], "2026-07-13T14:00", "2026-07-15T09:00"),
    ("seen at ten", "routine", ["acknowledge"], "2026-07-15T10:00", "2026-07-31T09:00"),
    ("urgent, seen at ten", "urgent", ["acknowledge"], "2026-07-14T10:00", "2026-07-15T09:00"),
    ("accepted at ten", "routine", ["accept"], "2026-07-20T10:00", None),
    ("accepted at ten, reached at eleven", "routine", ["accept", "contact"], "2026-08-12T11:00", None),
    ("accepted at ten, on the list at eleven", "routine", ["accept", "waitlist"], "2026-08-12T11:00", None),
    ("started at eleven", "routine", ["accept", "start"], "2026-08-12T11:00", None),
    ("held at eleven until a date", "routine", ["accept", "hold"], "2026-08-12T11:00", None),
    ("ended", "routine", ["decline"], None, None),
]
# fmt: on


@pytest.mark.parametrize(("situation", "priority", "verbs", "due", "hard"), DUE)
def test_what_is_due_when(situation: str, priority: str, verbs: list[str], due: str | None, hard: str | None) -> None:
    task = born("task", moment(MONDAY, priority=priority))
    for hours, verb in enumerate(verbs, 1):
        now = MONDAY + timedelta(hours=hours)
        details = Details(
            resume_at=now + 30 * DAY, contact=ContactResult.REACHED, reason="away", reason_class=ReasonClass.CLIENT
        )
        task, _ = move(task, Verb(verb), moment(now, priority=priority), details)
    assert task.due_at == (local(due) if due else None), situation
    assert task.hard_at == (local(hard) if hard else None), situation


def test_asking_stops_the_targets_clocks_and_the_answer_starts_them_where_they_stopped() -> None:
    seen, _ = move(after(), Verb.ACKNOWLEDGE, moment(local("2026-07-13T10:00")))  # decide by Wednesday 10:00
    asked, _ = move(seen, Verb.REQUEST_INFO, moment(local("2026-07-14T10:00")))  # 8 hours of it left
    assert (asked.due_at, asked.clock) == (local("2026-07-16T10:00"), "answer")
    answered, _ = move(asked, Verb.ANSWER, moment(local("2026-07-20T15:00")))
    assert (answered.due_at, answered.clock) == (local("2026-07-21T15:00"), "decide")
    assert answered.hard_at == local("2026-08-06T14:00")  # 36 open hours after Friday 07-31 09:00


def test_what_was_asked_before_it_was_acknowledged_gives_a_whole_decide_clock_after_the_answer() -> None:
    asked, _ = move(after(), Verb.REQUEST_INFO, moment(local("2026-07-13T10:00")))
    answered, _ = move(asked, Verb.ANSWER, moment(local("2026-07-14T10:00")))
    assert answered.due_at == local("2026-07-16T10:00")


def test_limits_of_seconds_stop_and_go_on_in_the_middle_of_the_night() -> None:
    night = local("2026-07-12T02:00")
    times = [night + timedelta(seconds=s) for s in (0, 10, 30, 500)]
    born_at, seen_at, asked_at, answered_at = (moment(now, limits=COMPRESSED) for now in times)
    task = born("task", born_at)
    task, _ = move(task, Verb.ACKNOWLEDGE, seen_at)
    task, _ = move(task, Verb.REQUEST_INFO, asked_at)
    assert (task.decide_left, task.hard_left) == (40, 390)
    task, _ = move(task, Verb.ANSWER, answered_at)
    assert (task.due_at, task.hard_at) == (
        times[3] + timedelta(seconds=40),
        times[3] + timedelta(seconds=390),
    )


# fmt: off
ATTEMPTS = [
    ("nobody tried", [], False),
    ("three tries on one day", ["2026-07-14T09:00", "2026-07-14T11:00", "2026-07-14T16:00"], False),
    ("tries on two days", ["2026-07-14T09:00", "2026-07-15T11:00", "2026-07-15T16:00"], False),
    ("tries on three days", ["2026-07-14T09:00", "2026-07-15T11:00", "2026-07-16T16:00"], True),
    ("three days by the clock in Greenwich, two at the place",
     ["2026-07-14T09:00", "2026-07-14T20:00", "2026-07-15T20:00"], False),
]
# fmt: on


@pytest.mark.parametrize(("situation", "tries", "possible"), ATTEMPTS)
def test_not_reached_needs_three_attempts_on_different_days(situation: str, tries: list[str], possible: bool) -> None:
    task = after("accept")
    for attempt in tries:
        task, _ = move(task, Verb.CONTACT, moment(local(attempt).astimezone(UTC)), NO_ANSWER)
    at = moment(local("2026-07-17T09:00"))
    if possible:
        failed, happened = move(task, Verb.FAIL, at, NOT_REACHED)
        assert (failed.state, happened.facts["reason_class"]) == ("failed", "not_reached")
    else:
        with pytest.raises(NotPossible) as refused:
            move(task, Verb.FAIL, at, NOT_REACHED)
        assert refused.value.code == "attempts"


def test_reaching_the_client_is_no_failed_attempt() -> None:
    assert after("accept", "contact").attempts == ()


def test_any_other_reason_needs_no_attempts() -> None:
    assert after("accept", "fail").state is State.FAILED


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb in ("acknowledge", "accept", "decline", "note")])
def test_nothing_happened_in_the_future(verb: Verb) -> None:
    with pytest.raises(NotPossible) as refused:
        move(after(), verb, moment(MONDAY, MONDAY + timedelta(seconds=1)), ELIGIBILITY)
    assert refused.value.code == "future"


@pytest.mark.parametrize("resume_at", [None, MONDAY, MONDAY + timedelta(hours=2)])
def test_a_hold_needs_a_date_that_is_yet_to_come(resume_at: datetime | None) -> None:
    with pytest.raises(NotPossible) as refused:
        move(
            after("accept"),
            Verb.HOLD,
            moment(MONDAY + timedelta(hours=2)),
            Details("away", resume_at=resume_at),
        )
    assert refused.value.code == "resume-date"


def test_what_was_done_in_time_and_recorded_late_takes_the_miss_back() -> None:
    late, said = overdue(after(), "event-7")
    assert (said.kind, dict(said.settled)) == ("task_overdue", {"acknowledge": "missed"})
    seen, happened = move(late, Verb.ACKNOWLEDGE, moment(MONDAY + 3 * DAY, MONDAY + timedelta(hours=5)))
    assert (dict(happened.settled), happened.reverses) == ({"acknowledge": "met"}, "event-7")
    assert seen.missed == {}


@pytest.mark.parametrize(
    ("seen_on", "decided_on", "settled"),
    [
        (1, 2, {"acknowledge": "met", "decide": "met"}),
        (9, 10, {"acknowledge": "missed", "decide": "met"}),
        (1, 15, {"acknowledge": "met", "decide": "missed"}),
    ],
)
def test_what_is_recorded_weeks_afterwards_is_as_late_as_it_was(
    seen_on: int, decided_on: int, settled: dict[str, str]
) -> None:
    """Recorded four weeks later, all at once; the limits are a business day and two."""
    recorded = MONDAY + 28 * DAY
    asked = born("task", moment(recorded, MONDAY))
    seen, first = move(asked, Verb.ACKNOWLEDGE, moment(recorded, MONDAY + seen_on * DAY))
    _, then = move(seen, Verb.ACCEPT, moment(recorded, MONDAY + decided_on * DAY))
    assert dict(first.settled) | dict(then.settled) == settled


def test_a_first_contact_that_is_recorded_afterwards_is_as_late_as_it_was() -> None:
    recorded = MONDAY + 28 * DAY
    accepted, _ = move(born("task", moment(recorded, MONDAY)), Verb.ACCEPT, moment(recorded, MONDAY))
    tried, _ = move(accepted, Verb.CONTACT, moment(recorded, MONDAY + DAY), NO_ANSWER)
    for days, word in ((4, "met"), (21, "missed")):
        _, said = move(tried, Verb.CONTACT, moment(recorded, MONDAY + days * DAY), REACHED)
        assert dict(said.settled) == {"first_contact": word}


def test_what_was_done_late_leaves_the_miss_and_counts_it_once() -> None:
    late, _ = overdue(after(), "event-7")
    seen, happened = move(late, Verb.ACKNOWLEDGE, moment(MONDAY + 3 * DAY))
    assert (dict(happened.settled), happened.reverses) == ({}, None)
    assert seen.missed == {"acknowledge": "event-7"}


def test_a_limit_that_passes_twice_is_missed_once() -> None:
    late, _ = overdue(after(), "event-7")
    later, said = overdue(late, "event-8")
    assert dict(said.settled) == {}
    assert (later.version, later.state, later.missed) == (3, State.REQUESTED, {"acknowledge": "event-7"})


def test_a_step_without_a_hard_limit_never_has_one() -> None:
    task = born("task", moment(MONDAY), hard=False)
    for verb in (Verb.REQUEST_INFO, Verb.ANSWER):
        task, _ = move(task, verb, moment(MONDAY + DAY))
        assert task.hard_at is None


@pytest.mark.parametrize("reason_class", sorted(ReasonClass))
def test_declined_failed_and_cancelled_share_one_list_of_reasons(reason_class: ReasonClass) -> None:
    """Decision 27."""
    details = Details("because", reason_class)
    tried = replace(after("accept"), attempts=tuple(local(f"2026-07-1{n}T09:00").date() for n in range(4, 7)))
    for task, verb in ((after(), Verb.DECLINE), (tried, Verb.FAIL), (after(), Verb.CANCEL)):
        _, happened = move(task, verb, moment(MONDAY + 2 * DAY), details)
        assert (happened.reason, happened.facts["reason_class"]) == ("because", reason_class.value)


@pytest.mark.parametrize("state", UNDECIDED)
def test_a_refusal_says_what_stands_in_the_way(state: str) -> None:
    task = replace(after(), state=State(state))
    with pytest.raises(NotPossible) as refused:
        move(task, Verb.COMPLETE, moment(MONDAY))
    assert state.replace("_", " ") in refused.value.sentence


def test_a_note_is_a_sign_of_life_and_a_reconfirmation_another_thirty_days() -> None:
    """Decision 22."""
    noon = local("2026-07-20T12:00")
    at_work, _ = move(after("accept", "start"), Verb.NOTE, moment(noon))
    waiting, _ = move(after("accept", "waitlist"), Verb.RECONFIRM, moment(noon))
    assert at_work.due_at == waiting.due_at == local("2026-08-19T12:00")


@pytest.mark.parametrize(
    ("verbs", "clock"),
    [([], "acknowledge"), (["accept"], "first_contact"), (["accept", "waitlist"], "reconfirm")],
)
def test_a_note_renews_no_other_clock(verbs: list[str], clock: str) -> None:
    before = after(*verbs)
    noted, _ = move(before, Verb.NOTE, moment(local("2026-07-13T16:00")))
    assert (noted.clock, noted.due_at) == (clock, before.due_at)


def test_a_limit_that_passed_is_missed_however_the_case_goes_on() -> None:
    """Late, and the target asks a question before anybody noticed: the decision still counts as late."""
    seen = after("acknowledge")
    late, said = overdue(seen, "the-event")
    assert said.settled == {"decide": "missed"}
    asked, _ = move(late, Verb.REQUEST_INFO, moment(MONDAY + 9 * DAY))
    _, declined = move(asked, Verb.DECLINE, moment(MONDAY + 10 * DAY), ELIGIBILITY)
    assert declined.settled == {}


def test_a_client_who_waited_on_a_hold_is_in_no_first_contact_rate() -> None:
    held = after("accept", "hold", "resume")
    _, reached = move(held, Verb.CONTACT, moment(MONDAY + 60 * DAY), REACHED)
    assert "first_contact" not in reached.settled


def test_the_sources_question_is_no_sign_of_life() -> None:
    serving = after("accept", "start")
    asked, _ = move(serving, Verb.NOTE, moment(MONDAY + 5 * DAY), Details(by=Side.SOURCE))
    assert asked.due_at == serving.due_at
    told, _ = move(serving, Verb.NOTE, moment(MONDAY + 5 * DAY), Details(by=Side.TARGET))
    assert told.due_at != serving.due_at


@pytest.mark.parametrize("verb", [Verb.DECLINE, Verb.FAIL, Verb.CANCEL, Verb.COMPLETE, Verb.CONTACT])
def test_a_move_without_what_it_must_carry_is_refused(verb: Verb) -> None:
    task = after() if verb is Verb.DECLINE else after("accept")
    with pytest.raises(NotPossible):
        move(task, verb, moment(MONDAY + 3 * DAY))


def test_nothing_happened_before_it_was_asked_for() -> None:
    asked = born("task", replace(moment(MONDAY + DAY), occurred_at=MONDAY))
    for told, possible in ((MONDAY - DAY, False), (MONDAY, True)):
        at = replace(moment(MONDAY + DAY), occurred_at=told)
        with nullcontext() if possible else pytest.raises(NotPossible, match="before-request"):
            move(asked, Verb.ACKNOWLEDGE, at)


def test_nothing_happened_before_the_move_that_came_before_it() -> None:
    accepted, _ = move(born("task", moment(MONDAY)), Verb.ACCEPT, moment(MONDAY + 2 * DAY))
    earlier = replace(moment(MONDAY + 3 * DAY), occurred_at=MONDAY + DAY)
    with pytest.raises(NotPossible, match="before-last-move"):
        move(accepted, Verb.START, earlier)
    noted, _ = move(accepted, Verb.NOTE, earlier)
    assert noted.moved_at == MONDAY + 2 * DAY, "a note is in no order with the work"
    move(noted, Verb.START, replace(earlier, occurred_at=MONDAY + 2 * DAY))


def test_a_partner_without_login_has_nobody_to_assign_to() -> None:
    both = frozenset({Side.SOURCE, Side.TARGET})
    assert set(allowed(State.REQUESTED, both)) - set(allowed(State.REQUESTED, both, absent=True)) == {Verb.ASSIGN}


def test_a_services_routine_limit_does_not_slow_urgent_work_down() -> None:
    agenda = {"routine": {"acknowledge": {"business_days": 1}}, "urgent": {"acknowledge": {"opening_hours": 4}}}
    service = {"routine": {"acknowledge": {"business_days": 3}}}
    urgent = Limits.of(Priority.URGENT, agenda, service)
    assert urgent.by_clock[Clock.ACKNOWLEDGE].opening_hours == 4
