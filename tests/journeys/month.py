"""How each situation of the month comes about: by people, over HTTP. Only what no route does is put into the record
as the
steward would (a membership that ended, a day that passed), and what the sweeper would have seen at the engine.

Each answers what to look for in the list of stalled work: the kind's id, and the step's key where it is one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

from tests.house import OUTCOME, House
from tests.services.plans import Live, load, step
from tests.services.scenes import organization_id
from tests.workflows.case import Case, refer
from tests.workflows.clocks import adopt

FULL = {"reason_code": "full", "reason_class": "no_capacity"}
FAMILY = {"reason_code": "client_declined", "reason_class": "client"}
QUESTION = {"question": "How many people?"}
TOMORROW = (date.today() + timedelta(days=40)).isoformat()  # noqa: DTZ011 - any day well ahead


@dataclass(frozen=True)
class Seen:
    """`id` of the task, referral or plan; a step by its plan and key. `source`, `target`: slugs."""

    id: str
    source: str = "cap"
    target: str = "housing"
    key: str | None = None


@dataclass
class Month:
    house: House
    plans: dict[str, Live] = field(default_factory=dict)
    failing: dict[str, str] = field(default_factory=dict)
    newcomers: int = 0
    limits: dict[str, float] = field(default_factory=dict)

    def clocks(self, **seconds: float) -> None:
        """From now on these clocks take so many seconds, those named before as long as they did."""
        self.limits |= seconds
        adopt(self.house, **self.limits)

    def task(self, case: Case, source: str = "cap", target: str = "housing") -> Seen:
        return Seen(case.task, source, target)

    def referral(self, case: Case, source: str = "cap", target: str = "housing") -> Seen:
        return Seen(case.id, source, target)

    def refer(self, source: str = "cap", target: str = "housing", **more: Any) -> Case:
        return refer(self.house, source, target, **more)

    def assigned(self, case: Case, login: str = "gwen.housing") -> Case:
        case.does("assign", {"user_id": self.user(login)})
        return case

    def accepted(self, **more: Any) -> Case:
        """By somebody who has it, with the family's consent."""
        case = self.assigned(self.refer(consent=True, **more))
        case.does("accept")
        return case

    def user(self, login: str) -> str:
        return str(self.house.sql("select id from user_account where login = %s", login)[0][0])

    def newcomer(self, slug: str) -> str:
        """Somebody new at work there, as the steward enters them; answers the login."""
        self.newcomers += 1
        login = f"newcomer{self.newcomers}.{slug}"
        self.house.sql(
            "with u as (insert into user_account (id, subject, login) values (%s, %s, %s) returning id)"
            " insert into membership (id, user_id, organization_id, role, starts_on)"
            " select %s, id, %s, 'caseworker', current_date - 400 from u",
            uuid4(), login, login, uuid4(), organization_id(self.house, slug),
        )  # fmt: skip
        return login

    def leaves(self, login: str) -> None:
        self.house.sql("update membership set ends_on = current_date - 2 where user_id = %s", self.user(login))

    def away(self, login: str, delegate: str | None = None) -> None:
        self.house.sql(
            "update membership set absent_until = current_date + 20, delegate_user_id = %s where user_id = %s",
            delegate and self.user(delegate),
            self.user(login),
        )

    def by(self, case: Case, source: str | None = None, target: str | None = None) -> Case:
        """The same referral, in the hands of these people."""
        asks = self.house.person(source) if source else case.source
        return Case(self.house, case.id, asks, self.house.person(target) if target else case.target)

    def plan(self, code: str, steps: list[Any], lead: str = "cap", **more: Any) -> Live:
        load(self.house, code, steps, **more)
        return Live.begin(self.house, code, lead)

    def state_room(self, slug: str, *, taking: bool, slots: int | None, lapsed: bool = False) -> None:
        self.house.sql(
            "insert into service_capacity (service_id, open_slots, taking, stated_at, lapses_on)"
            " values (%s, %s, %s, now(), current_date + %s)"
            " on conflict (service_id) do update set open_slots = excluded.open_slots, taking = excluded.taking,"
            " lapses_on = excluded.lapses_on",
            self.house.service(slug).id, slots, taking, -5 if lapsed else 30,
        )  # fmt: skip

    def sweep(self) -> None:
        """What the sweeper would have seen, once more: the real one finds nothing wrong and takes it back."""
        for id_, kind in list(self.failing.items()):  # a watcher sweeps while others make it fail
            self.house.sql(
                "insert into engine_finding (case_id, kind, trouble, code, restricted)"
                " values (%s, %s, 'failing', 'WorkflowTaskFailed', false) on conflict do nothing",
                id_,
                kind,
            )


