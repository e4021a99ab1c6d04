"""Who hears of what: written down as a table of situations first. And: a feed is its reader's alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from concert.consumers import CONSUMERS, Consumer
from concert.teller import Teller
from domain.ladder import Did
from domain.moves import Happened
from domain.notice import ALWAYS_TOLD, HEARS, SENTENCES, USUAL, Topic, sentence
from domain.rule import EVENTS
from services.advance import advance_referral, engine_work
from services.happenings import about_referral, about_task, happened
from services.journal import Journal
from services.outbox import claim, depth
from services.plan_advance import advance_plan
from services.rows import lock_referral
from services.telling import claim_news
from services.transaction import by_engine
from tests.house import House
from tests.services.plans import Live, load, step
from tests.services.scenes import organization_id

HOUSING = {"gwen.housing", "hector.housing"}
CAP = {"maria.cap", "dale.cap", "jolene.cap"}
HUB = {"ruth.hub", "tomas.hub"}

# situation: (event, facts, who did it, who hears). In facts and among the readers a login stands for its person. A
# request from maria of cap to the housing authority, where it is assigned to nobody. hector and jolene are supervisors.
SITUATIONS: dict[str, tuple[str, dict[str, Any], str | None, set[str]]] = {
    "a request reaches everybody there, while nobody has it": ("task_requested", {}, "maria.cap", HOUSING),
    "a question goes to who follows it at the source": ("task_info_requested", {}, "gwen.housing", {"maria.cap"}),
    "an answer goes back to those who asked": ("task_answered", {}, "maria.cap", HOUSING),
    "a service that was given waits for its confirmation": ("task_completed", {}, "gwen.housing", {"maria.cap"}),
    "declined: the source must choose": ("task_declined", {}, "gwen.housing", {"maria.cap"}),
    "failed: the source must choose": ("task_failed", {}, "gwen.housing", {"maria.cap"}),
    "cancelled there: the source hears": ("task_cancelled", {}, "gwen.housing", {"maria.cap"}),
    "cancelled at the source: those who were asked hear": ("task_cancelled", {}, "maria.cap", HOUSING),
    "past its limit: whoever owes the answer": ("task_overdue", {"clock": "decide", "to": "owner"}, None, HOUSING),
    "a question past its limit: the source": ("task_overdue", {"clock": "answer", "to": "owner"}, None, {"maria.cap"}),
    "then the supervisor": ("task_escalated", {"clock": "decide", "to": "supervisor"}, None, {"hector.housing"}),
    "of a question, the source's supervisor": (
        "task_escalated", {"clock": "answer", "to": "supervisor"}, None, {"jolene.cap"},
    ),
    "past its limit, but the source holds it up: who follows it there": (
        "task_overdue", {"clock": "decide", "to": "owner", "holder": "cap"}, None, {"maria.cap"},
    ),
    "then the supervisor of whoever holds it up": (
        "task_escalated", {"clock": "decide", "to": "supervisor", "holder": "cap"}, None, {"jolene.cap"},
    ),
    "the one whose clock runs holds it up": (
        "task_overdue", {"clock": "decide", "to": "owner", "holder": "housing"}, None, HOUSING,
    ),
    "then the backbone": ("task_escalated", {"clock": "decide", "to": "backbone"}, None, HUB),
    "reminded again: whom the rung names": ("task_reminded", {"clock": "decide", "to": "backbone"}, None, HUB),
    "by hand: whoever has the ball": ("task_escalated", {"to": "owner", "by_hand": "yes"}, "ruth.hub", HOUSING),
    "nobody chose what comes next": (
        "referral_overdue", {"clock": "awaiting_source", "to": "owner"}, None, {"maria.cap"},
    ),
    "and the backbone hears of it": ("referral_escalated", {"clock": "awaiting_source", "to": "backbone"}, None, HUB),
    "a nudge reaches exactly the person that it names": (
        "task_nudged", {"to": "housing", "person": "gwen.housing"}, "maria.cap", {"gwen.housing"},
    ),
    "a nudge of nobody in particular reaches everybody there": (
        "task_nudged", {"to": "housing", "person": None}, "ruth.hub", HOUSING,
    ),
    "who nudges their own house hears nothing of it": (
        "task_nudged", {"to": "housing", "person": None}, "gwen.housing", {"hector.housing"},
    ),
    "a nudge of the source": (
        "referral_nudged", {"to": "cap", "person": "maria.cap"}, "ruth.hub", {"maria.cap"},
    ),
    "re-assigned: who has it now, and who had it": (
        "task_assigned", {"to_user": "gwen.housing", "from_user": "hector.housing"}, "ruth.hub", HOUSING,
    ),
    "taken for oneself: only who had it hears": (
        "task_assigned", {"to_user": "gwen.housing", "from_user": "hector.housing"}, "gwen.housing", {"hector.housing"},
    ),
    "assigned to the same person: nothing changed": (
        "task_assigned", {"to_user": "gwen.housing", "from_user": "gwen.housing"}, "ruth.hub", set(),
    ),
    "who follows it at the source changed": (
        "referral_assigned", {"to_user": "dale.cap", "from_user": "maria.cap"}, "jolene.cap", {"dale.cap", "maria.cap"},
    ),
    "expired: those who were asked, the source and the backbone": (
        "task_expired", {"against": "target"}, None, HOUSING | {"maria.cap"} | HUB,
    ),
    "another provider has it": ("task_released", {}, "carmen.shelter", HOUSING),
    "an exception is told to whoever has the ball": (
        "task_excepted", {"until": "2027-01-01", "why": "storm"}, "ruth.hub", HOUSING,
    ),
    "another provider is proposed": ("referral_reroute_proposed", {"service_id": "x"}, "ruth.hub", {"maria.cap"}),
    "what was recorded is corrected: the other side": ("task_corrected", {}, "gwen.housing", {"maria.cap"}),
    "a note is no news": ("task_noted", {}, "gwen.housing", set()),
    "acceptance is seen where the work is": ("task_accepted", {}, "gwen.housing", set()),
}  # fmt: skip


def tell(house: House) -> None:
    while Teller(house.engine).tell_batch():
        pass


def feed(house: House, login: str, **asked: Any) -> list[Any]:
    items: list[Any] = house.person(login).read("/v1/notices", **asked)["items"]
    return items


def user(house: House, login: str) -> UUID:
    return next(each.id for each in house.region.users if each.login == login)


def append(house: House, referral_id: str, kind: str, facts: dict[str, Any], by: str | None = None) -> str:
    """As another part of Concert would: an event of that kind about the referral, or about its newest task."""
    known = {"to_user", "from_user", "person"}
    said = {name: str(user(house, value)) if name in known and value else value for name, value in facts.items()}
    if kind.endswith("_nudged"):
        said["to"] = str(organization_id(house, facts["to"]))
    if "holder" in facts:
        said["holder"] = str(organization_id(house, facts["holder"]))

    def work(connection: Connection) -> tuple[str, Journal]:
        doing = engine_work(connection, UUID(referral_id))
        locked = lock_referral(doing, UUID(referral_id))
        if by:
            doing.user_id = user(house, by)
            doing.organization_id = organization_id(house, by.rpartition(".")[2])
        about = about_task(locked.tasks[-1].t, locked.f) if kind.startswith("task_") else about_referral(locked.f)
        event = happened(doing, about, Happened(kind, None, None, facts=said), version=99)
        return str(event), doing.journal

    return by_engine(house.engine, work)


def heard(house: House, event_id: str) -> set[str]:
    rows = house.sql(
        "select u.login from notice n join user_account u on u.id = n.user_id where n.event_id = %s", event_id
    )
    return {row[0] for row in rows}


@pytest.fixture(scope="module")
def made(house: House) -> Any:
    return house.refer("cap", "housing")


@pytest.fixture
def away(house: House) -> Iterator[None]:
    """gwen is away, and hector stands in for her."""
    house.sql(
        "update membership set absent_until = current_date + 3, delegate_user_id = %s where user_id = %s",
        user(house, "hector.housing"),
        user(house, "gwen.housing"),
    )
    yield
    house.sql("update membership set absent_until = null, delegate_user_id = null")


@pytest.mark.parametrize("situation", SITUATIONS)
def test_exactly_these_people_hear_of_it(house: House, made: Any, situation: str) -> None:
    kind, facts, by, readers = SITUATIONS[situation]
    chooses = any(rule.choice for rule in HEARS.get(kind, ()))
    house.sql("update referral set clock = %s where id = %s", "awaiting_source" if chooses else None, made["id"])
    event = append(house, made["id"], kind, facts, by)
    tell(house)
    assert heard(house, event) == readers


def test_every_kind_that_somebody_hears_of_is_in_the_table_or_in_a_story() -> None:
    told = {kind for kind, _, _, readers in SITUATIONS.values() if readers}
    of_plans = {kind for kind in HEARS if kind.startswith(("plan_", "step_"))}
    the_same_for_referrals = {"referral_reminded", "referral_excepted", "referral_unplaced"}
    assert set(HEARS) - told - of_plans == the_same_for_referrals


def test_every_kind_that_somebody_hears_of_is_written_by_somebody() -> None:
    """In one word; or after a noun, of what climbs a ladder and of what those who watch may do."""
    root = Path(__file__).parents[2]
    tables = {"notice.py", "rule.py"}
    files = [file for part in ("domain", "services") for file in (root / part).glob("*.py") if file.name not in tables]
    words = set(re.findall(r'"([a-z_]+)"', "\n".join(file.read_text() for file in files)))
    composed = {f"{noun}_{did}" for noun in ("task", "referral", "step", "plan") for did in Did}
    composed |= {f"{noun}_{did}" for noun in ("task", "referral", "plan") for did in ("nudged", "excepted")}
    composed |= {f"{noun}_{did}" for noun in ("referral", "step") for did in ("reroute_proposed", "unplaced")}
    assert set(HEARS) - words - composed == set()
    assert set(HEARS) <= EVENTS


CLIMBED = [
    ("overdue", "owner"), ("escalated", "supervisor"), ("escalated", "backbone"), ("reminded", "backbone"),
    ("reminded", "backbone"),
]  # fmt: skip


def lying(house: House, noun: str) -> str:
    """Work that nobody has moved for a year, as the engine finds it: its id."""
    if noun in ("task", "referral"):
        made = house.refer("cap", "housing")
        task, gwen = made["tasks"][0]["id"], house.person("gwen.housing")
        gwen.does(f"/v1/tasks/{task}/accept" if noun == "task" else f"/v1/tasks/{task}/decline", ANSWER[noun])
        lies = task if noun == "task" else made["id"]
        house.sql(f"update {noun} set due_at = now() - interval '1 year' where id = %s", lies)
        advance(house, made["id"])
        return str(lies)
    load(house, f"lying_{noun}", [step("first", {"organization": "housing"})])
    plan = Live.begin(house, f"lying_{noun}")
    lies = plan.id
    if noun == "step":
        house.person("gwen.housing").does(f"{plan.task('first')}/decline", ANSWER["referral"])
        lies = plan.step("first")["referral_id"]
    table = "action_plan" if noun == "plan" else "referral"
    house.sql(f"update {table} set due_at = now() - interval '1 year' where id = %s", lies)
    advance_plan(house.engine, UUID(plan.id))
    return str(lies)


ANSWER = {"task": {}, "referral": {"reason_code": "full", "reason_class": "no_capacity"}}


@pytest.mark.parametrize("noun", ["task", "referral", "step", "plan"])
def test_whatever_climbs_its_ladder_says_the_same_of_each_rung(
    house: House, noun: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The supervisor and the backbone hear for the first time, then the backbone is reminded.

    As if each had been told long enough ago: else one look climbs one rung.
    """
    monkeypatch.setattr("services.ladder._since", lambda _work, _noun, _id, _clock, _rung, at, _started: at)
    lies = lying(house, noun)
    rows = house.sql(
        "select kind, facts ->> 'to' from event where coalesce(task_id, referral_id, action_plan_id) = %s"
        " and facts ? 'rung' order by seq",
        lies,
    )
    assert rows == [(f"{noun}_{did}", to) for did, to in CLIMBED]


