"""How long something may take, as the collaborative agreed on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

# More is a slip of the pen; and every loop over days stays short.
_MOST = {
    "business_days": 3_650,
    "opening_hours": 8_760,
    "days": 3_650,
    "hours": 87_600,
    "seconds": 315_360_000,
}
_WHOLE = frozenset({"business_days", "days"})


@dataclass(frozen=True, slots=True)
class Limit:
    """Exactly one of five amounts, above zero and not absurd; anything else is a ValueError naming the field.

    `business_days` and `opening_hours` run only while the service is open; `days`, `hours` and `seconds` (for
    compressed runs) by the clock on the wall, day and night. `Calendar.due` turns a limit into a moment.
    """

    business_days: int | None = None
    opening_hours: float | None = None
    days: int | None = None
    hours: float | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        given = self._given()
        if len(given) != 1:
            raise ValueError(f"limit: exactly one of {', '.join(_MOST)} is needed, {len(given)} given")
        for name, amount in given.items():
            _check(name, amount)

    @classmethod
    def parse(cls, shape: object) -> Limit:
        """From `{"business_days": 2}`. The ValueError names the field and never repeats the value."""
        if not isinstance(shape, Mapping):
            raise ValueError("limit: an object with one field is needed")
        unknown = sorted(str(name) for name in shape if name not in _MOST)
        if unknown:
            raise ValueError(f"{unknown[0]}: no such kind of limit; known are {', '.join(_MOST)}")
        for name, amount in shape.items():
            _check(name, amount)
        return cls(**shape)

    def as_json(self) -> dict[str, int | float]:
        return self._given()

    @property
    def by_the_wall(self) -> bool:
        """True if it also runs while the service is closed."""
        return self.business_days is None and self.opening_hours is None

    def _given(self) -> dict[str, int | float]:
        amounts = ((field.name, getattr(self, field.name)) for field in fields(self))
        return {name: amount for name, amount in amounts if amount is not None}


def _check(name: str, amount: object) -> None:
    kinds = (int,) if name in _WHOLE else (int, float)
    if isinstance(amount, bool) or not isinstance(amount, kinds):
        raise ValueError(f"{name}: a {'whole ' if name in _WHOLE else ''}number is needed")
    if not 0 < amount <= _MOST[name]:
        raise ValueError(f"{name}: above 0 and at most {_MOST[name]} is needed")