Doing = Callable[[Month], Seen]
DOINGS: dict[str, Doing] = {}


def does(doing: Doing) -> Doing:
    DOINGS[doing.__name__] = doing
    return doing


# ---------------------------------------------------------------------------- the clock has passed


@does
def unseen(month: Month) -> Seen:
    return month.task(month.refer())


@does
def unseen_urgent(month: Month) -> Seen:
    return month.task(month.refer(priority="urgent"))


@does
def undecided(month: Month) -> Seen:
    case = month.assigned(month.refer())
    case.does("acknowledge")
    return month.task(case)


@does
def undecided_alone(month: Month) -> Seen:
    case = month.refer("cap", "vets")
    case.does("acknowledge")
    return month.task(case, "cap", "vets")


@does
def unanswered(month: Month) -> Seen:
    case = month.refer(consent=True)
    case.does("request-info", QUESTION)
    return month.task(case)


@does
def uncalled(month: Month) -> Seen:
    return month.task(month.accepted())


@does
def message_left(month: Month) -> Seen:
    case = month.accepted()
    case.does("contact", {"result": "left_message", "channel": "phone"})
    return month.task(case)


@does
def silence(month: Month) -> Seen:
    case = month.accepted()
    case.does("start")
    return month.task(case)


@does
def waitlist_forgotten(month: Month) -> Seen:
    case = month.accepted()
    case.does("waitlist")
    return month.task(case)


@does
def hold_forgotten(month: Month) -> Seen:
    case = month.accepted()
    case.does("hold", {"reason": "Papers", "resume_on": TOMORROW})
    month.house.sql("update task set due_at = now() - interval '1 hour' where id = %s", case.task)
    return month.task(case)


@does
def phone_not_called(month: Month) -> Seen:
    return month.task(month.refer("cap", "fuel"), "cap", "fuel")


@does
def family_declined(month: Month) -> Seen:
    case = month.refer()
    case.does("decline", FAMILY)
    return month.referral(case)


@does
def gave_up(month: Month) -> Seen:
    case = month.accepted()
    case.does("fail", {"reason": "client_declined"})
    return month.referral(case)


@does
def expired(month: Month) -> Seen:
    case = month.refer()
    month.house.sql("update task set hard_at = now() where id = %s", case.task)
    return month.referral(case)


@does
def plan_late(month: Month) -> Seen:
    live = month.plan("late_plan", [step("talk", may_skip=True)])
    month.house.sql("update action_plan set due_at = now() - interval '1 hour' where id = %s", live.id)
    month.house.caseworker("cap").does(f"{live.task('talk')}/acknowledge")
    _calm(month, live)
    return Seen(live.id, target="cap")


@does
def review_forgotten(month: Month) -> Seen:
    live = month.plan("review_plan", [step("talk")])
    month.house.sql("update action_plan set next_review_at = now() - interval '1 hour' where id = %s", live.id)
    _calm(month, live)
    return Seen(live.id, target="cap")


@does
def goals_open(month: Month) -> Seen:
    goals = [{"key": "home", "name": "A home", "term": "housing"}]
    live = month.plan("goals_plan", [step("talk")], goals=goals)
    live.works("talk", "cap")
    return Seen(live.id, target="cap")


def _calm(month: Month, live: Live) -> None:
    """The work of its steps is in time."""
    month.house.sql("update task set due_at = now() + interval '9 days' where action_plan_id = %s", live.id)


# ---------------------------------------------------------------------------- there is a reason behind the clock


@does
def nobody_has_it(month: Month) -> Seen:
    case = month.refer()
    case.does("acknowledge")
    return month.task(case)


@does
def nobody_serves(month: Month) -> Seen:
    case = month.refer(consent=True)
    case.does("accept")
    case.does("start")
    return month.task(case)


@does
def away_alone(month: Month) -> Seen:
    login = month.newcomer("housing")
    case = month.assigned(month.refer(), login)
    month.away(login)
    return month.task(case)


@does
def unreadable_answer(month: Month) -> Seen:
    case = month.refer()
    case.does("request-info", QUESTION)
    return month.task(case)


@does
def no_record(month: Month) -> Seen:
    case = month.assigned(month.refer())
    case.does("accept")
    return month.task(case)


@does
def declined_full(month: Month) -> Seen:
    case = month.refer()
    case.does("decline", FULL)
    return month.referral(case)


@does
def nobody_left(month: Month) -> Seen:
    case = month.refer("cap", "work")
    case.does("decline", {"reason_code": "over_income", "reason_class": "ineligible"})
    return month.referral(case, "cap", "work")


