"""The story: every kind of ending, and nobody asked for what they do not offer."""

from collections import Counter

import pytest

from domain.reason import ReasonClass
from seed.region import Region, build_region
from seed.scene import closest, script
from seed.story import Request, clients_of, requests


@pytest.fixture(scope="module")
def day(region: Region) -> list[Request]:
    return list(requests(region, 1500))


def test_the_same_seed_tells_the_same_story_and_a_longer_one_begins_the_same(
    region: Region, day: list[Request]
) -> None:
    assert list(requests(region, 100)) == day[:100]
    assert [one.number for one in day] == list(range(1500))


def test_nobody_is_sent_to_the_own_door_or_to_one_that_does_not_serve_them(region: Region, day: list[Request]) -> None:
    people = clients_of(region, day)
    for one in day:
        service, client = region.service(one.service), people[one.client]
        assert region.owner(service).slug != one.source
        assert service.term == one.term
        assert service.serves(client.residence.county_fips, client.age, bool(client.veteran))


def test_every_source_is_connected_and_has_a_caseworker(region: Region, day: list[Request]) -> None:
    for source in {one.source for one in day}:
        assert region.organization(source).mode == "connected"
        assert region.people_of(source, "caseworker")


def test_every_ending_of_the_script_happens(day: list[Request]) -> None:
    assert {one.ending.kind for one in day} == {*script()["endings"], "information"}


def test_a_short_demonstration_shows_every_ending_with_any_seed() -> None:
    for seed in range(12):
        kinds = Counter(one.ending.kind for one in requests(build_region(seed), 60))
        assert kinds["complete"] >= 12
        assert {"question", "hold", "decline_reroute", "decline_unmet", "fail", "ignore"} <= set(kinds), seed


def test_reasons_are_of_the_agenda_and_of_their_class(region: Region, day: list[Request]) -> None:
    for one in day:
        if one.ending.kind in {"decline_reroute", "decline_unmet", "fail", "withdraw"}:
            assert one.ending.reason is not None
            assert region.agenda.reason(one.ending.reason).reason_class == one.ending.reason_class
        else:
            assert one.ending.reason is None
    classes = {one.ending.reason_class for one in day} - {None}
    assert classes == {each.value for each in ReasonClass}


def test_a_second_door_is_another_connected_partner(region: Region, day: list[Request]) -> None:
    rerouted = [one for one in day if one.reroute_to]
    assert rerouted
    assert {one.ending.kind for one in rerouted} == {"decline_reroute"}
    for one in rerouted:
        assert one.reroute_to is not None
        door = region.owner(region.service(one.reroute_to))
        assert door.mode == "connected"
        assert door.slug not in {one.source, region.owner(region.service(one.service)).slug}
    assert not [one for one in day if one.ending.kind == "decline_reroute" and not one.reroute_to]


def test_who_is_not_connected_is_called_or_only_named(region: Region, day: list[Request]) -> None:
    for one in day:
        mode = region.owner(region.service(one.service)).mode
        assert one.on_behalf == (mode == "by_phone")
        assert (one.kind == "information") == (mode == "listed") == (one.ending.kind == "information")
    assert any(one.on_behalf for one in day)


def test_a_shelter_or_a_part_2_program_discloses_in_writing_or_not_at_all(region: Region, day: list[Request]) -> None:
    for one in day:
        source = region.organization(one.source)
        if source.confidential or source.part2:
            assert one.consent in {"written", None}
    assert {one.consent for one in day} == {"written", "verbal", "electronic", None}


def test_urgent_requests_are_the_smaller_part(day: list[Request]) -> None:
    urgent = sum(one.priority == "urgent" for one in day)
    assert 0.04 * len(day) < urgent < 0.3 * len(day)


def test_outcomes_come_with_who_confirms_them(day: list[Request]) -> None:
    assert {one.ending.outcome for one in day} == {"need_met", "partly_met", "unmet", None}
    for one in day:
        assert (one.ending.outcome is None) == (one.ending.confirmed_by is None)


def test_every_need_that_a_service_meets_has_words(region: Region) -> None:
    assert {service.term for service in region.services} == set(script()["reasons"])


def test_reasons_and_notes_name_nobody(region: Region, day: list[Request]) -> None:
    names = {name for one in clients_of(region, day) for name in (one.given_name, one.family_name) if name}
    words = {word.strip(".,;") for one in day for word in f"{one.reason} {one.note or ''}".split()}
    capitalized_by_grammar = {text.split()[0] for terms in script()["reasons"].values() for text in terms}
    assert not words & names - capitalized_by_grammar


def test_the_nearest_term_above_answers_for_those_below() -> None:
    assert closest({"food": 1, "food.pantry": 2}, "food.pantry", 0) == 2
    assert closest({"food": 1}, "food.meals.noon", 0) == 1
    assert closest({"food": 1}, "work", 0) == 0
