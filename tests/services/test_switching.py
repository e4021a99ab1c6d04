"""A plan goes over to another version of its template over HTTP, with what its lead edited meanwhile."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from services.invariants import check_record
from services.plan_advance import advance_plan
from tests.house import House
from tests.services.plans import Live, load, step
from tests.services.scenes import organization_id

HOUSING = {"organization": "housing"}
HOME = {"key": "home", "name": "A home", "term": "housing"}
CALM = {"key": "calm", "name": "Calm", "term": "legal.veterans"}


def four(**of_d: Any) -> list[dict[str, Any]]:
    return [step("a"), step("b", after=["a"]), step("c", after=["b"]), step("d", after=["c"], **of_d)]


def looked_at(house: House, plan: Live) -> dict[str, str]:
    """Where the steps stand when the engine has looked as well."""
    advance_plan(house.engine, UUID(plan.id))
    return plan.states()


def drop(plan: Live, key: str) -> None:
    version = plan.read()["version"]
    headers = plan.lead.headers | {"Idempotency-Key": f"drop-{key}-{plan.id}", "If-Match": f'"{version}"'}
    answer = plan.lead.http.request("DELETE", f"{plan.path}/steps/{key}", headers=headers)
    assert answer.status_code == 200, answer.text


def order(plan: Live) -> dict[str, list[str]]:
    return {one["key"]: one["after"] for one in plan.read()["steps"]}


def test_what_the_lead_dropped_stays_dropped_and_nothing_opens_early(house: House) -> None:
    load(house, "switch_same", four())
    plan = Live.begin(house, "switch_same")
    drop(plan, "c")
    same = plan.lead.post(f"{plan.path}/switch", {"version": 1}, **{"If-Match": "*"})
    assert (same.status_code, same.json()["code"]) == (409, "same-version")
    load(house, "switch_same", four(), version=2, definition="In other words.")
    plan.edit("/switch", {"version": 2})
    assert looked_at(house, plan) == {"a": "open", "b": "waiting", "d": "waiting"}
    assert order(plan)["d"] == ["b"]


def test_there_and_back_again_with_own_steps_other_hands_and_a_new_goal(house: House) -> None:
    load(house, "switch_back", four(), goals=[HOME])
    plan = Live.begin(house, "switch_back")
    plan.edit("/steps", {"key": "x", "title": "Something of our own", "after": ["c"], "before": ["d"]})
    plan.edit("/steps/b/reassign", {"organization_id": str(organization_id(house, "housing"))})
    load(house, "switch_back", [step("a"), step("b", after=["a"]), step("d", after=["b"], goal="calm")],
         version=2, goals=[CALM])  # fmt: skip
    preview = plan.lead.read(f"{plan.path}/switch-preview")
    assert {one["key"]: one["becomes"] for one in preview["steps"]} == {
        "d": {"after": ["b", "x"], "goal": "calm"},
        "x": {"after": ["b"]},
    }
    assert [one["key"] for one in preview["goals"]] == ["calm"]
    plan.edit("/switch")
    assert order(plan) == {"a": [], "b": ["a"], "x": ["b"], "d": ["b", "x"]}
    assert plan.states() == {"a": "open", "b": "waiting", "x": "waiting", "d": "waiting"}
    assert plan.step("b")["organization_id"] == str(organization_id(house, "housing"))
    assert {goal["key"]: bool(goal["need_id"]) for goal in plan.read()["goals"]} == {"home": True, "calm": True}
    plan.edit("/switch", {"version": 1})
    assert order(plan) == {"a": [], "b": ["a"], "x": ["b"], "d": ["c", "x"], "c": ["b"]}
    assert looked_at(house, plan) == {"a": "open", "b": "waiting", "x": "waiting", "d": "waiting", "c": "waiting"}
    assert not [wrong for wrong in check_record(house.engine) if plan.id in wrong]


def test_a_step_of_its_own_is_not_overwritten_by_one_of_the_same_name(house: House) -> None:
    load(house, "switch_clash", four())
    plan = Live.begin(house, "switch_clash")
    plan.edit("/steps", {"key": "n", "title": "Ours", "after": ["a"]})
    load(house, "switch_clash", [*four(), step("n", HOUSING, after=["d"])], version=2)
    preview = plan.lead.read(f"{plan.path}/switch-preview")
    assert (preview["clashes"], "Drop yours" in preview["refused"]) == (["n"], True)
    refused = plan.lead.post(f"{plan.path}/switch", {}, **{"If-Match": "*"})
    assert (refused.status_code, refused.json()["detail"]) == (409, preview["refused"])
    assert plan.step("n")["title"] == "Ours"
    drop(plan, "n")
    plan.edit("/switch")
    assert (plan.step("n")["title"], order(plan)["n"], looked_at(house, plan)["n"]) == ("Do n", ["d"], "waiting")


def test_a_version_whose_condition_reads_what_nobody_was_asked_is_refused_before_and_when_it_is_taken(
    house: House,
) -> None:
    load(house, "switch_asks", four())
    plan = Live.begin(house, "switch_asks")
    form = [{"key": "risk", "kind": "yes_no", "label": "At risk?"}]
    when = [{"step": "a", "field": "risk", "one_of": ["yes"]}]
    load(house, "switch_asks", [step("a", form=form), *four()[1:], step("n", after=["a"], when=when)], version=2)
    preview = plan.lead.read(f"{plan.path}/switch-preview")
    refused = plan.lead.post(f"{plan.path}/switch", {}, **{"If-Match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (409, "condition")
    assert preview["refused"] == refused.json()["detail"]
    assert plan.read()["template_version"] == 1
    for unknown in (
        plan.lead.post(f"{plan.path}/switch", {"version": 99}, **{"If-Match": "*"}),
        plan.lead.get(f"{plan.path}/switch-preview", version="99"),
    ):
        assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (422, "/version")


def test_what_was_left_out_by_its_condition_has_not_begun_and_follows_the_version(house: House) -> None:
    form = [{"key": "q", "kind": "yes_no", "label": "Wanted?"}]

    def asked(title: str, wanted: str) -> list[dict[str, Any]]:
        when = [{"step": "a", "field": "q", "one_of": [wanted]}]
        d = step("d", after=["a"], when=when) | {"title": title}
        return [step("a", form=form), d, step("e", after=["a"])]

    load(house, "switch_left", asked("First words", "yes"))
    plan = Live.begin(house, "switch_left")
    plan.works("a", "cap", {"q": "no"})
    assert looked_at(house, plan) == {"a": "done", "d": "skipped", "e": "open"}
    load(house, "switch_left", asked("Other words", "no"), version=2)
    assert [one["key"] for one in plan.lead.read(f"{plan.path}/switch-preview")["steps"]] == ["d"]
    plan.edit("/switch")
    assert looked_at(house, plan) == {"a": "done", "d": "open", "e": "open"}
    assert plan.step("d")["title"] == "Other words"


def test_a_goal_that_the_version_calls_otherwise_is_called_so_here_too(house: House) -> None:
    load(house, "switch_name", four(goal="home"), goals=[HOME])
    plan = Live.begin(house, "switch_name")
    load(house, "switch_name", four(goal="home"), version=2, goals=[HOME | {"name": "A home that lasts"}])
    need = plan.body["goals"][0]["need_id"]
    assert plan.lead.read(f"{plan.path}/switch-preview")["goals"] == [
        {"key": "home", "was": {"name": "A home"}, "becomes": {"name": "A home that lasts"}}
    ]
    (goal,) = plan.edit("/switch")["goals"]
    assert (goal["name"], goal["need_id"]) == ("A home that lasts", need)