def test_each_rule_has_a_sentence_in_both_languages_and_each_kind_a_usual_way() -> None:
    codes = {rule.code for rules in HEARS.values() for rule in rules}
    assert codes == set(SENTENCES)
    assert set(USUAL) == set(Topic)
    for code in codes:
        assert len({sentence(code, "R-1", "en"), sentence(code, "R-1", "es")}) == 2
        assert "R-1" in sentence(code, "R-1", "es")


@pytest.mark.usefixtures("away")
def test_for_whoever_is_away_the_delegate_hears(house: House, made: Any) -> None:
    nudge = append(house, made["id"], "task_nudged", {"to": "housing", "person": "gwen.housing"}, "maria.cap")
    tell(house)
    assert heard(house, nudge) == {"hector.housing"}


@pytest.mark.usefixtures("away")
def test_on_the_day_on_which_somebody_is_back_they_hear_it_themselves(house: House, made: Any) -> None:
    gwen = user(house, "gwen.housing")
    house.sql(
        "update membership set absent_until = (now() at time zone 'America/Denver')::date where user_id = %s", gwen
    )
    nudge = append(house, made["id"], "task_nudged", {"to": "housing", "person": "gwen.housing"}, "maria.cap")
    tell(house)
    assert heard(house, nudge) == {"gwen.housing"}


