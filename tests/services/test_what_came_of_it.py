"""A need counts once for the region; each partner that took part shows what its own work came to (decisions 28, 31)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import storage.migrations
from services.advance import advance_referral
from services.invariants import check_record
from services.outcomes import KIND
from tests.house import OUTCOME, House
from tests.services.plans import Live, load, step
from tests.services.scenes import ledger, numbers, organization_id, proven, refer, task_of

UNMET = {"outcome": "unmet", "by": "client"}
SQL = Path(storage.migrations.__file__).parent / "sql"
SLIP = {"reason": "The wrong family."}
CODES = ("partner_met", "outcome_need_met", "outcome_unmet", "funnel_met", "needs_met")
Counted = dict[str, dict[str, int]]


def counted(house: House, before: dict[str, Any]) -> Counted:
    """Code → partner → how many more there are since; the region is ''."""
    slugs = {str(one.id): one.slug for one in house.region.organizations}
    found: Counted = {}
    for code in CODES:
        now: dict[str, int] = {}
        for key, value in ledger(house, code).items():
            whose = slugs.get(str(key[3]), "")
            now[whose] = now.get(whose, 0) + value
        for key, value in before[code].items():
            whose = slugs.get(str(key[3]), "")
            now[whose] = now.get(whose, 0) - value
        found |= {code: left} if (left := {whose: value for whose, value in now.items() if value}) else {}
    return found


def both(*partners: str) -> Counted:
    """Met by each of them, and once for the region."""
    each = dict.fromkeys(partners, 1)
    return {"partner_met": each, "outcome_need_met": each, "funnel_met": {"": len(partners)}, "needs_met": {"": 1}}


def serves(house: House, made: Any, slug: str) -> str:
    """Accepted and completed; the referral's path."""
    worker = house.caseworker(slug)
    worker.does(f"{task_of(made)}/accept")
    worker.does(f"{task_of(made)}/complete", OUTCOME)
    return f"/v1/referrals/{made['id'] if isinstance(made, dict) else made.id}"


def again(house: House, first: str) -> Any:
    """Another referral for the same need, to the faith network."""
    maria = house.person("maria.cap")
    asked = maria.read(first)
    body = {"service_id": str(house.other_door().id), "client_id": asked["client_id"], "need_id": asked["need_id"]}
    return maria.does("/v1/referrals", body)


RELOAD = "update collaborative set revision = revision + 1"
FORMER = f"""
create temporary table pairs on commit drop as
select r.id as told, n.id as need from event r join event n on n.need_id = r.need_id and n.kind = 'need_outcome'
   and n.facts ->> 'outcome' is not distinct from r.facts ->> 'outcome' and n.referral_id = r.referral_id
 where r.kind = '{KIND}';
insert into indicator_entry (id, event_id, collaborative_id, indicator_id, part, period, bucket, organization_id,
                             dimensions, restricted, value)
select uuidv7(), later.id, e.collaborative_id, e.indicator_id, e.part, e.period, e.bucket, e.organization_id,
       e.dimensions, e.restricted, -e.value
  from pairs p join event later on later.kind = 'need_outcome' and later.reverses ? p.need::text
  join indicator_entry e on e.event_id = p.told and e.value > 0
  join indicator i on i.id = e.indicator_id and i.rule ->> 'event' = '{KIND}'
 where not exists (select from event r where r.kind = '{KIND}' and r.reverses ? p.told::text);
set session_replication_role = replica;
update event n set facts = n.facts || r.facts || '{{"of_request": "yes"}}' from pairs p join event r on r.id = p.told
 where n.id = p.need and r.facts ->> 'outcome' is not null;
update indicator_entry e set event_id = p.need from pairs p where e.event_id = p.told;
delete from event where id in (select told from pairs);
update indicator set rule = jsonb_set(rule, '{{event}}', '"need_outcome"')
 where rule ->> 'event' = '{KIND}';
update indicator set rule = jsonb_set(rule, '{{where,of_request}}', '"yes"') where code = 'funnel_met';
set session_replication_role = origin;
{RELOAD}
"""
"""As the record was before a request's outcome was an event of its own."""


def test_what_was_counted_before_stays_counted_and_goes_on(house: House) -> None:
    before, maria = numbers(house), house.person("maria.cap")
    paths = [serves(house, refer(house, "cap", "housing"), "housing") for _ in range(3)]
    maria.does(f"{paths[0]}/confirm", UNMET)
    maria.does(f"{paths[1]}/void", SLIP)
    proven(house)
    then = numbers(house)
    house.sql(FORMER)
    assert numbers(house) == then
    house.sql(f"set role concert_owner; {(SQL / '0033_outcomes.sql').read_text()}; reset role; {RELOAD}")
    assert numbers(house) == then
    proven(house)
    for path in (paths[0], paths[2]):
        maria.does(f"{path}/void", SLIP)
    assert numbers(house) == before
    proven(house)


def test_where_one_referrals_word_took_back_anothers_nothing_is_taken_back_twice(house: House) -> None:
    before, maria = numbers(house), house.person("maria.cap")
    first = serves(house, refer(house, "cap", "housing"), "housing")
    maria.does(f"{first}/confirm", {"outcome": "unmet"})
    second = serves(house, again(house, first), "faith")
    house.sql(FORMER)
    proven(house)
    then = numbers(house)
    house.sql(f"set role concert_owner; {(SQL / '0033_outcomes.sql').read_text()}; reset role; {RELOAD}")
    assert numbers(house) == then
    proven(house)
    for path in (first, second):
        maria.does(f"{path}/void", SLIP)
    assert numbers(house) == before
    proven(house)
    assert [one for one in check_record(house.engine) if "taken back" in one] == []


