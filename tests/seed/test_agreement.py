"""An agenda that somebody wrote: whatever is wrong in it is told at once, with its line and what to do."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from seed.agreement import read_agenda
from seed.marked import Slip

SHIPPED = files("seed").joinpath("agenda.yaml").read_text(encoding="utf-8")


def slips(tmp_path: Path, text: str) -> list[Slip]:
    file = tmp_path / "agenda.yaml"
    file.write_text(text, encoding="utf-8")
    sheet, found = read_agenda(file)
    assert (found is None) == bool(sheet.slips)
    return sheet.slips


def changed(old: str, new: str, *, after: str = "") -> tuple[str, int]:
    """The shipped agenda with the first `old` that follows `after` replaced, and the line on which that stands."""
    begin = SHIPPED.index(after)
    place = SHIPPED.index(old, begin)
    return SHIPPED[:place] + new + SHIPPED[place + len(old) :], SHIPPED.count("\n", 0, place) + 1


# What is replaced, by what, after which text; and what is said about it. The line is that of the replaced text,
# `down` lines further.
WRONG: list[tuple[str, str, str, str, int]] = [
    ("  slug: panhandle\n", "", "", "`slug` is missing", -1),
    ("slug: panhandle", "slug: Panhandle", "", "`slug` is no code", 0),
    ("time_zone: America/Denver", "time_zone: Denver", "", "there is no such time zone", 0),
    ("mon-fri 08:00-17:00", "nine to five", "", "these are no opening hours", 0),
    ("age_of_majority: 19", "age_of_majority: 9", "", "`age_of_majority` must be a whole number from 14 to 25", 0),
    ("suppress_below: 11", "suppress_below: 1", "", "`suppress_below` must be a whole number from 2 to 1000", 0),
    ("version: 1", "version: one", "agenda:\n", "`version` must be a whole number", 0),
    ("2025-07-01", "2025-07-41", "agenda:\n", "there is no such day", 0),
    ("starts_in: 7", "starts_in: 13", "", "`starts_in` must be a whole number from 1 to 12", 0),
    ("code: federal_year", "code: state_year", "", "`state_year` is there already", 0),
    ("code: federal_year", "code: month", "", "`month` means something else here", 0),
    ("code: safe_and_well", "code: basics_met", "results:", "`basics_met` is there already", 0),
    ("result: safe_and_well", "result: safe_and_wel", "", "there is no result `safe_and_wel`", 0),
    ("code: answer_fast", "code: no_wrong_door", "strategies:", "`no_wrong_door` is there already", 0),
    ("acknowledge: {business_days: 1}", "acknowledge: {business_day: 1}", "", "`acknowledge` is no limit", 0),
    ("acknowledge: {business_days: 1}", "acknowledge: {business_days: 0}", "", "`acknowledge` is no limit", 0),
    ("    decide: {business_days: 2}\n", "", "routine:", "the clock `decide` has no limit", -2),
    ("decide: {business_days: 1}", "decides: {business_days: 1}", "urgent:", "there is no member `decides` here", 0),
    ("{to: owner, after: 0}", "{to: supervisor, after: 0}", "ladder:", "this is no ladder", -1),
    ("{to: owner, after: 0}", "{to: owner, after: 1}", "ladder:", "the first rung is the owner's", -1),
    ("{to: supervisor, after: 0.5}", "{to: manager, after: 0.5}", "ladder:", "`to` is none of those that there are", 0),
    ("{to: backbone, after: 1}", "{to: backbone, after: 0.2}", "ladder:", "each rung comes later", -3),
    ("{to: backbone, after: 2}", "{to: owner, after: 2}", "ladder:", "it climbs: owner, then supervisor", -4),
    ("after: 0.25", "after: soon", "ladder:", "`after` must be a number", 0),
    ("quiet: false", "quiet: at night", "ladder:", "`quiet` must be true or false", 0),
    ("  urgent:", "  urgently:", "ladder:", "there is no member `urgently` here", 0),
    ('from: "20:00"', 'from: "8 pm"', "quiet_hours:", "these are no quiet hours", 0),
    ('until: "07:00"', 'until: "20:00"', "quiet_hours:", "these are no quiet hours", 0),
    ("class: safety", "class: safe", "code: conflict", "`class` is none of those that there are", 0),
    ("code: unsafe", "code: conflict", "", "`conflict` is there already", 0),
    ("code: needs_met\n", "code: referrals_sent\n", "", "version 1 is there already", 1),
    ("version: 1", "version: 0", "indicators:", "`version` must be a whole number from 1 to 9999", 0),
    ("2025-07-01", "2025-07-02", "indicators:", "it begins in the middle of a month", 0),
    ("2025-07-01", '"soon"', "indicators:", "`effective_on` must be a day", 0),
    ("kind: how_much", "kind: how_many", "", "`kind` is none of those that there are", 0),
    ("    strategy: no_wrong_door\n", "", "indicators:", "no strategy is named", -7),
    ("strategy: no_wrong_door", "strategy: wrong_door", "indicators:", "there is no strategy `wrong_door`", 0),
    ("direction: up", "direction: upwards", "", "`direction` is none of those that there are", 0),
    ("period: month", "period: monthly", "", "there is no calendar `monthly`", 0),
    ("age_band", "age", "code: referrals_sent", "`by` is none of those that there are", 0),
    ("value: 0.62, ", "", "", "`value` is missing", 0),
    ("by: 2027-06-30", "by: 2024-06-30", "", "the target lies before the definition", 0),
    ("value: 0.85", "value: 0.55", "", "the target is not above the baseline", 0),
    ("value: 0.36", "value: 0.5", "", "the target is not below the baseline", 0),
    ("unit: ratio", "unit: requests", "", "such a figure is told as ratio", 0),
    ("unit: business_days", "unit: days", "", "such a figure is told as business_days", 0),
    ("unit: usd", "unit: dollars", "", "such a figure is told as usd", 0),
    ("measure: count", "measure: counts", "", "`rule.measure`: one of count, sum", 0),
    ("event: referral_created", "event: referral_made", "", "`rule.event`: nothing that happens is called", 0),
    ("crosses: \"yes\"", "crossing: \"yes\"", "", "`rule.where.crossing`: no such fact", 0),
    ("clock: acknowledge", "clock: answer", "rule:", "`rule.clock`: one of acknowledge, decide", 0),
    ("cohort: requested_on", "cohort: born_on", "", "`rule.cohort`: one of accepted_on, referred_on", 0),
    ("credit: source", "credit: both", "", "`rule.credit`: one of region, source, target", 0),
    ("of: households", "of: families", "", "`rule.of`: one of clients, households, organizations", 0),
    ("state_year]", "state_years]", "of: clients", "`rule.periods`: month, calendar_year, or another", 0),
    ("p: 90", "p: 0.9", "", "`rule.p`: a whole number from 1 to 99", 0),
    ("event: need_outcome", "event: need_outcome, term: fud", "", "the taxonomy has no term `fud`", 0),
    ("measure: observed", "measure: count, event: referral_created", "", "a population measure is observed", 0),
    ("    result: basics_met\n", "", "code: rent_burdened", "no result is named", -8),
    ("period: month", "period: federal_year", "code: clients_served", "is not counted by federal_year", 0),
    ("by: [county", "by: [organization, county", "code: needs_met", "credit region belongs to no organization", 0),
    ("rule: {measure: count", "rule: count\n    x: {measure: count", "indicators:", "`rule` must have members", 0),
    ("country: US", "country: DE", "", "only holidays of US are kept", 0),
    ("subdivision: NE", "subdivision: XX", "", "US has no part `XX`", 0),
    ("languages: [en, es]", "languages: [en, spanish]", "", "this is no language", 0),
    ("2025-07-01", "0025-07-01", "indicators:", "`effective_on` lies outside 2000 to 2100", 0),
    ("2025-07-01", "2225-07-01", "indicators:", "`effective_on` lies outside 2000 to 2100", 0),
    ("value: 0.62", "value: 62", "", "a share lies between 0 and 1", 0),
    ("value: 0.85", "value: 85", "", "a share lies between 0 and 1", 0),
    ("outcome: unmet", "outcome: not_met", "", "`rule.where.outcome`: never says not_met", 0),
    (
        (
            "      left: {event: [task_started, task_cancelled, task_failed, task_accepted, task_released],"
            " where: {from_state: waitlisted}}\n"
        ), "", "",
        "`rule.left`: is needed", -3,
    ),
    ("period: month", "period: month\n    ends_on: 2025-07-01", "code: referrals_sent", "before it has begun", 1),
    ("name: Referrals sent", 'name: "a\\u202eb"', "", "the text holds a control character", 0),
    ("measure: count, event: referral_created", "measure: sum, fact: decide_days, money: true, event: task_accepted",
     "", "says that days are money", 0),
    ('event: referral_outcome, where: {outcome: need_met, of_partner: "yes"}',
     'event: need_outcome, where: {outcome: need_met, of_partner: "yes"}', "", "only referral_outcome says", 0),
    ("fact: answer.amount, money: true", "fact: answer.amount", "", "not their cents: add money: true", 0),
    ("[task_started, task_cancelled, task_failed, task_accepted, task_released], where: {from_state: waitlisted}",
     "task_waitlisted", "", "is the same as `entered`", 0),
    ("{event: task_completed, where: {crosses: \"yes\"}}", "{event: task_completed}", "numerator:",
     "that it is always 1", 0),
    ("by: [county", "by: [county, county", "code: needs_met", "`rule.by`: names county twice", 0),
    ("state_year]", "month]", "of: clients", "`rule.periods`: names month twice", 0),
    ("mon-fri 08:00-17:00", "mon-fri 25:00-26:00", "", "these are no opening hours", 0),
    ("mon-fri 08:00-17:00", "mon-fri 17:00-08:00", "", "these are no opening hours", 0),
    ("event: referral_created", "event: referral_creatd", "", "Did you mean referral_created?", 0),
    ("where: {outcome: unmet", "where: {reason: fulll, outcome: unmet", "", "there is no reason `fulll`", 0),
    ('period: "2024"', 'period: "2024-13"', "", "there is no such month", 0),
    ("owner: hub", "owners: hub", "indicators:", "there is no member `owners` here. Did you mean owner?", 0),
    ("begin_on: 2025-10-01", "begin_on: 2025-10-02", "", "it begins in the middle of a month", 0),
    ("partner_first_days: 5", "partner_first_days: 61", "", "must be a whole number from 0 to 60", 0),
    ("least_cases: 5", "least_cases: 1", "", "`least_cases` must be a whole number from 2 to 100", 0),
    ("  least_cases: 5\n", "", "", "`least_cases` is missing", -3),
    ("strategy: answer_fast", "strategy: answer_slow", "\nscorecards:", "there is no strategy `answer_slow`", 0),
    ("{code: decided_in_time}", "{code: decided}", "", "there is no indicator `decided` on the short list", 0),
    ("code: tasks_expired", "code: needs_met", "", "`needs_met` is on the short list already", 0),
    ("code: tasks_completed", "code: tasks_expired", "", "version 1 is there already", 0),
    ("      unit: ratio\n", "", "code: contacted_in_time", "`unit` is missing", -4),
    ("by: [organization, service]", "by: [service, county]", "", "`by` is none of those that there are", 0),
    ("event: task_declined, where: {reason_class: no_capacity}", "event: task_accepted", "",
     "only task_declined says of which service it is", -1),
    ("measure: count, event: task_completed}", "measure: distinct, event: task_completed, periods: [month]}",
     "code: tasks_completed", "a scorecard does not show measure distinct", 0),
]  # fmt: skip
REAL = WRONG


@pytest.mark.parametrize(("old", "new", "after", "says", "down"), REAL, ids=[f"{o} -> {n}"[:70] for o, n, *_ in REAL])
def test_a_slip_is_told_with_its_line_and_a_remedy(
    tmp_path: Path, old: str, new: str, after: str, says: str, down: int
) -> None:
    text, line = changed(old, new, after=after)
    found = slips(tmp_path, text)
    told = [slip for slip in found if says in f"{slip.what} {slip.remedy}"]
    assert told, [str(slip) for slip in found]
    assert told[0].line == line + down
    assert told[0].remedy.endswith((".", "?"))


def test_there_are_many_kinds() -> None:
    assert len({says for *_, says, _ in REAL}) >= 40


def test_the_shipped_agenda_is_right(tmp_path: Path) -> None:
    assert slips(tmp_path, SHIPPED) == []


def test_all_slips_of_a_file_are_told_at_once_and_name_the_indicator(tmp_path: Path) -> None:
    text = SHIPPED.replace("time_zone: America/Denver", "time_zone: Denver").replace("p: 90", "p: 900")
    found = slips(tmp_path, text)
    assert [slip.place for slip in found] == [None, "indicator first_contact_p90"]


def test_a_class_of_reasons_that_nobody_can_give_is_told(tmp_path: Path) -> None:
    text = SHIPPED.replace("class: cannot_say", "class: client")
    assert "no reason has the class `cannot_say`" in str(slips(tmp_path, text)[0])


def test_a_higher_version_takes_effect_later(tmp_path: Path) -> None:
    block = SHIPPED[SHIPPED.index("  - code: needs_unmet") : SHIPPED.index("  - code: clients_served")]
    second = block.replace("version: 1", "version: 2")
    assert "a higher version has to take effect later" in str(slips(tmp_path, SHIPPED + second)[0])
    assert slips(tmp_path, SHIPPED + second.replace("2025-07-01", "2026-07-01")) == []


@pytest.mark.parametrize("text", ["", "a: [", "\t", "indicators: 3\n", "- 1\n", "collaborative:\n", "x: &a 1\n"])
def test_what_is_no_agenda_at_all_is_told_too(tmp_path: Path, text: str) -> None:
    assert slips(tmp_path, text)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    sheet, found = read_agenda(tmp_path / "none.yaml")
    assert found is None
    assert "there is no such file" in str(sheet.slips[0])


def test_whatever_line_is_lost_nothing_raises(tmp_path: Path) -> None:
    lines = SHIPPED.splitlines(keepends=True)
    for number in range(0, len(lines), 13):
        slips(tmp_path, "".join(lines[:number] + lines[number + 1 :]))