@pytest.fixture
def alone(house: House) -> Iterator[None]:
    """gwen is away, and nobody stands in for her."""
    house.sql("update membership set absent_until = current_date + 3 where user_id = %s", user(house, "gwen.housing"))
    yield
    house.sql("update membership set absent_until = null, delegate_user_id = null")


def gwens(house: House) -> tuple[str, str]:
    """A request that gwen has, past its limit: the referral's id, and its task's."""
    referral, task = late(house)
    house.sql("update task set assigned_to = %s where id = %s", user(house, "gwen.housing"), task)
    return referral, task


@pytest.mark.usefixtures("alone")
def test_of_whoever_is_away_with_nobody_in_their_place_those_who_are_there_hear(house: House) -> None:
    """A reminder, a nudge and the list of stalled work agree: the ball is the organization's."""
    referral, task = gwens(house)
    advance(house, referral)
    house.person("ruth.hub").does(f"/v1/tasks/{task}/nudge")
    tell(house)
    for kind in ("task_overdue", "task_nudged"):
        ((event,),) = house.sql("select id::text from event where task_id = %s and kind = %s", task, kind)
        assert heard(house, event) == {"hector.housing"}, kind
    items = house.person("ruth.hub").read("/v1/monitor/stalled", limit=200)["items"]
    (item,) = [each for each in items if each["id"] == task]
    assert item["ball_in_court"] == {"organization_id": str(organization_id(house, "housing")), "user_id": None}


@pytest.mark.usefixtures("alone")
def test_so_do_they_where_somebody_went_away_after_the_nudge_named_them(house: House, made: Any) -> None:
    nudge = append(house, made["id"], "task_nudged", {"to": "housing", "person": "gwen.housing"}, "maria.cap")
    tell(house)
    assert heard(house, nudge) == {"hector.housing"}


@pytest.mark.usefixtures("alone")
def test_what_is_for_everybody_is_for_those_who_are_there(house: House, made: Any) -> None:
    event = append(house, made["id"], "task_nudged", {"to": "housing", "person": None}, "maria.cap")
    tell(house)
    assert heard(house, event) == {"hector.housing"}


