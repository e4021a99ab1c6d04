"""Draws one household at a time: who lives together, how old they are, how they may be reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from seed.ids import chance, id_of, number
from seed.person import AS_OF, Client, Contact, Residence
from seed.places import County, some_address, some_county
from seed.voice import Panhandle

_SHAPES: dict[str, tuple[str, ...]] = {
    "alone": ("head",),
    "couple": ("head", "partner"),
    "parent": ("head", "child", "child"),
    "parent_of_one": ("head", "child"),
    "family": ("head", "partner", "child", "child"),
    "three_generations": ("head", "partner", "child", "child", "child", "grandparent"),
    "shared": ("head", "other"),
}
_OFTEN = {
    "alone": 30,
    "couple": 16,
    "parent": 14,
    "parent_of_one": 14,
    "family": 16,
    "three_generations": 5,
    "shared": 5,
}
_HOURS = ("after five", "before the school bus", "mornings", "not at milking time", "weekdays at noon")


@dataclass(frozen=True, slots=True)
class _Family:
    """What the members of one household share."""

    position: int
    roles: tuple[str, ...]
    language: str
    family_name: str
    races: tuple[str, ...]
    residence: Residence


class Home:
    """Keep one for many households; making it is slow."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._voice = Panhandle()

    def members(self, position: int, first_index: int) -> list[Client]:
        """Everybody in the household at this position, the head first, indexed from `first_index` on."""
        self._voice.begin(number(self._seed, "household", position))
        family = self._family(position)
        head = self._person(family, first_index, "head", self._head_ages(family.roles))
        others = enumerate(family.roles[1:], start=first_index + 1)
        rest = [self._person(family, index, role, _ages_beside(head, role)) for index, role in others]
        return [self._as_known(head) if not rest else head, *rest]

    def _family(self, position: int) -> _Family:
        voice = self._voice
        language = voice.one_of({"en": 76, "es": 24})
        return _Family(
            position=position,
            roles=_SHAPES[voice.one_of(_OFTEN)],
            language=language,
            family_name=voice.family_name(language),
            races=voice.races(language),
            residence=self._residence(position),
        )

    def _head_ages(self, roles: tuple[str, ...]) -> tuple[int, int]:
        if "child" in roles:
            return 20, 54
        return (62, 88) if self._voice.happens(40) else (19, 61)

    def _person(self, family: _Family, index: int, role: str, ages: tuple[int, int]) -> Client:
        voice = self._voice
        gender = voice.gender()
        given_name = voice.given_name(family.language, gender)
        born = voice.birthday(*ages, AS_OF)
        client = Client(
            index=index,
            id=id_of(self._seed, "client", str(index)),
            household_id=id_of(self._seed, "household", str(family.position)),
            role=role,
            identity="named",
            given_name=given_name,
            family_name=family.family_name,
            alias=None,
            birth_date=born,
            birth_year=born.year,
            birth_estimated=False,
            gender=gender,
            races=(voice.unsaid(),) if voice.happens(14) else family.races,
            language=family.language,
            interpreter=family.language == "es" and role != "child" and voice.happens(55),
            veteran=None if ages[1] < 18 else voice.happens(9),
            contact=self._contact(role, family, given_name),
            residence=family.residence,
        )
        return self._less_exact(client)

    def _less_exact(self, client: Client) -> Client:
        """Some adults give only a year, some are guessed at."""
        if client.role == "child" or self._voice.happens(88):
            return client
        return replace(client, birth_date=None, birth_estimated=self._voice.happens(40))

    def _as_known(self, head: Client) -> Client:
        """Somebody alone may go by another name or by none."""
        identity = self._voice.one_of({"named": 90, "alias": 6, "anonymous": 4})
        if identity == "named":
            return head
        alias = head.given_name if identity == "alias" else None
        channels = ("phone",) if alias else ("in_person",)
        phone = head.contact.phone if alias else None
        return replace(
            head,
            identity=identity,
            given_name=None,
            family_name=None,
            alias=alias,
            birth_date=None,
            birth_estimated=True,
            contact=Contact(channels, phone, None, None, voicemail_ok=False),
        )

    def _contact(self, role: str, family: _Family, given_name: str) -> Contact:
        """Children are reached through their household; who hides is not rung up."""
        voice = self._voice
        if role == "child":
            return Contact((), None, None, None, voicemail_ok=False)
        hours = voice.one_of(dict.fromkeys(_HOURS, 1)) if voice.happens(35) else None
        if family.residence.kind == "confidential":
            return Contact(("text",), voice.fiction_phone(), None, hours, voicemail_ok=False)
        email = voice.fiction_email(given_name, family.family_name) if voice.happens(45) else None
        channels = ["phone", "text"] if voice.happens(60) else ["phone"]
        channels += ["email"] if email else []
        channels += ["mail"] if family.residence.kind == "fixed" else []
        return Contact(tuple(channels), voice.fiction_phone(), email, hours, voicemail_ok=voice.happens(70))

    def _residence(self, position: int) -> Residence:
        random = chance(self._seed, "residence", position)
        county = some_county(random)
        kind = self._voice.one_of({"fixed": 86, "none": 8, "confidential": 6})
        since = AS_OF - timedelta(days=random.randrange(30, 3650))
        if kind == "fixed":
            return _fixed(random, county, since)
        district = county.school_district if kind == "none" else None
        return Residence(kind, county.fips, since, school_district=district)


def _fixed(random: Random, county: County, since: date) -> Residence:
    town = random.choice(county.towns)
    tribal_land = random.choices(("yes", "no", "not_asked"), (3, 67, 30))[0]
    return Residence(
        "fixed",
        county.fips,
        since,
        address_1=some_address(random),
        city=town.name,
        postal_code=town.postal_code,
        school_district=county.school_district,
        tribal_land=tribal_land,
    )


def _ages_beside(head: Client, role: str) -> tuple[int, int]:
    """Plausible beside the head: parents are at least eighteen years older than their children."""
    age = head.age
    return {
        "partner": (max(19, age - 6), age + 6),
        "child": (max(0, age - 44), min(17, age - 18)),
        "grandparent": (age + 19, min(age + 34, 93)),
        "other": (max(19, age - 15), age + 15),
    }[role]
