"""The agenda: everything in it is understood by the rules that read it."""

from domain.clock import Clock, Limits, Priority
from domain.limit import Limit
from domain.reason import ReasonClass
from domain.rule import MEMBERS, Rule
from domain.stage import Stage
from domain.task import Outcome
from seed.agreement import SCORED, agenda
from seed.hours import opening_hours
from services.calendars import REGION_HOURS, calendar_of


def test_every_clock_has_a_limit_for_both_priorities() -> None:
    for priority in Priority:
        assert set(Limits.of(priority, agenda().clocks).by_clock) == set(Clock)


def test_the_routine_limits_are_those_of_the_glossary() -> None:
    limits = Limits.of(Priority.ROUTINE, agenda().clocks).by_clock
    assert limits[Clock.ACKNOWLEDGE] == Limit(business_days=1)
    assert limits[Clock.DECIDE] == Limit(business_days=2)
    assert limits[Clock.HARD_LIMIT] == Limit(business_days=14)
    assert limits[Clock.ANSWER] == Limit(business_days=2)
    assert limits[Clock.FIRST_CONTACT] == Limit(business_days=5)
    assert limits[Clock.SIGN_OF_LIFE] == Limit(days=30)
    assert limits[Clock.RECONFIRM] == Limit(days=30)
    assert limits[Clock.CONFIRM] == Limit(business_days=5)
    assert limits[Clock.AWAITING_SOURCE] == Limit(business_days=3)


def test_what_is_urgent_is_acknowledged_in_four_open_hours_and_expires_after_two_days() -> None:
    limits = Limits.of(Priority.URGENT, agenda().clocks).by_clock
    assert limits[Clock.ACKNOWLEDGE] == Limit(opening_hours=4)
    assert limits[Clock.DECIDE] == Limit(business_days=1)
    assert limits[Clock.HARD_LIMIT] == Limit(business_days=2)


def test_the_short_list_is_what_the_partners_agreed_on() -> None:
    assert {one.code for one in agenda().indicators if not one.scorecard} == {
        "referrals_sent", "acknowledged_in_time", "decided_in_time", "loops_closed", "reported_unconfirmed",
        "needs_met", "needs_unmet", "clients_served", "households_served", "days_to_first_contact",
        "first_contact_p90", "waitlisted", "crossing_share", "handover_days", "partners_active",
        "flexible_funds_paid", "followup_stable", "rent_burdened", "turned_away",
        *(f"{whose}_{stage}" for whose in ("funnel", "partner") for stage in Stage),
    }  # fmt: skip
    measures = {Rule.parse(one.rule).measure for one in agenda().indicators}
    assert measures == set(MEMBERS), "every way to measure is used"


def test_a_scorecard_tells_every_answer_every_ending_and_how_long_it_took() -> None:
    figures = agenda().scorecards["figures"]
    classes = [each.value for each in ReasonClass]
    assert set(figures) == {
        "acknowledged_in_time", "decided_in_time", "contacted_in_time", "tasks_accepted", "tasks_expired",
        "tasks_completed", "days_to_acknowledge", "days_to_decide", "days_to_first_contact", "days_to_completion",
        *(f"{how}_{each}" for how in ("declined", "ended") for each in classes),
        *(f"outcome_{each}" for each in Outcome),
    }  # fmt: skip
    assert {one.code for one in agenda().indicators} >= set(figures)
    for one in agenda().indicators:
        if one.code in figures:
            rule = Rule.parse(one.rule)
            assert (rule.measure in SCORED, "organization" in rule.by, rule.credit) == (True, True, "target")


def test_every_indicator_names_a_strategy_an_owner_and_one_of_the_three_kinds() -> None:
    strategies = {one.code for one in agenda().strategies}
    results = {one.code for one in agenda().results}
    for one in agenda().indicators:
        assert one.strategy in strategies or one.measures == "population"
        assert one.result in results
        assert one.owner == agenda().collaborative.backbone
        assert one.kind in {"how_much", "how_well", "better_off"}
        assert one.direction in {"up", "down"}
        assert one.definition.endswith(".")


def test_every_strategy_contributes_to_a_result() -> None:
    assert {one.result for one in agenda().strategies} == {one.code for one in agenda().results}


def test_every_class_of_reasons_has_one_and_cannot_say_is_there_for_all() -> None:
    assert {one.reason_class for one in agenda().reasons} == {each.value for each in ReasonClass}
    assert agenda().reason("cannot_say").reason_class == "cannot_say"
    codes = [one.code for one in agenda().reasons]
    assert len(set(codes)) == len(codes)


def test_a_term_comes_after_its_parent_and_inherits_that_it_is_sensitive() -> None:
    known: dict[str, bool] = {}
    for term in agenda().terms:
        if term.parent is not None:
            assert term.parent in known
            assert term.sensitive or not known[term.parent]
        known[term.code] = term.sensitive
    assert len(known) == len(agenda().terms)


def test_what_says_too_much_about_a_person_is_sensitive() -> None:
    for code in (
        "emergency.safety.shelter",
        "health.mental.counseling",
        "health.mental.children",
        "health.substance.treatment",
        "health.reproductive",
        "legal.protection",
        "legal.immigration",
    ):
        assert agenda().term(code).sensitive
    assert not agenda().term("food.pantry").sensitive


def test_the_default_hours_are_those_that_calendars_assume() -> None:
    assert agenda().collaborative.hours.weekly == REGION_HOURS


def test_hours_are_read_as_people_write_them() -> None:
    hours = opening_hours("mon-tue,thu 08:00-12:00; mon 13:00-17:00; sat 09:00-12:00")
    assert hours.weekly == {
        "mon": [["08:00", "12:00"], ["13:00", "17:00"]],
        "tue": [["08:00", "12:00"]],
        "thu": [["08:00", "12:00"]],
        "sat": [["09:00", "12:00"]],
    }
    assert opening_hours("24/7").always_open


def test_every_service_has_hours_that_a_calendar_accepts() -> None:
    from seed.region import build_region

    for service in build_region(1).services:
        calendar_of("America/Denver", service.hours.weekly or None, always_open=service.hours.always_open)