@pytest.mark.usefixtures("alone")
def test_where_nobody_is_there_whoever_is_meant_reads_it_when_they_are_back(house: House, made: Any) -> None:
    house.sql("update membership set absent_until = current_date + 3 where user_id = %s", user(house, "hector.housing"))
    named = append(house, made["id"], "task_nudged", {"to": "housing", "person": "gwen.housing"}, "maria.cap")
    to_all = append(house, made["id"], "task_nudged", {"to": "housing", "person": None}, "maria.cap")
    tell(house)
    assert (heard(house, named), heard(house, to_all)) == ({"gwen.housing"}, HOUSING)


@pytest.mark.usefixtures("alone")
def test_that_it_is_theirs_now_whoever_is_away_reads_themselves(house: House, made: Any) -> None:
    facts = {"to_user": "gwen.housing", "from_user": "hector.housing"}
    event = append(house, made["id"], "task_assigned", facts, "ruth.hub")
    tell(house)
    assert heard(house, event) == HOUSING


def test_of_confidential_work_the_backbone_hears_nothing(house: House) -> None:
    hidden = house.refer("shelter", "shelter")
    for kind, facts in (("task_escalated", {"clock": "decide", "to": "backbone"}), ("task_expired", {})):
        event = append(house, hidden["id"], kind, facts)
        tell(house)
        assert not heard(house, event) & HUB


def test_for_a_partner_without_logins_the_recorder_hears(house: House) -> None:
    by_phone = next(o for o in house.region.organizations if o.mode == "by_phone" and _serves(house, o.slug))
    made = house.refer("cap", by_phone.slug)
    event = append(house, made["id"], "task_overdue", {"clock": "decide", "to": "owner"})
    tell(house)
    assert heard(house, event) == {"maria.cap"}


def _serves(house: House, slug: str) -> bool:
    return any(s.organization_id == house.region.organization(slug).id for s in house.region.services)


def test_the_lead_of_a_plan_hears_that_it_asks_to_be_stopped_until_it_moves_the_plan(house: House) -> None:
    load(house, "stopping", [step("first", "lead"), step("then", "lead", after=["first"])])
    live = Live.begin(house, "stopping")
    plan_id = live.lead.read("/v1/action-plans")["items"][0]["id"]
    row = house.sql("select assigned_to from action_plan where id = %s", plan_id)
    assert row == [(user(house, "maria.cap"),)]
    house.sql(
        "insert into event (id, collaborative_id, kind, at, occurred_at, day, action_plan_id, version, organization_id,"
        " source_organization_id) select uuidv7(), collaborative_id, 'plan_stop_asked', now(), now(), current_date, id,"
        " 9, organization_id, organization_id from action_plan where id = %s",
        plan_id,
    )
    house.sql("update action_plan set stop_asked_by = 'first' where id = %s", plan_id)
    tell(house)
    (asked,) = [each for each in feed(house, "maria.cap", kind="asked") if each["action_plan_id"] == plan_id]
    assert asked["sentence"].startswith("Plan P-")
    house.sql("update action_plan set state = 'closed_early' where id = %s", plan_id)
    assert not [each for each in feed(house, "maria.cap", kind="asked") if each["action_plan_id"] == plan_id]


def asked(house: House, referral: str) -> list[str]:
    """The sentences of what the source is asked about the referral."""
    tell(house)
    mine = feed(house, "maria.cap", kind="asked", limit=200)
    return [re.sub(r".*R-[\w-]+ ", "", one["sentence"]) for one in mine if one["referral_id"] == referral]


CHOOSE = "Please choose what comes next."


@pytest.mark.parametrize("tells", ["before the engine looks", "after it"])
def test_where_the_template_names_another_provider_the_lead_chooses_once_nobody_is_left(
    house: House, tells: str
) -> None:
    """Two partners give respite care."""
    load(house, f"others_{len(tells)}", [step("rest", {"term": "care.respite"}, on_decline="other_provider")])
    plan = Live.begin(house, f"others_{len(tells)}")
    rest, told = plan.step("rest"), []
    for _ in range(2):
        who = next(one.slug for one in house.region.organizations if str(one.id) == rest["organization_id"])
        house.caseworker(who).does(f"{plan.task('rest')}/decline", ANSWER["referral"])
        told += asked(house, rest["referral_id"]) if tells == "before the engine looks" else []
        advance_plan(house.engine, UUID(plan.id))
        rest = plan.step("rest")
        told += asked(house, rest["referral_id"])
    assert told == [f"no provider was found. {CHOOSE}"]
    advance_plan(house.engine, UUID(plan.id))
    assert len(asked(house, rest["referral_id"])) == 1, "said once, however often the engine looks"
    plan.edit("/steps/rest/reassign", {"organization_id": str(organization_id(house, "housing"))})
    assert asked(house, rest["referral_id"]) == []


