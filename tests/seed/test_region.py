"""The region: plausible, invented, and the same for the same seed."""

import os
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays

from seed.entry import BEGAN
from seed.places import counties, streets
from seed.region import Region, build_region

FIPS = {
    "Banner": "31007",
    "Box Butte": "31013",
    "Cheyenne": "31033",
    "Dawes": "31045",
    "Deuel": "31049",
    "Garden": "31069",
    "Kimball": "31105",
    "Morrill": "31123",
    "Scotts Bluff": "31157",
    "Sheridan": "31161",
    "Sioux": "31165",
}
KINDS = {
    "backbone",
    "community_action",
    "public_health",
    "school_service_unit",
    "clinic",
    "behavioral_health",
    "victim_services",
    "housing_authority",
    "food_pantry",
    "early_childhood",
    "legal_aid",
    "workforce",
    "veterans",
    "aging",
    "transport",
    "faith",
}
FICTIONAL_PHONE = re.compile(r"308-555-01\d\d")
REAL_TOWNS = {
    "Scottsbluff",
    "Gering",
    "Alliance",
    "Sidney",
    "Chadron",
    "Bridgeport",
    "Gordon",
    "Oshkosh",
    "Harrison",
}
_PRINT = "from seed.region import build_region; print(repr(build_region({seed})))"


def _printed(seed: int, hash_seed: str) -> str:
    """The region as another process makes it, with another order of sets."""
    command = [sys.executable, "-c", _PRINT.format(seed=seed)]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        command, env=environment, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    ).stdout


def test_the_same_seed_gives_the_same_region_byte_for_byte() -> None:
    assert _printed(7, "1") == _printed(7, "2")


def test_another_seed_gives_other_ids_addresses_and_numbers_but_the_same_people_and_logins(
    region: Region,
) -> None:
    other = build_region(8)
    assert not {one.id for one in region.organizations} & {one.id for one in other.organizations}
    assert [one.address_1 for one in region.locations] != [one.address_1 for one in other.locations]
    assert [phone.number for phone in region.phones] != [phone.number for phone in other.phones]
    assert [(user.login, user.name) for user in region.users] == [(user.login, user.name) for user in other.users]


def test_the_counties_are_the_eleven_of_the_panhandle() -> None:
    assert {county.name: county.fips for county in counties()} == FIPS


def test_every_county_has_a_town_and_all_towns_are_invented() -> None:
    towns = [town for county in counties() for town in county.towns]
    assert {town.county_fips for town in towns} == set(FIPS.values())
    assert not {town.name for town in towns} & REAL_TOWNS
    assert all("69370" <= town.postal_code <= "69399" for town in towns)


def test_there_is_a_backbone_and_at_least_eighteen_partners_of_every_kind(region: Region) -> None:
    kinds = [one.kind for one in region.organizations]
    assert kinds.count("backbone") == 1
    assert len(kinds) >= 19
    assert set(kinds) >= KINDS


def test_most_partners_are_connected_and_some_are_not(region: Region) -> None:
    modes = [one.mode for one in region.organizations]
    assert modes.count("connected") > len(modes) / 2
    assert modes.count("by_phone") >= 2
    assert modes.count("listed") >= 2


def test_the_shelter_is_confidential_and_has_no_address(region: Region) -> None:
    shelter = region.organization("shelter")
    offered = {one.id for one in region.services if one.organization_id == shelter.id}
    assert shelter.confidential
    assert offered
    assert not [one for one in region.locations if one.organization_id == shelter.id]
    assert not [one for one in region.service_at_locations if one.service_id in offered]
    assert not [county for county in FIPS if county in shelter.description]


def test_everybody_else_has_an_office(region: Region) -> None:
    with_office = {one.organization_id for one in region.locations}
    assert {one.slug for one in region.organizations if one.id not in with_office} == {"shelter"}


def test_one_provider_is_a_part_2_program(region: Region) -> None:
    assert [one.slug for one in region.organizations if one.part2] == ["bh"]


def test_the_shelter_and_the_crisis_line_never_close(region: Region) -> None:
    open_always = {one.slug for one in region.services if one.hours.always_open}
    assert open_always == {"shelter/shelter", "shelter/advocacy", "line/listening"}


def test_one_partner_answers_with_its_own_system_on_its_own_queue(region: Region) -> None:
    workers = [one for one in region.organizations if one.worker]
    accounts = [user for user in region.users if user.service_account]
    assert [one.task_queue for one in workers] == ["partner.clinic"]
    assert accounts == list(region.people_of("clinic", "service"))
    assert {one.task_queue for one in region.organizations if not one.worker} == {"partners"}


