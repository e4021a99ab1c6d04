"""The value types that every request body and query parameter is made of.

What a database or a calendar would choke on is refused here, once: NUL, lone surrogates and control
characters, naive times, NaN, numbers without bound, names nobody asked for. Error texts never contain the
value.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    Strict,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

EARLIEST_YEAR, LATEST_YEAR = 1900, 2099

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_CONTROL_BUT_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_INVISIBLE = frozenset({"Cf", "Zl", "Zp", "Co", "Cn"})
"""Unicode's categories of formatting characters, separators of lines, private and unassigned characters."""
_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks by name that nobody sees: Unicode's other default-ignorable characters, and the empty Braille."""
_JOINERS = "\u200c\u200d"
_JOINED = re.compile("[\u0600-\u08ff\u0900-\u0dff]")
"""Arabic's and India's letters, which Persian and the languages of India join and part with joiners."""
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_DIGITS = re.compile(r"-?\d{1,18}", re.ASCII)


def refusal(code: str, sentence: str) -> PydanticCustomError:
    """An error whose sentence reaches the client as it stands: write it without the value.

    For validators of request models; any other `ValueError` is shown as a general sentence only.
    """
    return PydanticCustomError("concert_" + code.replace("-", "_"), sentence.replace("{", "{{"))


@dataclass(frozen=True)
class Text:
    """Text of `shortest` to `longest` characters, without control characters; `lines` allows line feed and
    tab.

    Without `lines` the ends are trimmed and something must remain; with it the text is kept as written.
    """

    shortest: int
    longest: int
    lines: bool = False

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        text = core_schema.str_schema(
            strict=True,
            strip_whitespace=not self.lines,
            min_length=self.shortest,
            max_length=self.longest,
        )
        return core_schema.no_info_after_validator_function(self._check, text)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: Callable[..., dict[str, Any]]
    ) -> dict[str, Any]:
        kept = r"\u0000-\u0008\u000b-\u001f\u007f-\u009f" if self.lines else r"\u0000-\u001f\u007f-\u009f"
        visible = rf"[^\s{kept}][^{kept}]*" if self.shortest else ""
        return {**handler(schema), "pattern": f"^[^{kept}]*{visible}$"}

    def _check(self, text: str) -> str:
        if (_CONTROL_BUT_LINES if self.lines else _CONTROL).search(text):
            raise refusal("control-character", "Contains a control character. Remove it.")
        if self.shortest and self.lines and not text.strip():
            raise refusal("blank", "Contains nothing but blanks.")
        return text


@dataclass(frozen=True)
class Whole:
    """A whole number from `lowest` to `highest`; true and false are no numbers, and text is one only in a
    query.
    """

    lowest: int
    highest: int
    text: bool = False

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        number = core_schema.int_schema(strict=True, ge=self.lowest, le=self.highest)
        return core_schema.no_info_before_validator_function(self._read, number)

    def _read(self, value: Any) -> Any:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if self.text and isinstance(value, str):
            if not _DIGITS.fullmatch(value):
                raise refusal("whole-number", "Write a whole number in digits.")
            return int(value)
        return value


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise refusal("instant", "Write a time with its offset, as in RFC 3339: YYYY-MM-DDThh:mm:ssZ.")
    try:
        instant = datetime.fromisoformat(value.upper())
    except ValueError:
        raise refusal("instant", "There is no such time in the calendar.") from None
    if not EARLIEST_YEAR <= instant.year <= LATEST_YEAR:
        raise refusal("out-of-range", f"The year has to lie between {EARLIEST_YEAR} and {LATEST_YEAR}.")
    return instant.astimezone(UTC)


def _day(value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise refusal("day", "Write a date as YYYY-MM-DD.")
    try:
        day = date.fromisoformat(value)
    except ValueError:
        raise refusal("day", "There is no such day in the calendar.") from None
    if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
        raise refusal("out-of-range", f"The year has to lie between {EARLIEST_YEAR} and {LATEST_YEAR}.")
    return day


def read_id(value: Any) -> UUID:
    """An id as the contract writes it; PydanticCustomError otherwise."""
    if isinstance(value, UUID):
        return value
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise refusal("id", "Write the id as a UUID with hyphens.")
    return UUID(value)


def _flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value not in {"true", "false"}:
        raise refusal("flag", "Write true or false.")
    return value == "true"


def _amount(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise refusal("amount", "Write the amount as a number with at most two decimals.")
    return Decimal(str(value)) if isinstance(value, float | int) else value


def _composed(value: Any) -> Any:
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value


def _visible(name: str) -> str:
    plain = _without_joiners(name)
    if _BLANK.search(plain) or any(unicodedata.category(character) in _INVISIBLE for character in plain):
        raise refusal(
            "invisible-character", "Contains a character that nobody can see. Type it again instead of pasting it."
        )
    if not any(unicodedata.category(character)[0] in "LN" for character in name):
        raise refusal("no-letter", "A name has a letter or a digit.")
    return name


def _without_joiners(name: str) -> str:
    """Joiners between two letters of a script that is written with them are part of how the name is written."""

    def joined(at: int) -> bool:
        around = name[at - 1 : at] + name[at + 1 : at + 2]
        return len(around) == 2 and all(_JOINED.match(each) for each in around)

    return "".join(each for at, each in enumerate(name) if not (each in _JOINERS and joined(at)))


ShortText = Annotated[str, Text(1, 200)]
LongText = Annotated[str, Text(1, 10_000, lines=True)]
Name = Annotated[str, Text(1, 120), AfterValidator(_visible), BeforeValidator(_composed)]
"""A name of a person, place or thing, trimmed and in Unicode's composed form, so that equal names compare
equal; without zero-width characters and marks of direction, so that names that look the same are the same.
"""

Code = Annotated[str, Field(strict=True, min_length=1, max_length=64, pattern=r"^[a-z0-9]+([._-][a-z0-9]+)*$")]
Id = Annotated[
    UUID,
    BeforeValidator(read_id, json_schema_input_type=str),
    WithJsonSchema({"type": "string", "format": "uuid"}),
]
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
"""A moment with its offset, turned to UTC; without an offset it is refused."""
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Year = Annotated[int, Whole(EARLIEST_YEAR, LATEST_YEAR)]
Count = Annotated[int, Whole(0, 1_000_000)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-1e12, le=1e12)]
Amount = Annotated[
    Decimal,
    BeforeValidator(_amount),
    Field(ge=0, max_digits=14, decimal_places=2, allow_inf_nan=False, strict=False),
]
"""Money, never negative, in the collaborative's currency; a JSON number, or text to be exact."""

QueryFlag = Annotated[bool, BeforeValidator(_flag), WithJsonSchema({"type": "boolean"})]
QueryYear = Annotated[int, Whole(EARLIEST_YEAR, LATEST_YEAR, text=True)]

Choice = Strict(False)
"""Marks an enumeration in a `Body`: `Annotated[Outcome, Choice]`. JSON has only text; a `Literal` needs no
mark.
"""


def named(names: type[StrEnum]) -> WithJsonSchema:
    """Describes an enumeration in place, where two of the same name would meet in the description."""
    return WithJsonSchema({"type": "string", "enum": [name.value for name in names]})


class Body(BaseModel):
    """A request body: unknown names are refused, nothing is converted silently, errors hide the input."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Parameters(BaseModel):
    """The query parameters of a route, as `Annotated[Model, Query()]`: unknown names are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