@pytest.mark.parametrize("kind", ["step", "referral"])
def test_the_lead_hears_at_once_of_a_step_that_opens_with_nobody_to_ask(house: House, kind: str) -> None:
    house.sql("insert into taxonomy_term (code, name) values ('emergency.coats', 'Coats') on conflict do nothing")
    goal = {"key": "warm", "name": "Warm", "term": "emergency.coats"}
    then = step("then", {"term": "emergency.coats"}, after=["first"], kind=kind, goal="warm")
    load(house, f"unplaced_{kind}", [step("first", {"organization": "housing"}), then], goals=[goal])
    plan = Live.begin(house, f"unplaced_{kind}")
    plan.works("first", "housing")
    advance_plan(house.engine, UUID(plan.id))
    referral = plan.step("then")["referral_id"]
    for _ in range(2):
        assert asked(house, referral) == [f"no provider was found. {CHOOSE}"]
        advance_plan(house.engine, UUID(plan.id))
    events = house.sql("select kind from event where referral_id = %s and kind like '%%unplaced'", referral)
    assert events == [(f"{kind}_unplaced",)], "said once, in the words of what it is"
    plan.edit("/steps/then/reassign", {})
    assert asked(house, referral) == []


def test_nobody_chooses_any_more_once_the_engine_has_found_another_after_all(house: House) -> None:
    load(house, "found_later", [step("rest", {"term": "care.respite"}, on_decline="other_provider")])
    plan = Live.begin(house, "found_later")
    rest = plan.step("rest")
    first, other = sorted(
        ("family", "aging"), key=lambda slug: str(organization_id(house, slug)) != rest["organization_id"]
    )
    service = next(one for one in house.region.services if one.term == "care.respite" and one.slug.startswith(other))
    house.caseworker(other).does(f"/v1/services/{service.id}/capacity", saying(0))
    house.caseworker(first).does(f"{plan.task('rest')}/decline", ANSWER["referral"])
    advance_plan(house.engine, UUID(plan.id))
    assert len(asked(house, rest["referral_id"])) == 1
    house.sql("delete from service_capacity")
    advance_plan(house.engine, UUID(plan.id))
    assert asked(house, rest["referral_id"]) == []


@pytest.mark.parametrize(("by", "told"), [("gwen.housing", [f"ended without service. {CHOOSE}"]), ("dale.cap", [])])
def test_a_partner_that_cancels_asks_the_source_to_choose_as_one_that_fails(
    house: House, by: str, told: list[str]
) -> None:
    """Who cancels it at the source knows; so do their colleagues."""
    made = house.refer("cap", "housing")
    task = f"/v1/tasks/{made['tasks'][0]['id']}"
    house.person("gwen.housing").does(f"{task}/accept")
    house.person(by).does(f"{task}/cancel", {"reason": "full"})
    assert house.person("maria.cap").read(f"/v1/referrals/{made['id']}")["state"] == "awaiting_source"
    assert asked(house, made["id"]) == told
    letters = house.sql(
        "select count(*) from mail_item i join notice n on n.id = i.notice_id"
        " where n.referral_id = %s and n.user_id = %s",
        made["id"],
        user(house, "maria.cap"),
    )
    assert letters == [(len(told),)]
    house.person("maria.cap").does(f"/v1/referrals/{made['id']}/withdraw", {"reason": "moved_away"})
    assert asked(house, made["id"]) == []


def test_where_the_template_stops_the_plan_asks_and_not_the_request_too(house: House) -> None:
    load(house, "stops_once", [step("first", {"organization": "housing"}, on_decline="stop"), step("own", "lead")])
    plan = Live.begin(house, "stops_once")
    own = plan.task("own")
    referral = plan.step("first")["referral_id"]
    house.person("gwen.housing").does(f"{plan.task('first')}/decline", ANSWER["referral"])
    for told in ([], [f"Plan {plan.body['reference']} asks to be stopped. Please decide how it goes on."]):
        assert asked(house, referral) == []
        mine = feed(house, "maria.cap", kind="asked", limit=200)
        assert [one["sentence"] for one in mine if one["action_plan_id"] == plan.id] == told
        advance_plan(house.engine, UUID(plan.id))
    house.person("dale.cap").does(f"{own}/accept")
    assert _of_plan(house, plan.id) == told, "what is done for another step decides nothing"
    plan.edit("/steps/first/reassign", {"organization_id": str(organization_id(house, "family"))})
    assert _of_plan(house, plan.id) == []


def _of_plan(house: House, plan_id: str) -> list[str]:
    mine = feed(house, "maria.cap", kind="asked", limit=200)
    return [one["sentence"] for one in mine if one["action_plan_id"] == plan_id and one["referral_id"] is None]


def test_work_of_ones_own_agency_that_a_colleague_cancels_asks_who_follows_it_to_choose(house: House) -> None:
    made = house.refer("cap", "cap")
    task = f"/v1/tasks/{made['tasks'][0]['id']}"
    house.person("dale.cap").does(f"{task}/accept")
    house.person("dale.cap").does(f"{task}/cancel", {"reason": "full"})
    told = [f"ended without service. {CHOOSE}"]
    assert asked(house, made["id"]) == told
    follower = {"user_id": str(user(house, "maria.cap"))}
    house.person("dale.cap").does(f"/v1/referrals/{made['id']}/assign", follower)
    assert asked(house, made["id"]) == told, "it was theirs already: nothing has moved"


@pytest.mark.parametrize("verb", ["fail", "cancel"])
def test_where_the_template_leaves_out_what_fails_nobody_is_asked(house: House, verb: str) -> None:
    load(house, f"left_out_{verb}", [step("first", {"organization": "housing"}, on_failure="skip")])
    plan = Live.begin(house, f"left_out_{verb}")
    first, task = plan.step("first"), plan.task("first")
    house.person("gwen.housing").does(f"{task}/accept")
    house.person("gwen.housing").does(f"{task}/{verb}", {"reason": "full"})
    assert asked(house, first["referral_id"]) == []
    advance_plan(house.engine, UUID(plan.id))
    assert (plan.state("first"), asked(house, first["referral_id"])) == ("skipped", [])