@does
def step_for_nobody(month: Month) -> Seen:
    month.house.sql("insert into taxonomy_term (code, name) values ('stars', 'Stars') on conflict do nothing")
    live = month.plan("stars_plan", [step("shine", {"term": "stars"})])
    return Seen(live.step("shine")["referral_id"], target="cap")


# ---------------------------------------------------------------------------- what needs no clock


@does
def left_the_agency(month: Month) -> Seen:
    login = month.newcomer("housing")
    case = month.assigned(month.refer(), login)
    month.leaves(login)
    return month.task(case)


@does
def login_revoked(month: Month) -> Seen:
    login = month.newcomer("housing")
    case = month.assigned(month.refer(), login)
    month.house.sql("update user_account set revoked_at = now() where login = %s", login)
    return month.task(case)


@does
def asker_left(month: Month) -> Seen:
    case = _asked_by(month, "request-info", QUESTION)
    return month.task(case)


@does
def chooser_left(month: Month) -> Seen:
    case = _asked_by(month, "decline", FAMILY)
    return month.referral(case)


def _asked_by(month: Month, verb: str, body: dict[str, str]) -> Case:
    """By somebody at the source who has left since."""
    login = month.newcomer("cap")
    case = month.refer()
    month.house.sql("update referral set assigned_to = %s where id = %s", month.user(login), case.id)
    case.does(verb, body)
    month.leaves(login)
    return case


@does
def leader_left(month: Month) -> Seen:
    login = month.newcomer("cap")
    live = month.plan("led_plan", [step("talk", {"organization": "family"})])
    month.house.sql("update action_plan set assigned_to = %s where id = %s", month.user(login), live.id)
    month.leaves(login)
    return Seen(live.id, target="cap")


@does
def takes_nobody(month: Month) -> Seen:
    case = month.refer("cap", "early")
    month.state_room("early", taking=False, slots=None)
    return month.task(case, "cap", "early")


@does
def no_slots(month: Month) -> Seen:
    case = month.refer("cap", "level")
    month.state_room("level", taking=True, slots=0)
    return month.task(case, "cap", "level")


@does
def consent_revoked(month: Month) -> Seen:
    case = month.accepted()
    case.does("start")
    consent = case.column("referral", "consent_id")
    month.house.person("maria.cap").does(f"/v1/consents/{consent}/revoke")
    return month.task(case)


@does
def consent_ran_out(month: Month) -> Seen:
    case = month.accepted()
    case.does("start")
    consent = case.column("referral", "consent_id")
    month.house.sql(
        "update consent set valid_until = now(), valid_from = now() - interval '1 day' where id = %s", consent
    )
    return month.task(case)


@does
def engine_fails(month: Month) -> Seen:
    case = month.refer()
    month.failing[case.id] = "referral"
    return month.referral(case)


@does
def engine_fails_plan(month: Month) -> Seen:
    live = month.plan("failing_plan", [step("talk", {"organization": "family"})])
    month.failing[live.id] = "plan"
    return Seen(live.id, target="cap")


# ---------------------------------------------------------------------------- a plan


CHAIN = [
    step("first", {"organization": "family"}),
    step("second", {"organization": "housing"}, after=["first"]),
    step("third", {"organization": "legal"}, after=["second"]),
]


@does
def first_step_unseen(month: Month) -> Seen:
    live = month.plans["chain"] = month.plan("chain", CHAIN)
    return Seen(live.step("first")["task"]["id"], target="family")


@does
def second_step_waits(month: Month) -> Seen:
    return Seen(month.plans["chain"].id, target="family", key="second")


@does
def third_step_waits(month: Month) -> Seen:
    return Seen(month.plans["chain"].id, target="family", key="third")


@does
def step_owner_left(month: Month) -> Seen:
    live = month.plans["gone"] = month.plan("gone_chain", CHAIN[:2])
    login = month.newcomer("family")
    task = live.step("first")["task"]["id"]
    month.house.caseworker("family").does(f"/v1/tasks/{task}/assign", {"user_id": month.user(login)})
    month.leaves(login)
    return Seen(task, target="family")


@does
def step_behind_owner(month: Month) -> Seen:
    return Seen(month.plans["gone"].id, target="family", key="second")


@does
def shelter_unseen(month: Month) -> Seen:
    return month.task(month.refer("cap", "shelter"), "cap", "shelter")


# ---------------------------------------------------------------------------- legitimate waits, and work that is over


@does
def in_time(month: Month) -> Seen:
    return month.task(month.refer())


@does
def closed_at_night(month: Month) -> Seen:
    return month.task(month.refer("puente", "legal"), "puente", "legal")


