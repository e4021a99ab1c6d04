"""Clients: invented, plausible, and never more reachable than is safe."""

import re
from collections import Counter
from itertools import groupby

import pytest

from seed.people import clients, households
from seed.person import AS_OF, Client
from seed.places import counties
from seed.voice import GENDERS, RACES, UNKNOWN


@pytest.fixture(scope="module")
def crowd() -> list[Client]:
    return list(clients(7, 2000))


def test_the_same_seed_gives_the_same_people_and_a_longer_list_begins_like_a_shorter(
    crowd: list[Client],
) -> None:
    assert list(clients(7, 150)) == crowd[:150]
    assert list(clients(8, 150)) != crowd[:150]


def test_there_are_as_many_as_asked_for_and_they_are_counted_from_zero(crowd: list[Client]) -> None:
    assert [one.index for one in crowd] == list(range(2000))
    assert len({one.id for one in crowd}) == 2000
    assert not list(clients(7, 0))


def test_households_are_those_of_the_clients_and_begin_with_a_head(crowd: list[Client]) -> None:
    listed = [(member.client_id, home.id) for home in households(7, 2000) for member in home.members]
    assert listed == [(one.id, one.household_id) for one in crowd]
    assert all(home.members[0].role == "head" for home in households(7, 2000))


def test_parents_are_older_than_children_and_younger_than_grandparents(crowd: list[Client]) -> None:
    for _, group in groupby(crowd, key=lambda one: one.household_id):
        head, *others = group
        assert head.age >= 18
        for one in others:
            if one.role == "child":
                assert 0 <= one.age <= 17
                assert head.age - one.age >= 17
            if one.role == "grandparent":
                assert one.age - head.age >= 18


def test_nobody_moved_in_before_being_born() -> None:
    for home in households(7, 500):
        assert all(member.valid_from <= AS_OF for member in home.members)


def test_both_languages_and_all_eleven_counties_occur(crowd: list[Client]) -> None:
    languages = Counter(one.language for one in crowd)
    assert set(languages) == {"en", "es"}
    assert languages["es"] > 300
    assert {one.residence.county_fips for one in crowd} == {county.fips for county in counties()}
    assert {one.interpreter for one in crowd if one.language == "en"} == {False}


def test_residence_says_no_more_than_it_may(crowd: list[Client]) -> None:
    assert {one.residence.kind for one in crowd} == {"fixed", "none", "confidential"}
    for one in crowd:
        place = one.residence
        hidden = (place.address_1, place.city, place.postal_code)
        assert all(hidden) if place.kind == "fixed" else not any(hidden)
        assert place.kind != "confidential" or place.school_district is None
        assert place.tribal_land in {"yes", "no", "not_asked"}


def test_who_hides_is_neither_called_nor_left_a_message(crowd: list[Client]) -> None:
    hiding = [one for one in crowd if one.residence.kind == "confidential"]
    assert hiding
    for one in hiding:
        assert not set(one.contact.safe_channels) & {"mail", "email"}
        assert not one.contact.voicemail_ok


def test_a_channel_is_safe_only_if_there_is_something_to_use(crowd: list[Client]) -> None:
    for one in crowd:
        channels = set(one.contact.safe_channels)
        assert not channels & {"phone", "text"} or one.contact.phone
        assert "email" not in channels or one.contact.email
        assert "mail" not in channels or one.residence.kind == "fixed"


def test_some_go_by_another_name_or_by_none(crowd: list[Client]) -> None:
    assert {one.identity for one in crowd} == {"named", "alias", "anonymous"}
    for one in crowd:
        named, alias = bool(one.given_name and one.family_name), bool(one.alias)
        assert (named, alias) == (one.identity == "named", one.identity == "alias")


def test_birth_is_a_date_or_a_year_and_sometimes_a_guess(crowd: list[Client]) -> None:
    assert any(one.birth_date is None and not one.birth_estimated for one in crowd)
    for one in crowd:
        assert one.birth_date is None or one.birth_date.year == one.birth_year
        assert not one.birth_estimated or one.birth_date is None
        assert one.birth_date is None or one.birth_date <= AS_OF


def test_race_is_several_values_or_one_way_of_not_saying(crowd: list[Client]) -> None:
    assert any(len(one.races) > 1 for one in crowd)
    assert {race for one in crowd for race in one.races} >= set(UNKNOWN)
    for one in crowd:
        assert set(one.races) <= set(RACES) or (len(one.races) == 1 and one.races[0] in UNKNOWN)
        assert one.gender in (*GENDERS, *UNKNOWN)


def test_no_client_can_be_reached_in_the_real_world(crowd: list[Client]) -> None:
    for one in crowd:
        assert one.contact.phone is None or re.fullmatch(r"308-555-01\d\d", one.contact.phone)
        assert one.contact.email is None or re.fullmatch(r"[a-z0-9.]+@example\.org", one.contact.email)