def advance(house: House, referral_id: str) -> None:
    advance_referral(house.engine, UUID(referral_id))


def late(house: House, rung: int = 0) -> tuple[str, str]:
    """A request by consent that is past its limit at the housing authority: the referral's id, and its task's."""
    made = house.refer("cap", "housing", consent=True)
    task = made["tasks"][0]["id"]
    house.sql("update task set due_at = now() - interval '1 minute', rung = %s where id = %s", rung, task)
    return made["id"], task


def revoke(house: House, referral_id: str) -> None:
    consent = house.sql("select consent_id from referral where id = %s", referral_id)[0][0]
    house.person("maria.cap").does(f"/v1/consents/{consent}/revoke")


def said(house: House, task: str, kind: str) -> tuple[str, str]:
    """The one event of that kind: its id, and the organization that it names as the one that holds the task up."""
    ((event, holder),) = house.sql(
        "select id::text, facts ->> 'holder' from event where task_id = %s and kind = %s", task, kind
    )
    return event, holder


def balls(house: House, event: str) -> set[UUID]:
    """By whose move the notices of it are over."""
    return {row[0] for row in house.sql("select ball_organization_id from notice where event_id = %s", event)}


def test_of_an_ordinary_late_task_those_who_have_it_hear(house: House) -> None:
    referral, task = late(house)
    advance(house, referral)
    tell(house)
    event, holder = said(house, task, "task_overdue")
    housing = organization_id(house, "housing")
    assert (heard(house, event), balls(house, event), holder) == (HOUSING, {housing}, str(housing))


def test_where_the_consent_has_ended_the_source_hears_and_not_those_who_wait_for_it(house: House) -> None:
    """Nobody who was asked could mend that. The notice is over once the source has moved it, or anybody moved it on."""
    referral, task = late(house)
    revoke(house, referral)
    advance(house, referral)
    tell(house)
    event, holder = said(house, task, "task_overdue")
    cap = organization_id(house, "cap")
    assert (heard(house, event), balls(house, event), holder) == ({"maria.cap"}, {cap}, str(cap))

    def shown() -> bool:
        return any(one["task_id"] == task for one in feed(house, "maria.cap", kind="reminded", limit=200))

    house.person("gwen.housing").does(f"/v1/tasks/{task}/note", {"text": "We would take them."})
    assert shown()
    house.person("maria.cap").does(f"/v1/tasks/{task}/note", {"text": "I ask for it on Monday."})
    assert not shown()


def nudged(house: House, login: str, task: str) -> bool:
    """Whether the nudge is in their feed."""
    tell(house)
    return any(one["task_id"] == task for one in feed(house, login, kind="nudged", limit=200))


def test_a_nudge_about_the_consent_is_over_once_the_referral_has_another(house: House) -> None:
    """It is given to the referral; what was asked about the task itself is not answered by that."""
    made, maria, gwen = house.refer("cap", "housing", consent=True), house.person("maria.cap"), "gwen.housing"
    task = made["tasks"][0]["id"]
    house.person(gwen).does(f"/v1/tasks/{task}/request-info", {"question": "How many people?"})
    maria.does(f"/v1/consents/{made['consent_id']}/revoke")
    house.person(gwen).does(f"/v1/tasks/{task}/nudge")
    assert nudged(house, "maria.cap", task)
    consent = house.consent(maria, made["client_id"], "housing")["id"]
    maria.does(f"/v1/referrals/{made['id']}/consent", {"consent_id": consent})
    assert not nudged(house, "maria.cap", task)
    assert [one for one in feed(house, "maria.cap", kind="asked", limit=200) if one["task_id"] == task]


def test_so_it_is_where_the_plan_of_a_step_gets_the_consent(house: House) -> None:
    load(house, "consented_late", [step("listen", {"organization": "housing"})])
    live = Live.begin(house, "consented_late")
    task = live.task("listen").rpartition("/")[2]
    house.person("gwen.housing").does(f"/v1/tasks/{task}/accept")
    house.sql("update task set due_at = now() - interval '1 hour' where id = %s", task)
    house.person("gwen.housing").does(f"/v1/tasks/{task}/nudge")
    assert nudged(house, "maria.cap", task)
    consent = house.consent(live.lead, live.read()["client_id"], "housing")["id"]
    live.edit("/consent", {"consent_id": consent})
    assert not nudged(house, "maria.cap", task)


def states(house: House, slug: str, slots: int) -> None:
    house.caseworker(slug).does(f"/v1/services/{house.service(slug).id}/capacity", saying(slots))


def saying(slots: int) -> dict[str, Any]:
    """What a service says of its room, for a month."""
    lapses_on = (datetime.now(UTC) + timedelta(days=30)).date()
    return {"open_slots": slots, "taking": True, "lapses_on": lapses_on.isoformat()}


@pytest.fixture
def full(house: House) -> Iterator[Any]:
    """A request that gwen's service was asked for, and has no room for any more; the source was nudged."""
    made = house.refer("cap", "housing", consent=True)
    states(house, "housing", 0)
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/nudge")
    yield made
    house.sql("delete from service_capacity")