def test_every_service_belongs_to_a_program_of_its_organization_and_has_a_term(region: Region) -> None:
    programs = {program.id: program for program in region.programs}
    terms = {term.code for term in region.agenda.terms}
    for service in region.services:
        assert programs[service.program_id].organization_id == service.organization_id
        assert service.term in terms, service.slug
        assert service.hours.always_open or service.hours.weekly
        assert set(service.counties) <= set(FIPS.values())
        assert service.eligibility_description
        assert service.application_process
        assert service.fees_description


def test_every_term_that_is_no_heading_is_offered_by_somebody(region: Region) -> None:
    headings = {term.parent for term in region.agenda.terms}
    offered = {service.term for service in region.services}
    assert {term.code for term in region.agenda.terms} - headings == offered - headings


def test_both_languages_are_spoken(region: Region) -> None:
    assert {language for user in region.users for language in user.languages} == {"en", "es"}
    assert {language for service in region.services for language in service.languages} == {"en", "es"}


def test_about_forty_people_work_here_and_their_logins_are_short(region: Region) -> None:
    people = [user for user in region.users if not user.service_account]
    logins = [user.login for user in region.users]
    assert 38 <= len(people) <= 48
    assert len(set(logins)) == len(logins)
    assert all(re.fullmatch(r"[a-z]{2,8}\.[a-z]{2,8}", login) for login in logins)
    assert len({user.name for user in people}) == len(people)


def test_every_connected_partner_has_a_caseworker_and_a_supervisor(region: Region) -> None:
    for one in region.organizations:
        if one.mode != "connected" or one.kind == "backbone":
            continue
        caseworkers = set(region.people_of(one.slug, "caseworker"))
        supervisors = set(region.people_of(one.slug, "supervisor"))
        assert caseworkers, one.slug
        assert supervisors, one.slug
        assert bool(caseworkers & supervisors) == one.one_person, one.slug


def test_there_are_one_person_agencies(region: Region) -> None:
    alone = [one for one in region.organizations if one.one_person]
    assert alone
    for one in alone:
        assert len({m.user_id for m in region.memberships if m.organization_id == one.id}) == 1


def test_every_role_is_held_and_nobody_unconnected_has_a_login(region: Region) -> None:
    roles = {"caseworker", "supervisor", "agency_admin", "backbone", "auditor", "service"}
    assert {one.role for one in region.memberships} == roles
    connected = {one.id for one in region.organizations if one.mode == "connected"}
    assert {one.organization_id for one in region.memberships} == connected


def test_the_backbone_does_no_casework(region: Region) -> None:
    assert not region.people_of("hub", "caseworker")
    assert not [one for one in region.services if one.organization_id == region.organization("hub").id]


def test_no_number_and_no_address_can_reach_anybody(region: Region) -> None:
    numbers = [phone.number for phone in region.phones]
    assert all(FICTIONAL_PHONE.fullmatch(number) for number in numbers)
    assert len(set(numbers)) == len(numbers)
    emails = [one.email for one in region.organizations]
    emails += [one.email for one in region.services]
    emails += [one.email for one in region.users]
    assert all(email.endswith("@example.org") for email in emails)
    assert all(one.website.endswith(".example.org") for one in region.organizations)


def test_no_text_of_the_region_holds_another_number_or_host() -> None:
    folder = Path(__file__).parents[2] / "seed"
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.yaml")))
    assert not re.findall(r"\b\d{3}[-. ]\d{3}[-. ]\d{4}\b", text)
    assert not re.findall(r"\S+@\S+", text)
    assert not re.findall(r"\bhttps?://", text)


def test_every_organization_has_a_main_number(region: Region) -> None:
    assert {phone.organization_id for phone in region.phones if phone.service_id is None} == {
        one.id for one in region.organizations
    }


def test_streets_are_of_the_region(region: Region) -> None:
    assert {one.address_1.partition(" ")[2] for one in region.locations} <= set(streets())


def test_ids_are_unique(region: Region) -> None:
    ids = [
        row["id"]
        for name in ("organizations", "programs", "services", "locations", "phones", "users", "memberships")
        for row in map(asdict, getattr(region, name))
    ]
    assert len(set(ids)) == len(ids)


def test_commitments_are_strategies_of_the_agenda(region: Region) -> None:
    strategies = {strategy.code for strategy in region.agenda.strategies}
    for one in region.partnerships:
        assert set(one.commitments) <= strategies
        assert one.valid_from == BEGAN
        assert (one.adopted_on is not None) == bool(one.commitments)


def test_the_region_has_its_time_zone_and_the_holidays_of_nebraska(region: Region) -> None:
    agreed = region.agenda.collaborative
    assert str(ZoneInfo(agreed.time_zone)) == "America/Denver"
    days = holidays.country_holidays(agreed.country, subdiv=agreed.subdivision, years=2026)
    assert "Arbor Day" in days.values()
