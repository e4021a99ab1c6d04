"""A changed agenda is a new version: nothing in the record is ever said to have meant something else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from seed.agenda import Agenda, IndicatorSpec
from seed.agreement import agenda, amendment_of, read_agenda
from services.amending import Amended, amend_agenda
from tests.house import House
from tests.services.scenes import proven, refer, total


def amend(house: House, found: Agenda) -> Amended:
    return amend_agenda(house.admin_url, amendment_of(found))


def with_indicator(code: str, *, version: int = 1, **more: Any) -> Agenda:
    """The shipped agenda, with that version of one indicator changed, or added as a higher one."""
    shipped = agenda()
    old = next(one for one in shipped.indicators if one.code == code)
    new: IndicatorSpec = replace(old, version=version, **more)
    rest = tuple(one for one in shipped.indicators if (one.code, one.version) != (code, version))
    return replace(shipped, indicators=(*rest, new))


def test_loading_what_is_there_already_changes_nothing(house: House) -> None:
    revision = house.sql("select revision from collaborative")
    amended = amend(house, agenda())
    assert (amended.objections, amended.changed) == ([], False)
    assert house.sql("select revision from collaborative") == revision


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("rule", {"measure": "count", "event": "referral_created"}), ("definition", "Something else."),
        ("unit", "letters"), ("direction", "down"), ("kind", "how_well"), ("effective_on", date(2025, 8, 1)),
        ("strategy", "answer_fast"),
    ],
)  # fmt: skip
def test_a_version_in_the_record_is_never_edited(house: House, member: str, value: Any) -> None:
    before = house.sql("select * from indicator order by id")
    amended = amend(house, with_indicator("referrals_sent", **{member: value}))
    assert [one.place[-1] for one in amended.objections] == ["version"]
    assert "add `version: 2`" in amended.objections[0].remedy
    assert house.sql("select * from indicator order by id") == before


def test_a_baseline_may_be_filled_in_once_it_was_observed(house: House) -> None:
    ruth = house.person("ruth.hub")
    assert ruth.read("/v1/indicators/referrals_sent")["baseline_period"] is True
    amended = amend(house, with_indicator("referrals_sent", baseline={"value": 40, "period": "2025", "source": "Log"}))
    assert amended.updated == [("referrals_sent", 1)]
    assert ruth.read("/v1/indicators/referrals_sent")["baseline_period"] is False
    amend(house, agenda())


def test_a_new_version_is_proposed_and_counts_nothing_yet(house: House) -> None:
    rule = {"measure": "count", "event": "referral_created", "by": ["county"]}
    before = total(house, "loops_closed")
    amended = amend(house, with_indicator("loops_closed", version=2, effective_on=date(2026, 1, 1), rule=rule))
    assert amended.proposed == [("loops_closed", 2)]
    refer(house, "cap", "housing")
    assert total(house, "loops_closed") == before
    shown = house.person("ruth.hub").read("/v1/indicators/loops_closed")
    assert (shown["version"], [one["version"] for one in shown["versions"]]) == (1, [1])
    answer = house.person("ruth.hub").get("/v1/indicators/loops_closed", version=2)
    assert answer.status_code == 422
    assert (
        amend(house, with_indicator("loops_closed", version=2, effective_on=date(2026, 1, 1), rule=rule)).changed
        is False
    )
    proven(house)


@pytest.mark.parametrize(
    ("version", "since", "place"),
    [(4, date(2026, 1, 1), "version"), (2, date(2025, 7, 1), "effective_on"), (2, date(2024, 1, 1), "effective_on")],
)
def test_versions_follow_one_another(house: House, version: int, since: date, place: str) -> None:
    amended = amend(house, with_indicator("needs_met", version=version, effective_on=since))
    assert [one.place[-1] for one in amended.objections] == [place]


def test_one_objection_and_nothing_at_all_is_written(house: House) -> None:
    found = with_indicator("needs_unmet", version=2, effective_on=date(2026, 1, 1))
    amended = amend(house, replace(found, version=7))
    assert [one.place for one in amended.objections] == [("agenda", "version")]
    assert house.sql("select count(*) from indicator where code = 'needs_unmet'") == [(1,)]


def test_every_objection_leads_to_its_line_also_of_a_scorecards_own_figure(house: House, tmp_path: Path) -> None:
    shipped = files("seed").joinpath("agenda.yaml").read_text(encoding="utf-8")
    figure, listed = "Requests and steps to which the partner said yes.", "  - code: referrals_sent\n    version: 1"
    assert (shipped.count(figure), shipped.count(listed)) == (1, 1)
    text = shipped.replace(figure, "Something else.").replace(listed, listed[:-1] + "3")
    text = text.replace("  - {code: federal_year, ", "  - {code: fiscal_year, ").replace("federal_year", "fiscal_year")
    file = tmp_path / "agenda.yaml"
    file.write_text(text, encoding="utf-8")
    sheet, found = read_agenda(file)
    assert found is not None
    objected = amend(house, replace(found, version=2)).objections
    for one in objected:
        sheet.slip(one.place, one.what, one.remedy)
    lines = text.splitlines()
    told = {lines[slip.line - 1].strip() for slip in sheet.slips}
    assert {one.split(":")[0] for one in told} == {"version", "- code", "calendars"}, told
    assert "- code: tasks_accepted" in told
    assert len(sheet.slips) == len(objected) == 3


def test_an_owner_has_to_be_a_partner(house: House) -> None:
    amended = amend(house, with_indicator("needs_met", owner="nobody"))
    assert "`nobody` is no partner" in amended.objections[0].what


def test_a_reason_by_which_work_has_ended_keeps_its_class(house: House) -> None:
    reasons = tuple(replace(one, reason_class="provider") if one.code == "full" else one for one in agenda().reasons)
    amended = amend(house, replace(agenda(), reasons=reasons))
    assert [one.place[0] for one in amended.objections] == ["reasons"]


def test_a_calendar_that_is_counted_by_cannot_change(house: House) -> None:
    periods = tuple(replace(one, starts_in=8) if one.code == "state_year" else one for one in agenda().periods)
    same = amend(house, replace(agenda(), periods=periods))
    assert [one.place for one in same.objections] == [("agenda", "version")]
    ((newest,),) = house.sql("select max(version) from agenda")
    later = amend(house, replace(agenda(), version=newest + 1, periods=periods))
    assert ("calendars", 1) in [one.place for one in later.objections]


def test_a_new_agenda_version_stands_at_once(house: House) -> None:
    ((newest,),) = house.sql("select max(version) from agenda")
    clocks = agenda().clocks | {"routine": agenda().clocks["routine"] | {"acknowledge": {"business_days": 2}}}
    assert amend(house, replace(agenda(), version=newest + 1, clocks=clocks)).version_added
    body = (
        "select body #>> '{clocks,routine,acknowledge,business_days}', body ? 'counties' from agenda where version = %s"
    )
    assert house.sql(body, newest + 1) == [("2", True)]
    assert house.sql("select agenda_version from collaborative") == [(newest + 1,)]


def test_an_old_file_changes_nothing_of_what_stands_since(house: House) -> None:
    """Its settings have no versions: those of an old file would undo what was agreed on later."""
    ((newest,),) = house.sql("select max(version) from agenda")
    assert amend(house, replace(agenda(), version=newest + 1)).version_added
    assert amend(house, replace(agenda(), version=newest + 2)).version_added
    other = replace(agenda().collaborative, suppress_below=3, name="An old name")
    before = house.sql("select publication_threshold, name, agenda_version from collaborative")
    refused = amend(house, replace(agenda(), version=newest + 1, collaborative=other))
    assert [one.place for one in refused.objections] == [("agenda", "version")]
    assert "an old one" in refused.objections[0].what
    assert house.sql("select publication_threshold, name, agenda_version from collaborative") == before


def test_a_new_version_keeps_what_pathways_serve_and_was_adopted_after_the_one_before(house: House) -> None:
    ((newest, adopted),) = house.sql("select version, adopted_on from agenda order by version desc limit 1")
    shipped = agenda()
    served = {row[0] for row in house.sql("select body ->> 'strategy' from plan_template")}
    fewer = tuple(one for one in shipped.strategies if one.code not in served)
    before = adopted - timedelta(days=1)
    refused = amend(house, replace(shipped, version=newest + 1, adopted_on=before, strategies=fewer))
    assert {one.place for one in refused.objections} == {("agenda", "adopted_on"), ("strategies",)}
    told = [one.what for one in refused.objections if one.place == ("strategies",)]
    assert any("community_response" in one for one in told)


def test_whether_a_day_is_yet_to_come_is_asked_where_the_region_lies(house: House) -> None:
    """Its day is always another one than that of Greenwich here: ahead after noon there, behind before it."""
    ((newest, zone),) = house.sql("select max(a.version), c.zone from agenda a, collaborative c group by 2")
    now = datetime.now(UTC)
    ahead = now.hour >= 12
    house.sql("update collaborative set zone = %s", "Etc/GMT-14" if ahead else "Etc/GMT+12")
    try:
        adopted = replace(agenda(), version=newest + 1, adopted_on=now.date() + timedelta(days=int(ahead)))
        found = amend_agenda(house.admin_url, amendment_of(adopted), keep=False)
    finally:
        house.sql("update collaborative set zone = %s", zone)
    assert (("agenda", "adopted_on") in {one.place for one in found.objections}) is not ahead


def test_what_the_file_says_of_the_collaborative_holds_from_then_on_and_its_days_stay(house: House) -> None:
    ((newest,),) = house.sql("select max(version) from agenda")
    shipped = replace(agenda(), version=newest + 1)
    other = replace(shipped.collaborative, suppress_below=5, age_of_majority=21, name="Another name")
    amended = amend(house, replace(shipped, collaborative=other))
    assert amended.settings == ["age_of_majority", "name", "publication_threshold"]
    told = house.sql("select publication_threshold, age_of_majority, name from collaborative")
    assert told == [(5, 21, "Another name")]
    amend(house, replace(shipped, version=newest + 2))
    for member, place in (("time_zone", "America/Chicago"), ("backbone", "hubb")):
        changed: dict[str, Any] = {member: place}
        wrong = replace(shipped.collaborative, **changed)
        refused = amend(house, replace(shipped, version=newest + 3, collaborative=wrong))
        assert [one.place for one in refused.objections] == [("collaborative", member)]


def test_what_is_allowed_and_perhaps_not_meant_is_noted_and_a_check_writes_nothing(house: House) -> None:
    rule = {"measure": "sum", "steps": True, "fact": "answer.amont", "money": True}
    found = with_indicator("flexible_funds_paid", version=2, effective_on=date(2026, 1, 1), rule=rule)
    fewer = tuple(one for one in found.indicators if one.code != "households_served")
    would = amend_agenda(house.admin_url, amendment_of(replace(found, indicators=fewer)), keep=False)
    assert "Did you mean amount?" in would.notes[-1]
    assert "households_served is in the record and not in this file" in would.notes[0]
    assert house.sql("select count(*) from indicator where code = 'flexible_funds_paid'") == [(1,)]


def test_a_new_version_of_the_agenda_is_adopted_by_each_partner_for_itself(house: House) -> None:
    ((newest,),) = house.sql("select max(version) from agenda")
    amend(house, replace(agenda(), version=newest + 1))
    shown = house.person("ruth.hub").read("/v1/agenda")
    assert {one["version"] for one in shown["adoptions"]} == {1, None}
    (boss,) = house.region.people_of("housing", "supervisor")[:1]
    adopts = house.person(boss.login)
    assert house.caseworker("cap").post("/v1/agenda/adopt", {"commitments": []}).status_code == 403
    assert adopts.post("/v1/agenda/adopt", {"commitments": ["win"]}).json()["errors"][0]["pointer"] == "/commitments/0"
    read_before = {"version": newest, "commitments": ["answer_fast"]}
    refused = adopts.post("/v1/agenda/adopt", read_before)
    assert (refused.status_code, refused.json()["code"]) == (409, "another-version"), "another was loaded meanwhile"
    assert refused.json()["current"] == {"version": newest + 1}
    signed = {"version": newest + 1, "commitments": ["answer_fast", "no_wrong_door", "answer_fast"]}
    made = adopts.does("/v1/agenda/adopt", signed)
    assert (made["version"], made["commitments"]) == (newest + 1, ["answer_fast", "no_wrong_door"]), "each once"
    assert adopts.post("/v1/agenda/adopt", {"commitments": []}).status_code == 409
