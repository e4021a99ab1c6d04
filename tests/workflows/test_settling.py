"""What a partner's own system answered is written as that partner's word: whole, or not at all, and never twice."""

from __future__ import annotations

from uuid import UUID

import pytest

from domain.progress import StepResult
from services.advance import advance_referral
from services.plan_advance import advance_plan
from services.settling import settle_task
from tests.house import OUTCOME, House
from tests.services.plans import Live, load, step
from tests.services.scenes import no_partner
from tests.workflows.case import Case, refer
from tests.workflows.room import at_once

DONE = StepResult("completed", outcome="need_met")
FULL = StepResult("declined", reason="full")
NOBODY_ANSWERED = StepResult("failed", reason="no_answer")
MOVED = StepResult("failed", reason="moved_away")
QUESTION = {"question": "Which doctor before?"}


def settle(case: Case, result: StepResult) -> str:
    return settle_task(case.house.engine, UUID(case.task), result)


@pytest.fixture
def case(house: House) -> Case:
    return refer(house, "cap", "clinic", consent=True)


# The moves that brought the task there, the system's answer, what the record says then.
SITUATIONS = [
    ("requested", [], DONE, ["task_accepted", "task_completed"], "completed"),
    ("acknowledged", ["acknowledge"], DONE, ["task_accepted", "task_completed"], "completed"),
    ("accepted", ["accept"], DONE, ["task_completed"], "completed"),
    ("waitlisted", ["accept", "waitlist"], DONE, ["task_started", "task_completed"], "completed"),
    ("in progress", ["accept", "start"], DONE, ["task_completed"], "completed"),
    ("asked about", ["request-info"], DONE, ["task_answered", "task_accepted", "task_completed"], "completed"),
    ("requested", [], FULL, ["task_declined"], "declined"),
    ("acknowledged", ["acknowledge"], FULL, ["task_declined"], "declined"),
    ("asked about", ["request-info"], FULL, ["task_declined"], "declined"),
    ("accepted", ["accept"], FULL, ["task_failed"], "failed"),
    ("waitlisted", ["accept", "waitlist"], FULL, ["task_failed"], "failed"),
    ("requested", [], NOBODY_ANSWERED, ["task_declined"], "declined"),
    ("asked about", ["request-info"], NOBODY_ANSWERED, ["task_declined"], "declined"),
    ("requested", [], MOVED, ["task_declined"], "declined"),
    ("in progress", ["accept", "start"], MOVED, ["task_failed"], "failed"),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=[f"{s[0]}-{s[2].state}-{s[4]}" for s in SITUATIONS])
def test_what_the_clinics_system_answers_is_the_clinics_word(
    case: Case, situation: tuple[str, list[str], StepResult, list[str], str]
) -> None:
    _, before, answer, then, state = situation
    for verb in before:
        case.does(verb, QUESTION if verb == "request-info" else None)
    known = len(case.events())

    assert settle(case, answer) == state

    events = [e for e in case.events()[known:] if not e["kind"].endswith("_outcome")]
    assert [e["kind"] for e in events] == then
    clinic = case.house.region.organization("clinic")
    system = case.house.region.people_of("clinic", "service")[0]
    assert {(e["actor"], e["user"]) for e in events} == {(clinic.id, system.id)}
    assert case.task_state == state
    assert case.state == ("active" if state == "completed" else "awaiting_source")


def test_a_system_may_not_say_that_nobody_answered_after_the_clinic_accepted_and_never_called(case: Case) -> None:
    """Three tries on three days hold for a partner's system as for its people: only that it said so is written."""
    case.does("accept")
    due = case.column("task", "due_at")

    assert settle(case, NOBODY_ANSWERED) == "accepted"

    assert case.kinds()[-1] == "task_answered_late"
    assert case.events()[-1]["facts"] == {"said": "failed", "why": "attempts"}
    assert (case.column("task", "due_at"), case.column("task", "reason")) == (due, None)
    assert case.does("complete", OUTCOME)["state"] == "completed"


@pytest.mark.parametrize("word", ["finished", "", "Rosalind Featherstonehaugh", "accepted", "expired"])
def test_a_word_that_is_no_answer_leaves_the_task_with_the_clinics_people(case: Case, word: str) -> None:
    assert settle(case, StepResult(word)) == "requested"
    assert case.events()[-1]["facts"] == {"said": "unknown", "why": "unknown-word"}
    assert case.does("accept")["state"] == "accepted"


def test_a_reason_that_the_agenda_does_not_know_is_written_as_cannot_say(case: Case) -> None:
    settle(case, StepResult("declined", reason="Rosalind Featherstonehaugh"))
    assert (case.column("task", "reason"), case.column("task", "reason_class")) == ("cannot_say", "cannot_say")


