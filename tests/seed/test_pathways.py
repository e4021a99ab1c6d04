"""Pathways that somebody wrote by hand: the shipped ones are sound, and every slip is told by file, line and remedy."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.known import Known
from domain.pathway import StepKind, Template
from domain.telling import Telling
from seed.pathway import known_of, pathways, template_of
from seed.region import Region, build_region

SOUND = """\
code: winter
version: 1
name: A warm winter
definition: Heat first, then a home that keeps it.
strategy: whole_family
limit_days: 120
review_every_days: 30
goals:
  - {key: warm, name: We are warm, term: housing.utilities}
steps:
  - key: listen
    title: Listen to the family
    owner: lead
    form:
      - {key: cold, kind: yes_no, label: "Is the house cold?"}
      - {key: rooms, kind: number, label: Rooms, minimum: 1, maximum: 9}
      - key: fuel
        kind: choice
        label: What they heat with
        choices:
          - {code: gas, label: Gas}
          - {code: wood, label: Wood}
      - {key: asked_on, kind: date, label: Day}
      - {key: pets, kind: number, label: Pets, required: false}
  - key: heat
    title: Keep the heat on
    owner: {organization: fuel, service: Propane and Power}
    kind: referral
    after: [listen]
    when:
      - {step: listen, field: cold, one_of: [yes]}
      - {step: listen, field: rooms, at_least: 2}
    clocks: {acknowledge: {opening_hours: 4}}
    feeds: [needs_met]
    on_decline: other_provider
    on_failure: skip
    goal: warm
  - key: insulate
    title: Insulate the house
    owner: {term: housing.repair}
    after: [heat]
    may_skip: true
  - key: ask
    title: Ask in spring
    owner: lead
    after: [heat, insulate]
    opens_after_days: 90
