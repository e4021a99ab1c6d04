"""Who sees what of an action plan: its lead, those who own a step, the backbone, and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any
from uuid import UUID

import psycopg
import pytest

from concert.embedded.postgres import libpq_url
from services.plan_advance import advance_plan
from tests.house import House
from tests.services.plans import Live, load, step
from tests.services.scenes import organization_id
from tests.services.test_providers import client_of, release

FORBIDDEN = psycopg.errors.InsufficientPrivilege


@pytest.fixture(scope="module")
def plan(house: House) -> Live:
    """Housing, the counselors and the safe home each have a step; the first two know who it is."""
    load(
        house,
        "walls",
        [
            step("listen"),
            step("rent", {"organization": "housing"}),
            step("counsel", {"organization": "bh", "service": house.service("bh", nth=1).name}, kind="referral"),
            step("safe", {"organization": "shelter", "service": house.service("shelter").name}, after=["listen"]),
            step("later", {"organization": "legal"}, after=["safe"]),
        ],
        goals=[{"key": "home", "name": "A home", "term": "housing"}],
    )
    maria = house.caseworker("cap")
    client = maria.does("/v1/clients", {"given_name": "Rosalind", "family_name": "Featherstonehaugh"})["id"]
    consent = house.consent(maria, client, "housing")["id"]
    made = Live.begin(house, "walls", client_id=client, consent_id=consent)
    made.works("listen", "cap")
    advance_plan(house.engine, UUID(made.id))
    return made


def _steps(seen: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["key"]: one for one in seen["steps"]}


def test_the_lead_sees_everything_of_its_plan(house: House, plan: Live) -> None:
    steps = _steps(plan.read())
    assert set(steps) == {"listen", "rent", "counsel", "safe", "later"}
    assert steps["counsel"]["term"]
    assert steps["safe"]["task"]["organization_id"] == str(organization_id(house, "shelter"))
    assert plan.body["client_id"]


def test_a_partner_sees_where_the_others_are_and_only_its_own_service_and_task(house: House, plan: Live) -> None:
    gwen = house.caseworker("housing")
    seen = gwen.read(plan.path)
    steps = _steps(seen)
    assert (seen["client_id"], seen["consent_id"], seen["allowed_actions"]) == (None, None, [])
    assert (steps["listen"]["state"], steps["listen"]["title"], steps["listen"]["task"]) == ("done", "Do listen", None)
    assert steps["listen"]["organization_id"] == str(organization_id(house, "cap"))
    assert steps["rent"]["task"]["allowed_actions"]
    assert seen["goals"][0]["need_id"] is None
    hidden = [one for one in seen["steps"] if one["title"] == "A step of another partner"]
    assert [(one["term"], one["service_id"], one["key"].startswith("step-")) for one in hidden] == [(None, None, True)]
    assert "counsel" not in gwen.get(plan.path).text


def test_what_the_safe_home_does_is_known_to_itself_and_the_lead_alone(house: House, plan: Live) -> None:
    shelter = str(organization_id(house, "shelter"))
    for login in ("gwen.housing", "ruth.hub", "edith.hub", house.caseworker("bh").login):
        for path in (plan.path, f"{plan.path}/timeline"):
            text = house.person(login).get(path).text
            assert shelter not in text, login
            assert '"safe"' not in text, login
    carmen = house.caseworker("shelter")
    assert _steps(carmen.read(plan.path))["safe"]["task"]


def test_the_backbone_sees_the_plan_without_the_client_and_moves_nothing(house: House, plan: Live) -> None:
    ruth = house.person("ruth.hub")
    seen = ruth.read(plan.path)
    assert (seen["client_id"], seen["household_id"], seen["allowed_actions"]) == (None, None, ["except"])
    assert all(one["allowed_actions"] == [] for one in seen["steps"])
    assert plan.id in [one["id"] for one in ruth.read("/v1/action-plans", limit="200")["items"]]
    refused = ruth.post(f"{plan.path}/close", {"outcomes": {"home": "need_met"}}, **{"If-Match": "*"})
    assert refused.status_code == 403


@pytest.mark.parametrize("login", ["lupe.pantry", "felix.clinic"])
def test_who_has_no_step_finds_nothing(house: House, plan: Live, login: str) -> None:
    stranger = house.person(login)
    for path in (plan.path, f"{plan.path}/timeline", f"{plan.path}/versions/1", f"{plan.path}/switch-preview"):
        assert stranger.get(path).status_code == 404, path
    assert stranger.post(f"{plan.path}/review", {}, **{"If-Match": "*"}).status_code == 404
    assert plan.id not in stranger.get("/v1/action-plans", limit="200").text


def test_the_name_reaches_who_is_named_in_the_consent_and_says_yes(house: House, plan: Live) -> None:
    gwen, hollis = house.caseworker("housing"), house.caseworker("bh")
    assert gwen.read(plan.task("rent"))["client_id"] is None
    accepted = gwen.does(f"{plan.task('rent')}/accept")
    assert gwen.read(f"/v1/clients/{accepted['client_id']}")["family_name"] == "Featherstonehaugh"
    assert hollis.does(f"{plan.task('counsel')}/accept")["client_id"] is None


def test_who_is_taken_out_of_the_plan_reads_it_no_more(house: House) -> None:
    load(house, "leaving", [step("rent", {"organization": "housing"}), step("own")])
    made = Live.begin(house, "leaving")
    gwen, task = house.caseworker("housing"), made.task("rent")
    assert gwen.get(made.path).status_code == 200
    made.edit("/steps/rent/reassign", {"organization_id": str(organization_id(house, "family"))})
    assert gwen.get(made.path).status_code == 404
    assert gwen.read(task)["state"] == "cancelled"
    assert house.caseworker("family").get(made.path).status_code == 200


def test_requests_of_a_plan_are_decided_on_the_plan(house: House, plan: Live) -> None:
    one = plan.step("counsel")
    refused = plan.lead.post(f"/v1/referrals/{one['referral_id']}/withdraw", {"reason": "moved_away"})
    assert (refused.status_code, refused.json()["code"]) == (409, "step-of-a-plan")
    assert plan.step("rent")["referral_id"] not in plan.lead.get("/v1/referrals", limit="200").text


def test_a_plan_of_the_safe_home_is_read_by_nobody_whom_no_release_names(house: House) -> None:
    load(house, "release", [step("listen"), step("rent", {"organization": "housing"}, after=["listen"]),
                            step("counsel", {"organization": "legal"}, after=["listen"])])  # fmt: skip
    carmen = house.person("carmen.shelter")
    client = client_of(carmen)
    consent = carmen.does("/v1/consents", release(house, client, "housing", legal_basis="vawa"))["id"]
    bare = Live(house, carmen, carmen.does("/v1/action-plans", {"template": "release", "client_id": client}))
    told = Live.begin(house, "release", "shelter", client_id=client, consent_id=consent)
    for slug, plan, found in (
        ("housing", bare, 404),
        ("legal", bare, 404),
        ("housing", told, 200),
        ("legal", told, 404),
    ):
        plan.edit("/steps/counsel/move", {"after": ["listen"]})
        advance_plan(house.engine, UUID(plan.id))
        worker = house.caseworker(slug)
        assert worker.get(plan.path).status_code == found, (slug, found)
        assert (plan.id in worker.get("/v1/action-plans", limit="200").text) == (found == 200)
        with psycopg.connect(libpq_url(house.settings.database_url)) as door:
            door.execute("select user_id from app.enter(%s, null, null)", [worker.login])
            own = door.execute("select key from plan_step where action_plan_id = %s", [plan.id]).fetchall()
        assert own == ([("rent",)] if found == 200 else [])


def test_what_is_sensitive_stays_so_in_goals_in_the_timeline_and_with_another_owner(house: House) -> None:
    load(
        house,
        "quiet",
        [step("rent", {"organization": "housing"}), step("own"),
         step("counsel", {"term": "health.mental"}, after=["own"]),
         step("support", {"organization": "legal"}, goal="calm")],
        goals=[{"key": "calm", "name": "Sleep again", "term": "health.mental"},
               {"key": "home", "name": "A home", "term": "housing"}],
    )  # fmt: skip
    made = Live.begin(house, "quiet")
    made.edit("/steps/counsel/move", {"after": ["own", "rent"]})
    made.edit("/steps/rent/reassign", {"organization_id": str(organization_id(house, "family"))})
    made.edit("/steps", {"key": "extra", "title": "Do more", "after": ["counsel"]})
    made.edit("/steps/counsel/reassign", {"organization_id": str(organization_id(house, "housing"))})
    made.edit("/review", {"outcomes": {"calm": "partly_met", "home": "unmet"}})
    family, ruth, legal = house.caseworker("family"), house.person("ruth.hub"), house.caseworker("legal")
    for person in (family, ruth):
        for path in (made.path, f"{made.path}/timeline"):
            said = person.get(path).text
            assert "counsel" not in said, (person.login, path)
            assert "calm" not in said, (person.login, path)
            assert "Sleep" not in said, (person.login, path)
        events = person.read(f"{made.path}/timeline")["items"]
        assert {"home": "unmet"} in [one["changed"].get("outcomes") for one in events]
    assert [goal["key"] for goal in legal.read(made.path)["goals"]] == ["calm", "home"]
    assert [goal["key"] for goal in made.read()["goals"]] == ["calm", "home"]
    assert "counsel" in made.lead.get(f"{made.path}/timeline").text


def test_a_step_taken_from_the_safe_home_does_not_tell_where_it_was(house: House) -> None:
    load(house, "moved", [step("own"), step("rent", {"organization": "housing"}),
                          step("safe", {"organization": "shelter"}),
                          step("later", {"organization": "shelter"}, after=["own"])])  # fmt: skip
    made, shelter = Live.begin(house, "moved"), str(organization_id(house, "shelter"))
    for key in ("safe", "later"):
        made.edit(f"/steps/{key}/reassign", {"organization_id": str(organization_id(house, "family"))})
    for person in (house.caseworker("housing"), house.caseworker("family"), house.person("ruth.hub")):
        assert person.read(made.path)["id"] == made.id
        for path in (made.path, f"{made.path}/timeline"):
            assert shelter not in person.get(path).text, (person.login, path)
    assert shelter in made.lead.get(f"{made.path}/timeline").text


def test_a_term_of_the_safe_homes_plan_is_asked_of_whom_the_release_names_and_of_nobody_else(house: House) -> None:
    term = house.service("housing").term
    load(house, "wall_term", [step("listen"), step("home", {"term": term}, on_decline="other_provider"),
                              step("again", {"term": term}, after=["listen"])])  # fmt: skip
    carmen = house.person("carmen.shelter")
    client = client_of(carmen)
    bare = Live.begin(house, "wall_term", "shelter", client_id=client)
    one = bare.step("home")
    assert (one["task"], one["ball_in_court"]["organization_id"]) == (None, bare.body["organization_id"])
    consent = carmen.does("/v1/consents", release(house, client, "housing"))["id"]
    told = Live.begin(house, "wall_term", "shelter", client_id=client, consent_id=consent)
    housing = str(organization_id(house, "housing"))
    assert told.step("home")["organization_id"] == housing
    told.works("listen", "shelter")
    advance_plan(house.engine, UUID(told.id))
    assert told.step("again")["organization_id"] == housing, "the engine asks the same"
    body = {"reason_code": "full", "reason_class": "no_capacity"}
    house.caseworker("housing").does(f"{told.task('home')}/decline", body)
    advance_plan(house.engine, UUID(told.id))
    assert told.step("home")["ball_in_court"]["organization_id"] == told.body["organization_id"]
    asked = house.sql("select distinct o.slug from task t join organization o on o.id = t.organization_id"
                      " where t.action_plan_id in (%s, %s)", bare.id, told.id)  # fmt: skip
    assert set(asked) == {("shelter",), ("housing",)}
    ruth = house.person("ruth.hub")
    assert ruth.get(told.path).status_code == 404
    carmen.does(f"/v1/consents/{consent}/revoke")
    advance_plan(house.engine, UUID(told.id))
    assert house.caseworker("housing").get(told.path).status_code == 404


@pytest.fixture(scope="module")
def told_for_a_while(house: House) -> str:
    load(
        house,
        "a_while",
        [step("rent", {"organization": "housing"}), step("own"),
         step("later", {"organization": "housing"}, after=["own"])],
    )  # fmt: skip
    return "a_while"


@pytest.mark.parametrize("ends", ["revoked", "until"])
def test_a_release_that_ends_closes_the_plan_at_the_next_read_and_the_partner_finishes_its_work(
    house: House, told_for_a_while: str, ends: str
) -> None:
    carmen, gwen = house.person("carmen.shelter"), house.caseworker("housing")
    client = client_of(carmen)
    plan = Live.begin(house, told_for_a_while, "shelter", client_id=client)
    until = datetime.now(UTC) + (timedelta(seconds=3) if ends == "until" else timedelta(days=30))
    consent = carmen.does("/v1/consents", release(house, client, "housing", until=until.isoformat()))["id"]
    plan.edit("/consent", {"consent_id": consent})
    plan.edit("/steps/rent/reassign", {"organization_id": str(organization_id(house, "housing"))})
    task = plan.task("rent")
    gwen.does(f"{task}/accept")
    assert _found(house, plan) == {"plan", "timeline", "list", "steps", "requests"}
    if ends == "revoked":
        carmen.does(f"/v1/consents/{consent}/revoke")
    else:
        sleep(max(0, (until - datetime.now(UTC)).total_seconds()) + 0.1)
    assert _found(house, plan) == set(), "nobody has edited the plan, no engine runs"
    assert gwen.does(f"{task}/complete", {"outputs": {}})["state"] == "completed", "its own work is its own"
    assert _found(house, plan) == set()
    again = carmen.does("/v1/consents", release(house, client, "housing"))["id"]
    plan.edit("/consent", {"consent_id": again})
    assert _found(house, plan) == {"plan", "timeline", "list", "steps", "requests"}, "a new release opens it again"


def test_a_consent_that_ends_hides_a_plan_of_an_open_house_from_nobody(house: House, told_for_a_while: str) -> None:
    maria = house.caseworker("cap")
    client = client_of(maria)
    consent = house.consent(maria, client, "housing")["id"]
    plan = Live.begin(house, told_for_a_while, client_id=client, consent_id=consent)
    maria.does(f"/v1/consents/{consent}/revoke")
    assert house.caseworker("housing").get(plan.path).status_code == 200


def _found(house: House, plan: Live) -> set[str]:
    """Where housing finds the plan: over HTTP, and past every route."""
    gwen = house.caseworker("housing")
    seen = {what for what, path in (("plan", ""), ("timeline", "/timeline")) if gwen.get(plan.path + path).is_success}
    with psycopg.connect(libpq_url(house.settings.database_url)) as door:
        door.execute("select user_id from app.enter(%s, null, null)", [gwen.login])
        for what, question in (
            ("steps", "select key from plan_step where action_plan_id = %s"),
            ("requests", "select key from app.plan_requests(%s)"),
        ):
            if door.execute(question, [plan.id]).fetchall():
                seen.add(what)
    return seen | ({"list"} if plan.id in gwen.get("/v1/action-plans", limit="200").text else set())


# ---------------------------------------------------------------------------------------- in SQL, past every route


@pytest.fixture
def door(house: House) -> Iterator[psycopg.Connection[tuple[Any, ...]]]:
    with psycopg.connect(libpq_url(house.settings.database_url)) as connection:
        yield connection
        connection.rollback()


TABLES = ("action_plan", "plan_step", "plan_goal", "plan_partner", "plan_version")


@pytest.mark.parametrize("table", TABLES)
def test_no_row_of_a_plan_is_a_strangers(door: Any, plan: Live, table: str) -> None:
    door.execute("select user_id from app.enter('lupe.pantry', null, null)")
    assert door.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_row_security_alone_hides_the_safe_homes_step(house: House, door: Any, plan: Live) -> None:
    for login, sees in (("maria.cap", 1), ("carmen.shelter", 1), ("gwen.housing", 0), ("ruth.hub", 0)):
        door.rollback()
        door.execute("select user_id from app.enter(%s, null, null)", [login])
        found = door.execute("select count(*) from plan_step where action_plan_id = %s and key = 'safe'", [plan.id])
        assert found.fetchone() == (sees,), login
        rows = door.execute("select key from app.plan_requests(%s)", [plan.id]).fetchall()
        assert (("safe",) in rows) == bool(sees), login


@pytest.mark.parametrize("statement", [
    "update action_plan set state = 'completed'",
    "update plan_step set removed_at = now()",
    "update plan_goal set outcome = 'need_met'",
    "update plan_partner set reads = true",
])  # fmt: skip
def test_who_owns_a_step_writes_nothing_of_the_plan(door: Any, plan: Live, statement: str) -> None:
    door.execute("select user_id from app.enter('gwen.housing', null, null)")
    assert door.execute(statement).rowcount == 0


@pytest.mark.parametrize("statement", [
    "update action_plan set organization_id = uuidv7()",
    "update action_plan set template = 'other'",
    "update plan_step set key = key || 'x'",
    "update plan_goal set need_id = uuidv7()",
    "update plan_version set steps = '[]'",
    "delete from plan_version",
    "delete from plan_step",
    "update referral set step = '{}' where action_plan_id is not null",
    "update task set step = '{}' where action_plan_id is not null",
])  # fmt: skip
def test_not_even_the_lead_rewrites_whose_a_plan_is_or_what_it_was(door: Any, plan: Live, statement: str) -> None:
    door.execute("select user_id from app.enter('maria.cap', null, null)")
    with pytest.raises(FORBIDDEN):
        door.execute(statement)