@pytest.mark.parametrize("answer", [DONE, FULL, NOBODY_ANSWERED, StepResult("finished")], ids=lambda a: a.state)
def test_a_system_that_says_it_eight_times_at_once_has_said_it_once(case: Case, answer: StepResult) -> None:
    at_once([lambda: settle(case, answer)] * 8)
    once = case.events()
    assert settle(case, answer) == case.task_state
    assert case.events() == once
    assert len(case.kinds()) == len(set(case.kinds()))


def test_what_the_record_says_already_wins_and_the_late_answer_is_kept_beside_it(case: Case) -> None:
    case.declined()

    assert settle(case, DONE) == "declined"
    assert settle(case, DONE) == "declined"

    assert case.kinds().count("task_answered_late") == 1
    assert case.events()[-1]["facts"] == {"said": "completed", "why": "over"}
    assert case.state == "awaiting_source"


def test_a_clinic_whose_people_were_faster_is_not_told_twice(case: Case) -> None:
    case.does("accept")
    case.does("complete", OUTCOME)
    before = case.events()
    assert settle(case, DONE) == "completed"
    assert case.events() == before


def test_what_consent_discloses_is_copied_when_a_system_accepts_too(case: Case) -> None:
    assert settle(case, DONE) == "completed"
    copy = case.column("task", "client_id")
    assert case.target.read(f"/v1/clients/{copy}")["given_name"] == "Rosalind"


def test_a_system_whose_agency_is_no_partner_any_more_moves_nothing_and_is_asked_nothing_more(case: Case) -> None:
    """No client is copied to it; its task is the source's to take back, as at any agency that is gone."""
    house = case.house
    assert [one.queue for one in advance_referral(house.engine, UUID(case.id)).open] == ["partner.clinic"]
    with no_partner(house, "clinic"):
        assert settle(case, DONE) == "requested"
        (still,) = advance_referral(house.engine, UUID(case.id)).open
    assert (still.queue, still.own_queue) == ("partners", False)
    assert case.events()[-1]["facts"] == {"said": "completed", "why": "no-partner"}
    assert case.column("task", "client_id") is None
    assert settle(case, DONE) == "completed", "once it is one again"


FORM = [
    {"key": "risk", "kind": "yes_no", "label": "At risk?"},
    {"key": "months", "kind": "number", "label": "Months", "required": False},
]
AT_RISK = [{"step": "screen", "field": "risk", "one_of": ["yes"]}]


@pytest.fixture(scope="module")
def screening(house: House) -> str:
    steps = [step("screen", {"organization": "clinic"}, form=FORM), step("act", after=["screen"], when=AT_RISK)]
    load(house, "system_screens", steps)
    return "system_screens"


def answer(house: House, plan: Live, outputs: object) -> str:
    said = StepResult.read({"state": "completed", "outputs": outputs})
    return settle_task(house.engine, UUID(plan.step("screen")["task"]["id"]), said)


def test_a_system_answers_the_form_of_a_step_and_the_plan_goes_by_what_it_said(house: House, screening: str) -> None:
    plan = Live.begin(house, screening)
    assert answer(house, plan, {"risk": "yes", "months": None}) == "completed"
    assert plan.step("screen")["task"]["outputs"] == {"risk": "yes"}
    advance_plan(house.engine, UUID(plan.id))
    assert plan.state("act") == "open"


@pytest.mark.parametrize(
    ("outputs", "fields"),
    [
        (None, ["risk"]),
        ({"risk": True}, ["risk"]),
        ({"risk": "yes", "months": ["Rosalind"]}, ["months"]),
        ({"risk": "Rosalind", "Featherstonehaugh": 1}, ["risk", "unknown"]),
        (["yes"], ["risk", "unknown"]),
    ],
    ids=str,
)
def test_answers_that_do_not_fit_the_form_leave_the_step_with_people_who_read_which(
    house: House, screening: str, outputs: object, fields: list[str]
) -> None:
    plan = Live.begin(house, screening)
    assert answer(house, plan, outputs) == "requested"
    clinic, request = house.caseworker("clinic"), plan.step("screen")["referral_id"]
    late = clinic.read(f"/v1/referrals/{request}/timeline")["items"][0]
    wrong = {"said": "completed", "why": "form", "fields": fields}
    assert (late["kind"], late["unwritten"]) == ("task_answered_late", wrong)
    assert plan.lead.read(f"{plan.path}/timeline")["items"][0]["changed"] == wrong
    assert house.sql("select count(*) from event where facts::text like '%%osalind%%'")[0][0] == 0
    plan.works("screen", "clinic", {"risk": "no"})
    advance_plan(house.engine, UUID(plan.id))
    assert plan.read()["state"] == "completed"


def test_what_a_system_records_of_work_without_a_form_is_no_text(case: Case) -> None:
    told = StepResult("completed", outcome="need_met", outputs={"paid": "to Rosalind Featherstonehaugh"})
    assert settle(case, told) == "requested"
    assert case.events()[-1]["facts"] == {"said": "completed", "why": "form", "fields": ["unknown"]}
    case.does("accept")
    case.does("complete", OUTCOME)
    assert case.task_state == "completed"
