"""One entry of the partners' files, read into rows of the directory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from random import Random
from typing import Any
from uuid import UUID

from seed.agreement import agenda
from seed.directory import (
    Location,
    Membership,
    Organization,
    Partnership,
    Phone,
    Program,
    Service,
    ServiceAtLocation,
    User,
)
from seed.hours import opening_hours
from seed.ids import chance, id_of
from seed.places import counties, some_address, town_called

BEGAN = date(2024, 7, 1)
"""When the partners first sat down together; memberships and partnerships begin here."""

_Row = Mapping[str, Any]


class Numbers:
    """308-555-0100 to 0199 are set aside for fiction; each is given once."""

    def __init__(self, random: Random) -> None:
        self._free = [f"308-555-01{last:02d}" for last in range(100)]
        random.shuffle(self._free)

    def next(self) -> str:
        return self._free.pop()


class Entry:
    """One entry of the partners' files, read into rows."""

    def __init__(self, seed: int, row: _Row) -> None:
        self._seed = seed
        self._row = row
        self._slug: str = row["slug"]
        self._id = self._id_of("organization", self._slug)

    def organization(self) -> Organization:
        row, slug = self._row, self._slug
        worker = row.get("worker", False)
        return Organization(
            id=self._id,
            slug=slug,
            name=row["name"],
            kind=row["kind"],
            mode=row.get("mode", "connected"),
            description=row["description"],
            email=f"office.{slug}@example.org",
            website=f"https://{slug}.example.org",
            year_incorporated=row["founded"],
            confidential=row.get("confidential", False),
            part2=row.get("part2", False),
            one_person=row.get("one_person", False),
            worker=worker,
            task_queue=f"partner.{slug}" if worker else "partners",
        )

    def partnership(self) -> Partnership:
        """An organization that nobody connected has adopted nothing."""
        commits = tuple(self._row.get("commits", ()))
        return Partnership(
            id=self._id_of("partnership", self._slug),
            organization_id=self._id,
            valid_from=BEGAN,
            agenda_version=agenda().version,
            adopted_on=agenda().adopted_on if commits else None,
            commitments=commits,
        )

    def programs(self) -> Iterator[Program]:
        for row in self._program_rows():
            slug = f"{self._slug}/{row['slug']}"
            offers = ", ".join(service["name"] for service in row["services"])
            description = row.get("description", f"{offers}.")
            yield Program(self._id_of("program", slug), slug, self._id, row["name"], description)

    def services(self) -> Iterator[Service]:
        for program in self._program_rows():
            program_id = self._id_of("program", f"{self._slug}/{program['slug']}")
            for row in program["services"]:
                yield self._service(program_id, row)

    def locations(self) -> Iterator[Location]:
        """The main office and wherever else a service is offered; none for a victim-service provider."""
        for name in self._towns():
            yield self._location(name)

    def service_at_locations(self) -> Iterator[ServiceAtLocation]:
        for row in self._service_rows():
            for town in self._towns_of(row):
                slug = f"{self._slug}/{row['slug']}"
                location_id = self._id_of("location", f"{self._slug}/{town}")
                at_location = self._id_of("service_at_location", f"{slug}/{town}")
                yield ServiceAtLocation(at_location, self._id_of("service", slug), location_id)

    def phones(self, numbers: Numbers) -> Iterator[Phone]:
        yield self._phone(numbers, None)
        for row in self._service_rows():
            if row.get("own_line"):
                yield self._phone(numbers, row)

    def users(self) -> Iterator[User]:
        for row in self._row.get("users", ()):
            yield User(
                id=self._id_of("user", row["login"]),
                login=row["login"],
                name=row["name"],
                email=f"{row['login']}@example.org",
                languages=tuple(row.get("languages", ("en",))),
                service_account="service" in row["roles"],
            )

    def memberships(self) -> Iterator[Membership]:
        for row in self._row.get("users", ()):
            for role in row["roles"]:
                slug = f"{row['login']}/{role}"
                user_id = self._id_of("user", row["login"])
                yield Membership(self._id_of("membership", slug), user_id, self._id, role, BEGAN)

    def _service(self, program_id: UUID, row: _Row) -> Service:
        slug = f"{self._slug}/{row['slug']}"
        youngest, oldest = row.get("ages", (None, None))
        hours = opening_hours(row["hours"]) if "hours" in row else agenda().collaborative.hours
        return Service(
            id=self._id_of("service", slug),
            slug=slug,
            organization_id=self._id,
            program_id=program_id,
            name=row["name"],
            description=row["description"],
            status="active",
            email=f"office.{self._slug}@example.org",
            application_process=row["apply"],
            eligibility_description=row["eligibility"],
            fees_description=row["fees"],
            minimum_age=youngest,
            maximum_age=oldest,
            for_veterans=row.get("veterans", False),
            languages=tuple(row.get("languages", ("en",))),
            term=row["term"],
            counties=_fips(row.get("counties")),
            hours=hours,
        )

    def _location(self, name: str) -> Location:
        town, slug = town_called(name), f"{self._slug}/{name}"
        random = chance(self._seed, "location", slug)
        return Location(
            id=self._id_of("location", slug),
            slug=slug,
            organization_id=self._id,
            name=f"{self._row['name']}, {name}",
            location_type="physical",
            address_1=some_address(random),
            city=name,
            county_fips=town.county_fips,
            state_province="NE",
            postal_code=town.postal_code,
            country="US",
            latitude=round(town.latitude + random.uniform(-0.01, 0.01), 4),
            longitude=round(town.longitude + random.uniform(-0.01, 0.01), 4),
        )

    def _phone(self, numbers: Numbers, service: _Row | None) -> Phone:
        slug = f"{self._slug}/{service['slug']}" if service else self._slug
        return Phone(
            id=self._id_of("phone", slug),
            organization_id=self._id,
            service_id=self._id_of("service", slug) if service else None,
            number=numbers.next(),
            type="voice",
            languages=tuple(service.get("languages", ("en",))) if service else ("en", "es"),
        )

    def _towns(self) -> list[str]:
        """Every town once, the main office first."""
        towns = [self._row["town"]] if self._row["town"] else []
        for service in self._service_rows():
            towns += self._towns_of(service)
        return list(dict.fromkeys(towns))

    def _towns_of(self, service: _Row) -> list[str]:
        own = [self._row["town"]] if self._row["town"] else []
        return list(service.get("towns", own))

    def _program_rows(self) -> list[_Row]:
        return list(self._row.get("programs", ()))

    def _service_rows(self) -> list[_Row]:
        return [service for program in self._program_rows() for service in program["services"]]

    def _id_of(self, kind: str, slug: str) -> UUID:
        return id_of(self._seed, kind, slug)


def _fips(names: list[str] | None) -> tuple[str, ...]:
    """All eleven counties if none is named."""
    return tuple(county.fips for county in counties() if names is None or county.name in names)
