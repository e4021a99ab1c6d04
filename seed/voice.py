"""Faker's provider for this region: names in two languages, fictional telephones, answers nobody gave.

Never uses Faker's own phone numbers, addresses, e-mail hosts or identity numbers.
"""

from __future__ import annotations

import unicodedata
from datetime import date, timedelta

from faker import Faker
from faker.providers import BaseProvider

RACES = (
    "american_indian_or_alaska_native",
    "asian",
    "black_or_african_american",
    "hispanic_or_latino",
    "middle_eastern_or_north_african",
    "native_hawaiian_or_pacific_islander",
    "white",
)
UNKNOWN = ("doesnt_know", "prefers_not", "not_asked")
GENDERS = ("female", "male", "non_binary")


class Panhandle(BaseProvider):
    """Slow to make, quick to `begin` again: keep one for a whole stream of people."""

    def __init__(self) -> None:
        self._names = {"en": Faker("en_US"), "es": Faker("es_MX")}
        super().__init__(self._names["en"])

    def begin(self, seed: int) -> None:
        """Everything said from here on follows from `seed` alone."""
        for names in self._names.values():
            names.seed_instance(seed)

    def one_of(self, weights: dict[str, int]) -> str:
        return str(self.generator.random.choices(list(weights), list(weights.values()))[0])

    def happens(self, percent: int) -> bool:
        return bool(self.generator.random.randrange(100) < percent)

    def given_name(self, language: str, gender: str) -> str:
        names = self._names[language]
        if gender == "male":
            return str(names.first_name_male())
        return str(names.first_name_female() if gender == "female" else names.first_name())

    def family_name(self, language: str) -> str:
        """Two family names in Spanish, as people write them."""
        name = str(self._names[language].last_name())
        return f"{name} {self._names[language].last_name()}" if language == "es" else name

    def fiction_phone(self) -> str:
        return f"308-555-01{self.generator.random.randrange(100):02d}"

    def fiction_email(self, given_name: str, family_name: str) -> str:
        number = self.generator.random.randrange(10, 100)
        return f"{_ascii(given_name)}.{_ascii(family_name)}{number}@example.org"

    def birthday(self, youngest: int, oldest: int, on: date) -> date:
        """Of somebody who is between the two ages, in whole years, on that day."""
        days = self.generator.random.randrange((oldest - youngest + 1) * 365)
        return _years_before(on, youngest) - timedelta(days=days)

    def unsaid(self) -> str:
        """One of the three ways in which an answer is missing."""
        return self.one_of({"doesnt_know": 2, "prefers_not": 5, "not_asked": 7})

    def races(self, language: str) -> tuple[str, ...]:
        """One or several."""
        first = self.one_of(_RACES_OF[language])
        second = self.one_of(_RACES_OF[language]) if self.happens(12) else first
        return tuple(sorted({first, second}))

    def gender(self) -> str:
        return self.one_of({"female": 53, "male": 42, "non_binary": 1, "prefers_not": 2, "not_asked": 2})


_RACES_OF = {
    "en": {
        "white": 78,
        "american_indian_or_alaska_native": 10,
        "hispanic_or_latino": 8,
        "black_or_african_american": 2,
        "asian": 2,
    },
    "es": {"hispanic_or_latino": 92, "white": 6, "american_indian_or_alaska_native": 2},
}


def _years_before(day: date, years: int) -> date:
    safe = day.replace(day=28) if (day.month, day.day) == (2, 29) else day
    return safe.replace(year=safe.year - years)


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "".join(letter for letter in plain.lower() if letter.isalnum())