@does
def held(month: Month) -> Seen:
    case = month.accepted()
    case.does("hold", {"reason": "Papers", "resume_on": TOMORROW})
    return month.task(case)


@does
def place_confirmed(month: Month) -> Seen:
    case = month.accepted()
    case.does("waitlist")
    case.does("reconfirm")
    return month.task(case)


@does
def closed_today(month: Month) -> Seen:
    case = month.refer("cap", "ride")
    service = month.house.service("ride").id
    zone = month.house.sql("select zone from collaborative")[0][0]
    month.house.sql("update task set due_at = now() - interval '1 second' where id = %s", case.task)
    month.house.sql(
        "update service set closed_on = jsonb_build_array((now() at time zone %s)::date) where id = %s", zone, service
    )
    return month.task(case, "cap", "ride")


@does
def excepted(month: Month) -> Seen:
    case = month.refer()
    month.house.sql(
        "update task set due_at = now() - interval '1 hour', excepted_until = now() + interval '9 days' where id = %s",
        case.task,
    )
    return month.task(case)


@does
def plan_excepted(month: Month) -> Seen:
    live = month.plan("resting_plan", [step("talk", {"organization": "family"})])
    month.house.sql(
        "update action_plan set due_at = now() - interval '1 hour', excepted_until = now() + interval '9 days'"
        " where id = %s",
        live.id,
    )
    return Seen(live.id, target="family")


@does
def question_in_time(month: Month) -> Seen:
    case = month.refer()
    case.does("request-info", QUESTION)
    return month.task(case)


@does
def choosing_in_time(month: Month) -> Seen:
    case = month.refer()
    case.does("decline", FULL)
    return month.referral(case)


@does
def phone_in_time(month: Month) -> Seen:
    return month.task(month.refer("cap", "fuel"), "cap", "fuel")


@does
def away_with_delegate(month: Month) -> Seen:
    login = month.newcomer("housing")
    case = month.assigned(month.refer(), login)
    month.away(login, "gwen.housing")
    return month.task(case)


@does
def away_in_time(month: Month) -> Seen:
    login = month.newcomer("housing")
    case = month.assigned(month.refer(), login)
    month.away(login)
    return month.task(case)


@does
def unassigned_in_time(month: Month) -> Seen:
    case = month.refer(consent=True)
    case.does("accept")
    return month.task(case)


@does
def without_consent_in_time(month: Month) -> Seen:
    case = month.assigned(month.refer())
    case.does("accept")
    return month.task(case)


@does
def told(month: Month) -> Seen:
    made = month.house.refer("cap", "pantry", kind="information")
    return Seen(made["id"], target="pantry")


@does
def room_again(month: Month) -> Seen:
    case = month.refer("cap", "esu")
    month.state_room("esu", taking=False, slots=0, lapsed=True)
    return month.task(case, "cap", "esu")


@does
def taken_over(month: Month) -> Seen:
    login = month.newcomer("housing")
    case = month.assigned(month.refer(), login)
    month.leaves(login)
    month.assigned(case)
    return month.task(case)


@does
def life_again(month: Month) -> Seen:
    case = month.accepted()
    case.does("start")
    month.house.sql("update task set due_at = now() - interval '1 hour' where id = %s", case.task)
    case.does("note", {"text": "She has moved in."})
    return month.task(case)


@does
def family_gone(month: Month) -> Seen:
    case = month.refer()
    case.does("decline", FAMILY)
    case.decides("close-unmet", {"reason": "client_declined"})
    return month.referral(case)


@does
def done(month: Month) -> Seen:
    case = month.accepted()
    case.does("complete", OUTCOME)
    case.decides("confirm", OUTCOME)
    return month.referral(case)


@does
def time_closes(month: Month) -> Seen:
    case, usual = month.accepted(), month.limits["confirm"]
    month.clocks(confirm=1.0)
    case.does("complete", OUTCOME)
    month.clocks(confirm=usual)
    return month.referral(case)


@does
def consent_over_work_over(month: Month) -> Seen:
    case = month.accepted()
    consent = case.column("referral", "consent_id")
    case.does("complete", OUTCOME)
    month.house.person("maria.cap").does(f"/v1/consents/{consent}/revoke")
    return month.task(case)


@does
def step_after_one_in_time(month: Month) -> Seen:
    live = month.plan("calm_chain", CHAIN)
    return Seen(live.id, target="family", key="second")


@does
def follow_up_later(month: Month) -> Seen:
    live = month.plan("follow_up", [step("talk"), step("ask_again", after=["talk"], opens_after_days=30)])
    live.works("talk", "cap")
    return Seen(live.id, key="ask_again", target="cap")