def test_a_nudge_for_want_of_room_is_over_once_there_is_some_again(house: House, full: Any) -> None:
    """It is the provider's turn then; and as before, once that has no room again."""
    task = full["tasks"][0]["id"]
    assert nudged(house, "maria.cap", task)
    for slots, told in ((0, True), (2, False), (0, True)):
        states(house, "housing", slots)
        assert nudged(house, "maria.cap", task) is told


@pytest.mark.parametrize("still", ["the consent has ended", "a question was asked"])
def test_it_stands_where_the_source_is_waited_for_all_the_same(house: House, full: Any, still: str) -> None:
    task = full["tasks"][0]["id"]
    if still == "the consent has ended":
        revoke(house, full["id"])
    else:
        house.sql(
            "update task set state = 'info_requested', ball_organization_id = source_organization_id where id = %s",
            task,
        )
    states(house, "housing", 2)
    assert nudged(house, "maria.cap", task)


@pytest.mark.parametrize(("verb", "body"), [("reroute", None), ("withdraw", {"reason": "moved_away"})])
def test_what_was_proposed_is_over_once_the_source_has_chosen_or_the_referral_has_ended(
    house: House, verb: str, body: dict[str, str] | None
) -> None:
    made, maria = house.refer("cap", "housing"), house.person("maria.cap")
    path, other = f"/v1/referrals/{made['id']}", {"service_id": str(house.other_door().id)}
    house.person("ruth.hub").does(f"{path}/propose-reroute", other)
    tell(house)

    def proposed() -> bool:
        return any(one["referral_id"] == made["id"] for one in feed(house, "maria.cap", kind="proposed", limit=200))

    maria.does(f"/v1/tasks/{made['tasks'][0]['id']}/note", {"text": "I ask the family first."})
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/decline", ANSWER["referral"])
    assert proposed()
    maria.does(f"{path}/{verb}", body or other)
    assert not proposed()
    assert not any(one["referral_id"] == made["id"] for one in feed(house, "maria.cap", unread="true", limit=200))


def test_a_note_answers_a_reminder_and_not_what_was_asked(house: House) -> None:
    referral, task = late(house)
    advance(house, referral)
    tell(house)

    def shown() -> set[str]:
        return {one["kind"] for one in feed(house, "gwen.housing", limit=200) if one["task_id"] == task}

    assert shown() == {"asked", "reminded"}
    house.person("gwen.housing").does(f"/v1/tasks/{task}/note", {"text": "We look for a flat."})
    assert shown() == {"asked"}
    house.person("gwen.housing").does(f"/v1/tasks/{task}/acknowledge")
    assert shown() == set()


def test_a_notice_is_over_for_who_should_have_moved_it_once_others_moved_it_on(house: House) -> None:
    referral, task = late(house)
    revoke(house, referral)
    advance(house, referral)
    tell(house)
    house.person("gwen.housing").does(f"/v1/tasks/{task}/acknowledge")
    assert not [one for one in feed(house, "maria.cap", kind="reminded", limit=200) if one["task_id"] == task]


@pytest.mark.parametrize("by_hand", [False, True])
def test_above_them_the_source_s_supervisor_hears(house: House, by_hand: bool) -> None:
    referral, task = late(house, rung=1)
    revoke(house, referral)
    if by_hand:
        house.person("ruth.hub").does(f"/v1/tasks/{task}/escalate")
    else:
        house.sql("update task set due_at = now() - interval '30 days', hard_at = null where id = %s", task)
        advance(house, referral)
    tell(house)
    rows = house.sql(
        "select id::text from event where task_id = %s and kind = 'task_escalated' and facts ->> 'to' = 'supervisor'",
        task,
    )
    ((event,),) = rows
    assert (heard(house, event), balls(house, event)) == ({"jolene.cap"}, {organization_id(house, "cap")})


def test_who_moves_it_late_after_the_consent_ended_reminds_the_source_too(house: House) -> None:
    """Said by whoever moves it, before the move: by what they may see."""
    referral, task = late(house)
    revoke(house, referral)
    house.person("gwen.housing").does(f"/v1/tasks/{task}/acknowledge")
    assert said(house, task, "task_overdue")[1] == str(organization_id(house, "cap"))


# ------------------------------------------------------------------------------------------ a feed is its reader's


def test_nobody_reads_or_marks_what_another_was_told(house: House, made: Any) -> None:
    append(house, made["id"], "task_nudged", {"to": "housing", "person": "gwen.housing"}, "maria.cap")
    tell(house)
    mine = feed(house, "gwen.housing", kind="nudged")[0]
    assert mine["id"] not in {each["id"] for each in feed(house, "hector.housing")}
    assert house.person("hector.housing").post(f"/v1/notices/{mine['id']}/read").status_code == 404
    assert feed(house, "gwen.housing", kind="nudged")[0]["read_at"] is None


def test_row_security_hides_other_feeds_also_from_a_query_that_forgot_to_ask_whose(house: House) -> None:
    with house.api.database.transaction() as connection:
        connection.execute(text("select * from app.enter('hector.housing', null, null)"))
        seen = connection.execute(text("select distinct user_id from notice")).scalars().all()
    assert seen == [user(house, "hector.housing")]