def two_attempts(house: House) -> tuple[str, str]:
    """Housing met the need, its source confirms; so does the faith network's work later, which nobody confirmed yet."""
    maria = house.person("maria.cap")
    first = serves(house, refer(house, "cap", "housing"), "housing")
    maria.does(f"{first}/confirm", OUTCOME)
    return first, serves(house, again(house, first), "faith")


def test_who_met_a_need_together_shows_it_each_and_the_region_once(house: House) -> None:
    before, maria = numbers(house), house.person("maria.cap")
    first, second = two_attempts(house)
    assert counted(house, before) == both("housing", "faith")
    maria.does(f"{second}/confirm", OUTCOME)
    assert counted(house, before) == both("housing", "faith")
    maria.does(f"{first}/void", SLIP)
    assert counted(house, before) == both("faith"), "what was entered in error is nobody's"
    maria.does(f"{second}/void", SLIP)
    assert numbers(house) == before
    proven(house)


def test_what_the_client_says_of_one_is_not_said_of_the_other(house: House) -> None:
    before, maria = numbers(house), house.person("maria.cap")
    first, _ = two_attempts(house)
    maria.does(f"{first}/confirm", UNMET)
    assert counted(house, before) == both("faith") | {"outcome_unmet": {"housing": 1}}
    proven(house)


def test_a_step_that_was_entered_in_error_met_nothing_whatever_its_goal_came_to(house: House) -> None:
    rent = {"organization": "housing", "service": house.service("housing").name}
    home = {"key": "home", "name": "A home", "term": "housing"}
    steps = [step("rent", rent, kind="referral", goal="home"), step("last", after=["rent"])]
    load(house, "goal_stands", steps, goals=[home])
    before = numbers(house)
    plan = Live.begin(house, "goal_stands")
    plan.works("rent", "housing", outcome="need_met")
    plan.lead.does(f"/v1/referrals/{plan.step('rent')['referral_id']}/confirm", OUTCOME)
    plan.edit("/review", {"outcomes": {"home": "need_met"}})
    assert counted(house, before) == both("housing")
    plan.lead.does(f"{plan.task('rent')}/void", SLIP)
    assert counted(house, before) == {"needs_met": {"": 1}}, "the lead's own word on the goal stands"
    plan.edit("/void", SLIP)
    assert numbers(house) == before
    proven(house)


def test_who_said_no_shows_nothing_and_who_failed_nothing_either(house: House) -> None:
    """Asked at once: one declines, the other takes it on and fails; the source closes it as unmet."""
    before, maria = numbers(house), house.person("maria.cap")
    doors = [str(house.service("housing").id), str(house.other_door().id)]
    made = maria.does("/v1/referrals", {"service_ids": doors, "client": {"given_name": "A", "family_name": "B"}})
    tasks = {one["organization_id"]: f"/v1/tasks/{one['id']}" for one in made["tasks"]}
    no = {"reason_code": "full", "reason_class": "no_capacity"}
    house.caseworker("housing").does(f"{tasks[str(organization_id(house, 'housing'))]}/decline", no)
    theirs = tasks[str(organization_id(house, "faith"))]
    naomi = house.caseworker("faith")
    naomi.does(f"{theirs}/accept")
    naomi.does(f"{theirs}/fail", {"reason": "full"})
    maria.does(f"/v1/referrals/{made['id']}/close-unmet", {"reason": "full"})
    assert counted(house, before) == {"outcome_unmet": {"faith": 1}}
    maria.does(f"/v1/referrals/{made['id']}/void", SLIP)
    assert numbers(house) == before
    proven(house)


def test_what_nobody_confirmed_counts_as_its_partner_reported_it(house: House) -> None:
    before = numbers(house)
    path = serves(house, refer(house, "cap", "housing"), "housing")
    assert counted(house, before) == both("housing")
    referral = path.rpartition("/")[2]
    house.sql("update referral set due_at = now() - interval '1 hour' where id = %s", referral)
    advance_referral(house.engine, UUID(referral))
    assert counted(house, before) == both("housing")
    house.person("maria.cap").does(f"{path}/confirm", UNMET)
    assert counted(house, before) == {"outcome_unmet": {"housing": 1}}
    house.person("maria.cap").does(f"{path}/void", SLIP)
    assert numbers(house) == before
    proven(house)


def test_nothing_of_it_enters_the_scorecard_of_a_partner_that_is_only_on_the_phone(house: House) -> None:
    before, maria = numbers(house), house.person("maria.cap")
    phoned = next(
        one.slug
        for one in house.region.organizations
        if one.mode == "by_phone" and any(service.organization_id == one.id for service in house.region.services)
    )
    made = refer(house, "cap", phoned)
    for verb, body in (("accept", {}), ("complete", OUTCOME)):
        maria.does(f"{task_of(made)}/{verb}", body | {"said_by": "Ann at the desk"})
    maria.does(f"/v1/referrals/{made.id}/confirm", OUTCOME)
    maria.does(f"/v1/referrals/{made.id}/confirm", UNMET)
    assert counted(house, before) == {"outcome_unmet": {"": 1}}
    proven(house)