"""
X = "  - {key: x, title: X, owner: lead, after: [heat]"
# (what somebody did, what stood there, what they wrote, a text on the line that must be named, what is said, remedy)
SLIPS = [
    ("an unknown partner", "organization: fuel,", "organization: fule,", "fule", "there is no partner fule.",
     "mean fuel?"),
    ("an unknown service", "Propane and Power", "Propane", "Propane", "fuel has no service Propane.",
     "There are: Propane"),
    ("an unknown term as owner", "term: housing.repair", "term: housing.repairs", "repairs", "no term",
     "housing.repair?"),
    ("the backbone as owner", "{term: housing.repair}", "{organization: hub}", "hub", "is the backbone",
     "Name a partner"),
    ("an owner that is a word", "after: [heat]", "after: [heat]\n    owner: somebody", "somebody", "stands twice",
     "Keep"),
    ("no owner at all", "    owner: {term: housing.repair}\n", "", "key: insulate", "`owner` is missing",
     "Add `owner:`"),
    ("an owner that is nobody", "{term: housing.repair}", "neighbors", "neighbors", "this is no owner.",
     "Write `lead`"),
    ("an empty owner", "{term: housing.repair}", "{}", "owner: {}", "this is no owner.", "Write `lead`"),
    ("a service of nobody", "{organization: fuel, service", "{service", "Propane", "not whose", "`organization`"),
    ("a term and a partner", "{term: housing.repair}", "{term: housing.repair, organization: cap}", "cap",
     "a term and a partner at once", "Keep"),
    ("a referral to a partner as a whole", ", service: Propane and Power}", "}", "organization: fuel}",
     "a referral asks for a service", "Name a service"),
    ("another provider of nothing", "on_failure: skip\n    goal: warm",
     f"on_failure: skip\n    goal: warm\n{X}, on_failure: other_provider}}", "on_failure: other",
     "no other provider", "Name a service"),
    ("an unknown policy", "on_decline: other_provider", "on_decline: other", "on_decline: other",
     "`on_decline` is none",
     "There are: other_provider, lead, skip, stop."),
    ("an unknown strategy", "whole_family", "whole_familiy", "familiy", "no strategy whole_familiy.",
     "mean whole_family?"),
    ("an unknown indicator", "feeds: [needs_met]", "feeds: [need_met]", "need_met", "no indicator need_met.",
     "mean needs_met?"),
    ("an unknown goal's term", "term: housing.utilities", "term: housing.heat", "housing.heat", "no term housing.heat.",
     "mean housing.rent?"),
    ("a goal that nobody serves", "    goal: warm\n", "", "key: warm", "no step serves the goal warm.", "goal: warm"),
    ("an unknown goal", "goal: warm\n", "goal: worm\n", "goal: worm", "there is no goal worm.", "Goals of this"),
    ("a referral for another need than its goal", "term: housing.utilities", "term: food",
     "goal: warm\n  - key: insulate",
     "it asks for housing.utilities, and its goal warm is food.", "a goal of that need"),
    ("a goal twice", "  - {key: warm, name: We are warm, term: housing.utilities}\n",
     "  - {key: warm, name: We are warm, term: housing.utilities}\n  - {key: warm, name: Two, term: food}\n", "Two",
     "another goal has the key warm.", "of its own"),
    ("an unknown predecessor", "after: [heat]", "after: [heet]", "heet", "there is no step heet", "mean heat?"),
    ("a step after itself", "after: [heat]", "after: [heat, insulate]", "after: [heat, insulate]\n    may",
     "it comes after itself", "Take insulate out"),
    ("the same predecessor twice", "after: [heat]", "after: [heat, heat]", "heat, heat", "names heat twice.", "Once"),
    ("a circle", "after: [listen]", "after: [listen, ask]", "after: [listen, ask]",
     "in a circle: heat → ask → heat.", "`after`"),
    ("a step behind a circle", "    after: [listen]\n", "    after: [listen, insulate]\n", "after: [heat, insulate]",
     "it can never be reached", "that circle"),
    ("a step twice", "key: insulate", "key: heat", "key: heat\n    title: Ins", "another step has this key.",
     "of its own"),
    ("a condition on nobody", "{step: listen, field: cold", "{step: lisen, field: cold", "lisen",
     "there is no step lisen.",
     "mean listen?"),
    ("a condition on a step beside it", "    may_skip: true", "    when: [{step: ask, field: cold, one_of: [yes]}]",
     "step: ask", "need not have ended before it", "come after ask"),
    ("a condition on an unknown field", "field: cold,", "field: warm,", "field: warm", "does not ask for warm.",
     "cold,"),
    ("an answer that there is not", "one_of: [yes]", "one_of: [maybe]", "maybe", "maybe is no answer to cold.",
     "yes, no"),
    ("a number asked for by code", "at_least: 2", "one_of: [two]", "two",
     "rooms is answered with a number", "`at_least`"),
    ("a number asked for by numbers", "at_least: 2", "one_of: [2, 3]", "2, 3", "rooms is answered with a number",
     "`at_least`"),
    ("a code asked for by a number in a list", "one_of: [yes]", "one_of: [1]", "[1]", "1 is no answer to cold.",
     "yes, no"),
    ("a condition on itself", "{step: listen, field: cold", "{step: heat, field: cold", "step: heat",
     "reads its own answers", "earlier step"),
    ("a code asked for by number", "one_of: [yes]", "at_least: 1", "at_least: 1", "answered with a code", "yes, no"),
    ("a number that nobody can give", "at_least: 2", "at_least: 20", "at_least: 20", "no answer to rooms", "Correct"),
    ("a condition on a date", "field: rooms, at_least: 2", "field: asked_on, one_of: [x]", "asked_on, one", "is a date",
     "Ask a `yes_no`"),
    ("a condition that asks nothing", ", at_least: 2}", "}", "field: rooms}", "either `one_of`", "Say which"),
    ("a condition on an answer that may be missing", "field: rooms, at_least: 2", "field: pets, at_least: 2",
     "field: pets", "may be left unanswered", "required"),
    ("conditions that exclude one another", "{step: listen, field: rooms, at_least: 2}",
     "{step: listen, field: cold, one_of: [no]}", "one_of: [no]",
     "its conditions want different answers",
     "Change one"),
    ("a form that asks twice", "key: asked_on", "key: cold", "key: cold, kind: date", "asks for cold twice",
     "of its own"),
    ("an unknown kind of question", "kind: date", "kind: text", "kind: text", "`kind` is none of those", "There are"),
    ("a choice without a choice", "          - {code: wood, label: Wood}\n", "", "key: fuel", "fuel leaves no choice.",
     "at least two"),
    ("the same answer twice", "code: wood", "code: gas", "code: gas, label: Wood", "gas of fuel stands", "of its own"),
    ("choices of a date", "kind: date, label: Day", "kind: date, label: Day, choices: [{code: a, label: A}]",
     "code: a", "has choices and is a date.", "kind: choice"),
    ("limits of a date", "kind: date, label: Day", "kind: date, label: Day, minimum: 3", "minimum: 3", "is no number",
     "kind: number"),
    ("dollars below 0", "minimum: 1, maximum: 9", "unit: usd, minimum: -5", "minimum: -5", "allows amounts below 0",
     "minimum: 0"),
    ("a minimum above the maximum", "minimum: 1, maximum: 9", "minimum: 9, maximum: 1", "minimum: 9",
     "allows no number",
     "Turn the two round."),
    ("an unknown clock", "acknowledge: {open", "aknowledge: {open", "aknowledge", "no member `aknowledge`",
     "acknowledge?"),
    ("an unknown limit", "{opening_hours: 4}", "{weeks: 4}", "weeks", "weeks: no such kind of limit",
     "business_days: 2"),
    ("a limit that is none", "{opening_hours: 4}", "4 hours", "4 hours", "`acknowledge` is no limit",
     "business_days: 2"),
    ("a limit below zero", "{opening_hours: 4}", "{opening_hours: -4}", "-4", "above 0", "business_days: 2"),
    ("two limits in one", "{opening_hours: 4}", "{opening_hours: 4, days: 1}", "4, days: 1", "exactly one",
     "business_days"),
    ("follow-up days out of range", "opens_after_days: 90", "opens_after_days: 900", "900", "from 1 to 730", "Correct"),
    ("a follow-up after the plan's end", "limit_days: 120", "limit_days: 80", "opens_after_days: 90",
     "it opens on day 90 at the earliest, and the plan ends on day 80.", "raise `limit_days`"),
    ("a review after the plan's end", "review_every_days: 30", "review_every_days: 200", "200", "the first review",
     "Review sooner"),
    ("a plan without end", "limit_days: 120", "limit_days: 9999", "9999", "from 1 to 1095", "Correct the number"),
    ("an unknown member", "may_skip: true", "may_skp: true", "may_skp", "no member `may_skp`", "mean may_skip?"),
    ("a comma outside quotes", "label: What they heat with\n", "label: Heat\n        choices2: {code: a, hot}\n",
     "choices2",
     "no member `choices2`", "choices?"),
    ("a comma that cuts a text", "label: Rooms,", "label: Rooms, warm ones,", "warm ones", "no member `warm ones`",
     "A text with a comma in it belongs in quotes."),
    ("a flag that is a word", "may_skip: true", "may_skip: yes", "may_skip: yes", "must be true or false",
     "without quotes"),
    ("a list that is a word", "after: [heat]", "after: heat", "after: heat", "`after` must be a list.", "[brackets]"),
    ("a step that is a word", "  - key: insulate", "  - quickly\n  - key: insulate", "quickly", "must have members",
     "Write"),
    ("a code with a capital", "code: winter", "code: Winter", "Winter", "`code` is no code.", "a letter first"),
    ("a version that is none", "version: 1\n", "version: 1.0\n", "1.0", "must be a whole number", "Correct the number"),
    ("no version", "version: 1\n", "", "code: winter", "`version` is missing.", "Add `version:`."),
    ("a title that is a number", "title: Ask in spring", "title: 2027", "2027", "`title` must be a text.", "in quotes"),
    ("a title over several lines", "title: Ask in spring", "title: |\n      Ask\n      again", "title: |",
     "`title` has several lines.", "on one"),
    ("a member twice", "    kind: referral\n", "    kind: referral\n    kind: step\n", "kind: step",
     "`kind` stands twice",
     "Keep one."),
    ("an anchor", "feeds: [needs_met]", "feeds: &f [needs_met]", "&f", "anchors and aliases", "Write it out."),
    ("no steps", SOUND[SOUND.index("steps:"):], "", "code: winter", "`steps` is missing.", "Add `steps:`."),
]  # fmt: skip


@pytest.fixture(scope="module")
def known() -> Known:
    return known_of(build_region(7))


def test_the_template_from_which_all_slips_are_made_is_sound(known: Known) -> None:
    sheet, template = template_of("winter.yaml", SOUND.encode(), known)
    assert sheet.slips == []
    assert template is not None
    assert Template.parse(template.body()) == template


@pytest.mark.parametrize(("situation", "old", "new", "marker", "what", "remedy"), SLIPS, ids=[one[0] for one in SLIPS])
def test_a_slip_is_told_by_file_line_and_remedy(
    known: Known, situation: str, old: str, new: str, marker: str, what: str, remedy: str
) -> None:
    assert SOUND.count(old) >= 1
    text = SOUND.replace(old, new, 1)
    assert text.count(marker) >= 1, "the marker must be in the text"
    sheet, template = template_of("winter.yaml", text.encode(), known)
    assert template is None
    line = text[: text.index(marker)].count("\n") + 1
    said = [str(slip) for slip in sheet.slips]
    fitting = [slip for slip in sheet.slips if what in slip.what and remedy in slip.remedy]
    assert [slip.line for slip in fitting] == [line], said
    assert str(fitting[0]).startswith(f"winter.yaml:{line}: ")


def test_there_are_far_more_than_twenty_five_kinds() -> None:
    assert len({what for _, _, _, _, what, _ in SLIPS}) > 50


def test_a_term_that_nobody_offers_can_not_own_a_step(known: Known) -> None:
    alone = replace(known, services={"fuel": known.services["fuel"]})
    sheet, _ = template_of("winter.yaml", SOUND.encode(), alone)
    (said,) = map(str, sheet.slips)
    assert said.startswith("winter.yaml:40: step insulate: no partner offers housing.repair, so nobody can be matched.")


def test_a_key_that_is_a_list_is_a_slip_beside_those_of_its_form(known: Known) -> None:
    text = SOUND.replace("- key: listen", "- key: [listen]").replace("label: Rooms", "label: [Rooms]")
    sheet, template = template_of("winter.yaml", text.encode(), known)
    said = [slip.what for slip in sheet.slips]
    assert (template, said[:2]) == (None, ["`key` is no code.", "`label` must be a text."])


def test_all_slips_of_a_file_are_told_at_once_and_none_is_made_up(known: Known) -> None:
    text = (
        SOUND.replace("organization: fuel,", "organization: fule,")
        .replace("key: cold, kind: yes_no", "key: cold, kind: yesno")
        .replace("after: [heat]", "after: [heet]")
        .replace("may_skip: true", "may_skip: yes")
    )
    sheet, _ = template_of("winter.yaml", text.encode(), known)
    places = [(slip.place, slip.what) for slip in sheet.slips]
    assert places == [
        ("step listen", "`kind` is none of those that there are."),
        ("step heat", "there is no partner fule."),
        ("step insulate", "there is no step heet to come after."),
        ("step insulate", "`may_skip` must be true or false."),
    ]


@pytest.mark.parametrize(
    ("old", "new", "alone"),
    [
        ("  - key: insulate\n    title", "  - title", "step 3: `key` is missing. Add `key:`."),
        ("  - key: listen\n    title", "  - title", "step 1: `key` is missing. Add `key:`."),
        ("key: listen", "key: Listen", "step Listen: `key` is no code."),
        ("key: ask\n", "key: heat\n", "step heat: another step has this key. Give each step a key of its own."),
    ],
)  # fmt: skip
def test_what_hangs_on_a_key_that_is_not_clear_is_not_made_up(known: Known, old: str, new: str, alone: str) -> None:
    assert old in SOUND
    sheet, _ = template_of("winter.yaml", SOUND.replace(old, new, 1).encode(), known)
    (said,) = map(str, sheet.slips)
    assert alone in said


@given(st.data())
def test_whatever_is_cut_out_or_doubled_it_is_read_or_told(known: Known, data: st.DataObject) -> None:
    lines = SOUND.splitlines()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        bent = data.draw(
            st.sampled_from(["", "  " + lines[at], lines[at][2:], lines[at] + "\n" + lines[at], "- x", "a: [b"])
        )
        lines[at : at + 1] = bent.split("\n")
    sheet, template = template_of("winter.yaml", "\n".join(lines).encode(), known)
    assert (template is None) == bool(sheet.slips)


@pytest.fixture(scope="module")
def shipped(region: Region) -> list[Template]:
    return pathways(region)


def test_the_region_has_the_pathways_that_a_rural_region_uses(shipped: list[Template]) -> None:
    assert {one.code for one in shipped} == {
        "community_response", "housing_stability", "early_childhood", "reentry", "hospital_discharge"
    }  # fmt: skip


@pytest.mark.parametrize("nth", range(5))
def test_each_is_told_in_both_languages_whole(shipped: list[Template], nth: int) -> None:
    template = shipped[nth]
    assert template.es
    assert all(goal.es for goal in template.goals)
    for step in template.steps:
        assert step.es, step.key
        for asked in step.form:
            assert asked.es or asked.label == "ASQ:SE-2", (step.key, asked.key)
            assert all(choice.es for choice in asked.choices), (step.key, asked.key)


@pytest.mark.parametrize("nth", range(5))
def test_each_asks_again_and_no_question_invites_a_name(shipped: list[Template], nth: int) -> None:
    template = shipped[nth]
    assert sum(step.opens_after_days > 0 for step in template.steps) >= 2
    kinds = Counter(asked.kind for step in template.steps for asked in step.form)
    assert set(kinds) <= {"choice", "yes_no", "number", "date"}
    assert any(step.kind is StepKind.REFERRAL for step in template.steps)
    assert any(step.when for step in template.steps)


def test_flexible_funds_say_how_much_and_from_which_source(shipped: list[Template]) -> None:
    (crisis,) = (one for one in shipped if one.code == "community_response")
    asked = {one.key: one for one in crisis.step("funds").form}
    assert asked["amount"].unit == "usd"
    assert len(asked["funding_source"].choices) >= 2


def test_a_condition_is_said_in_words(shipped: list[Template]) -> None:
    (crisis,) = (one for one in shipped if one.code == "community_response")
    english, spanish = Telling(crisis), Telling(crisis, language="es")
    assert (
        english.condition(crisis.step("rent"))
        == "Only if “Could they lose their home within 30 days?” was answered yes."
    )
    assert spanish.condition(crisis.step("rent")) == "Solo si a «¿Podrían perder su casa en 30 días?» se respondió sí."
    assert english.condition(crisis.step("visits")) == "Only if “Children under six” is at least 1."
    assert english.condition(crisis.step("listen")) is None


@pytest.mark.parametrize(
    ("feeds", "says"),
    [
        ("rent_burdened", "rent_burdened is observed"),
        ("flexible_funds_paid", "flexible_funds_paid counts the answer to amount"),
    ],
)
def test_a_step_feeds_only_what_it_can_be_counted_by(known: Known, feeds: str, says: str) -> None:
    text = SOUND.replace("feeds: [needs_met]", f"feeds: [{feeds}]")
    sheet, found = template_of("winter.yaml", text.encode(), known)
    assert found is None
    assert [says in slip.what for slip in sheet.slips] == [True]


def test_money_and_follow_ups_are_counted_by_what_the_family_and_the_payer_said(shipped: list[Template]) -> None:
    """What these two indicators read is what the forms of the steps that feed them ask for."""
    asked = {"flexible_funds_paid": ["amount"], "followup_stable": ["stable", "reached"]}
    fed = [(code, step) for one in shipped for step in one.steps for code in step.feeds if code in asked]
    assert {code for code, _ in fed} == set(asked)
    assert all(step.question(one) for code, step in fed for one in asked[code])
    for one in shipped:
        assert sum("followup_stable" in step.feeds for step in one.steps) >= 2, one.code