def test_read_once_read_all_and_only_what_is_unread(house: House, made: Any) -> None:
    gwen = house.person("gwen.housing")
    append(house, made["id"], "task_released", {}, "carmen.shelter")
    tell(house)
    first = feed(house, "gwen.housing", unread="true")[0]
    done = gwen.does(f"/v1/notices/{first['id']}/read")
    assert gwen.does(f"/v1/notices/{first['id']}/read")["read_at"] == done["read_at"]
    assert first["id"] not in {each["id"] for each in feed(house, "gwen.housing", unread="true")}
    assert gwen.does("/v1/notices/read-all")["read"] > 0
    assert feed(house, "gwen.housing", unread="true") == []


def test_the_feed_comes_in_pages_newest_first(house: House) -> None:
    gwen = house.person("gwen.housing")
    whole = [each["id"] for each in feed(house, "gwen.housing", limit=200)]
    paged: list[str] = []
    page = gwen.read("/v1/notices", limit=3)
    while True:
        paged += [each["id"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        page = gwen.read("/v1/notices", limit=3, cursor=page["next_cursor"])
    assert paged == whole == sorted(whole, reverse=True)
    assert len(whole) > 3


def test_who_chose_to_hear_nothing_of_such_news_hears_nothing(house: House, made: Any) -> None:
    gwen = house.person("gwen.housing")
    ways = {
        each["kind"]: each["way"]
        for each in gwen.does("/v1/notices/choices", {"kind": "released", "way": "nothing"})["items"]
    }
    assert ways["released"] == "nothing"
    event = append(house, made["id"], "task_released", {}, "carmen.shelter")
    tell(house)
    assert heard(house, event) == {"hector.housing"}
    gwen.does("/v1/notices/choices", {"kind": "released", "way": "feed"})


@pytest.mark.parametrize("kind", sorted(ALWAYS_TOLD))
def test_a_nudge_cannot_be_turned_off(house: House, kind: str) -> None:
    answer = house.person("gwen.housing").post("/v1/notices/choices", {"kind": kind, "way": "nothing"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/way"


# ------------------------------------------------------------------------------------------ told by the outbox


def test_an_event_that_is_told_again_changes_nothing(house: House, made: Any) -> None:
    event = append(house, made["id"], "task_nudged", {"to": "housing", "person": "gwen.housing"}, "maria.cap")
    tell(house)
    house.sql("insert into outbox (kind, event_id) values ('event', %s)", event)
    tell(house)
    assert house.sql("select count(*) from notice where event_id = %s", event) == [(1,)]
    assert depth(house.engine)[0] == house.sql("select count(*) from outbox where kind <> 'event'")[0][0]


def test_a_consumer_that_fails_stops_no_other_and_hears_again(house: House, made: Any) -> None:
    told: list[UUID] = []

    def fail(_record: Any, _event: UUID) -> None:
        raise RuntimeError("Rosalind")

    def take(_record: Any, event: UUID) -> None:
        told.append(event)

    kinds = frozenset({"task_nudged"})
    broken = Consumer("broken", kinds, fail)
    standing = Consumer("standing", kinds, take, after="broken")
    event = append(house, made["id"], "task_nudged", {"to": "housing", "person": None}, "maria.cap")
    Teller(house.engine, [broken, *CONSUMERS, standing]).tell_batch()
    assert heard(house, event) == HOUSING
    assert told == []
    row = house.sql("select attempts, taken_by, error, dead from outbox where event_id = %s", event)
    assert row == [(1, ["mail", "notices", "tidy"], "broken RuntimeError", False)]
    house.sql("update outbox set due_at = now() where event_id = %s", event)
    Teller(house.engine, [Consumer("broken", kinds, take), *CONSUMERS, standing]).tell_batch()
    assert [str(each) for each in told] == [event, event]
    assert house.sql("select count(*) from outbox where event_id = %s", event) == [(0,)]


def test_what_fails_again_and_again_lies_dead_and_the_others_flow(house: House, made: Any) -> None:
    def fail(_record: Any, _event: UUID) -> None:
        raise RuntimeError

    broken = Teller(house.engine, [Consumer("broken", frozenset({"task_released"}), fail)])
    event = append(house, made["id"], "task_released", {}, "carmen.shelter")
    for _ in range(6):
        house.sql("update outbox set due_at = now() where event_id = %s", event)
        broken.tell_batch()
    assert house.sql("select dead, error from outbox where event_id = %s", event) == [(True, "broken RuntimeError")]
    assert claim_news(house.engine) == []
    house.sql("delete from outbox where event_id = %s", event)


def test_the_relay_to_temporal_never_claims_an_event(house: House) -> None:
    house.refer("cap", "housing")
    assert {each.kind for each in claim(house.engine, 1000)} <= {"look", "complete"}
    assert claim_news(house.engine) != []


def test_people_cannot_put_an_event_of_their_own_making_into_the_outbox(house: House, made: Any) -> None:
    event = house.sql("select id from event where referral_id = %s limit 1", made["id"])[0][0]
    with house.api.database.engine.connect() as connection:
        connection.execute(text("select * from app.enter('maria.cap', null, null)"))
        with pytest.raises(Exception, match="row-level security"):
            connection.execute(text("insert into outbox (kind, event_id) values ('event', :id)"), {"id": event})
