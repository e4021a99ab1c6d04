"""What a field takes, what it refuses, and that neither depends on luck."""

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from api.values import (
    Amount,
    Body,
    Choice,
    Code,
    Count,
    Day,
    Id,
    Instant,
    LongText,
    Name,
    QueryFlag,
    QueryYear,
    ShortText,
    Text,
    Year,
)


class Outcome(StrEnum):
    MET = "need_met"
    UNMET = "unmet"


class Everything(Body):
    outcome: Annotated[Outcome, Choice]
    kind: Literal["client", "household"]
    agreed: bool
    who: list[Annotated[str, Text(1, 20)]] = Field(default_factory=list)


def read(kind: Any, value: object) -> Any:
    return TypeAdapter(kind).validate_python(value)


def refuses(kind: Any, value: object) -> bool:
    try:
        read(kind, value)
    except ValidationError:
        return True
    return False


@pytest.mark.parametrize("kind", [ShortText, LongText, Name])
@pytest.mark.parametrize("text", ["a\0b", "\ud800", "a\x1bb", "a\x7f", "a\x85b", "", "  ", 7, True, None, [], b"a"])
def test_text_is_text_without_control_characters(kind: Any, text: object) -> None:
    assert refuses(kind, text)


def test_a_note_is_kept_as_it_was_written_and_a_name_is_trimmed() -> None:
    assert read(LongText, "  <b>first</b>\n\tsecond ") == "  <b>first</b>\n\tsecond "
    assert read(Name, "  José ") == read(Name, "Jose\u0301") == "Jos\u00e9"
    assert refuses(Name, "Ana\nBen")


@pytest.mark.parametrize("hidden", ["\u200b", "\u200d", "\u202e", "\u2066", "\ufeff", "\u00ad", "\u2028", "\U000e0041"])
def test_a_name_hides_no_character_and_a_note_may(hidden: str) -> None:
    assert refuses(Name, f"Ana {hidden}Brook")
    assert refuses(Name, f"A{hidden}na")
    assert read(LongText, f"Ana {hidden} sent a family emoji.")
    assert refuses(LongText, "a\rb")
    assert refuses(ShortText, "x" * 201)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-04T05:06:07Z", datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)),
        ("2026-03-04t05:06:07.250z", datetime(2026, 3, 4, 5, 6, 7, 250_000, tzinfo=UTC)),
        ("2026-03-04T05:06:07-07:00", datetime(2026, 3, 4, 12, 6, 7, tzinfo=UTC)),
    ],
)
def test_a_moment_is_turned_to_utc(written: str, meant: datetime) -> None:
    assert read(Instant, written) == meant
    assert read(Instant, written).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-04T05:06:07",
        "2026-03-04",
        "2026-02-30T00:00:00Z",
        "2026-03-04T24:00:01Z",
        "2026-03-04T05:06:60Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-03-04T05:06:07+99:99",
        "２０２６-03-04T05:06:07Z",
        1767225600,
        1767225600.0,
        "1767225600",
        True,
        datetime(2026, 1, 1),  # noqa: DTZ001 - naive on purpose
    ],
)
def test_a_moment_that_could_mean_two_things_is_refused(value: object) -> None:
    assert refuses(Instant, value)


@pytest.mark.parametrize("value", ["2026-2-3", "2026-02-30", "20260203", "2026-02-03T00:00:00", 20260203, "9999-12-31"])
def test_a_day_has_one_spelling(value: object) -> None:
    assert refuses(Day, value)
    assert read(Day, "2024-02-29") == date(2024, 2, 29)


@pytest.mark.parametrize("value", [True, "7", 7.5, float("nan"), float("inf"), -1, 10**6 + 1, 10**400, None])
def test_a_count_is_a_whole_number_within_bounds(value: object) -> None:
    assert refuses(Count, value)
    assert read(Count, 7) == read(Count, 7.0) == 7


def test_years_and_flags_are_read_from_a_query_but_not_from_any_text() -> None:
    assert read(QueryYear, "2026") == 2026
    assert read(QueryFlag, "true") is True
    assert read(QueryFlag, "false") is False
    assert all(refuses(QueryYear, value) for value in ("1899", "2026.0", " 2026", "2_026", "²", "nan", ""))
    assert all(refuses(QueryFlag, value) for value in ("1", "yes", "TRUE", ""))
    assert refuses(Year, "2026")


@pytest.mark.parametrize("value", [True, "NaN", "Infinity", float("inf"), -1, "1.005", 10**15, "1e400", [], ""])
def test_money_is_finite_and_has_two_decimals_at_most(value: object) -> None:
    assert refuses(Amount, value)
    assert read(Amount, "12.50") == read(Amount, 12.5) == Decimal("12.5")


@pytest.mark.parametrize("value", ["x", "018900000000700080000000000000001", 7, "urn:uuid:" + "0" * 32, "{}"])
def test_an_id_has_hyphens(value: object) -> None:
    assert refuses(Id, value)
    assert read(Id, str(UUID(int=7)).upper()) == UUID(int=7)


def test_a_code_is_a_slug() -> None:
    assert [read(Code, code) for code in ("no_capacity", "housing.shelter", "31007")]
    assert all(refuses(Code, code) for code in ("No", "a b", "-a", "a-", "a\n", "", "x" * 65, "é"))


def test_a_body_takes_what_it_names_and_converts_nothing() -> None:
    good: dict[str, object] = {"outcome": "need_met", "kind": "client", "agreed": True}
    assert Everything.model_validate(good).outcome is Outcome.MET
    wrongs: list[dict[str, object]] = [
        {"agreed": "true"},
        {"agreed": 1},
        {"outcome": "met"},
        {"outcome": []},
        {"kind": ["client"]},
        {"who": "ana"},
        {"who": [1]},
        {"other": 1},
    ]
    for wrong in wrongs:
        assert refuses(Everything, {**good, **wrong}), wrong


@given(st.text())
def test_no_text_gets_through_that_a_database_would_refuse(text: str) -> None:
    for kind in (ShortText, LongText, Name):
        if not refuses(kind, text):
            read(kind, text).encode("utf-8")
            assert "\0" not in text


@given(st.datetimes(timezones=st.timezones()))
def test_every_aware_moment_of_our_time_survives_a_round_trip(moment: datetime) -> None:
    written = moment.astimezone(UTC).isoformat() if 1902 < moment.year < 2098 else "0"
    assert refuses(Instant, written) or read(Instant, written) == moment.astimezone(UTC)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(anything)
def test_whatever_a_field_is_given_it_is_taken_or_refused_and_nothing_else(value: object) -> None:
    for kind in (
        ShortText,
        LongText,
        Name,
        Code,
        Id,
        Instant,
        Day,
        Year,
        Count,
        Amount,
        QueryFlag,
        QueryYear,
        Everything,
    ):
        refuses(kind, value)


def test_an_error_hides_what_was_given() -> None:
    with pytest.raises(ValidationError) as caught:
        Everything.model_validate({"outcome": "Maribel", "kind": "Maribel", "agreed": "Maribel", "Maribel": 1})
    assert "Maribel" not in str(caught.value).replace("\nMaribel\n", "\n")
