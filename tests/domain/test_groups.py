"""What is counted of a person: bands and categories, and openly that something is not known."""

from datetime import date

import pytest

from domain.groups import DIMENSIONS, age_band, dimensions, ethnicity, language, race

ON = date(2026, 7, 1)


@pytest.mark.parametrize(
    ("born", "band"),
    [
        (date(2026, 6, 30), "00-04"), (date(2021, 7, 2), "00-04"), (date(2021, 7, 1), "05-12"),
        (date(2008, 7, 2), "13-17"), (date(2008, 7, 1), "18-24"), (date(1961, 7, 2), "55-64"),
        (date(1961, 7, 1), "65+"), (date(1900, 1, 1), "65+"), (date(2008, 2, 29), "18-24"),
    ],
)  # fmt: skip
def test_the_band_changes_on_the_birthday(born: date, band: str) -> None:
    assert age_band(born, None, ON) == band


def test_a_year_alone_is_enough_for_a_band_and_nothing_is_unknown() -> None:
    assert age_band(None, 1990, ON) == "35-44"
    assert age_band(None, None, ON) == "unknown"


@pytest.mark.parametrize(
    ("named", "of", "how"),
    [
        (["white"], "white", "not_hispanic_or_latino"),
        (["hispanic_or_latino"], "hispanic_or_latino", "hispanic_or_latino"),
        (["white", "hispanic_or_latino"], "multiple", "hispanic_or_latino"),
        (["white", "asian"], "multiple", "not_hispanic_or_latino"),
        (["white", "prefers_not"], "white", "not_hispanic_or_latino"),
        (["prefers_not"], "unknown", "unknown"),
        (["doesnt_know"], "unknown", "unknown"),
        (["not_asked"], "unknown", "unknown"),
        (["something typed"], "unknown", "unknown"),
        ([], "unknown", "unknown"),
    ],
)
def test_whoever_names_several_is_multiple_and_an_answer_not_given_is_unknown(
    named: list[str], of: str, how: str
) -> None:
    assert (race(named), ethnicity(named)) == (of, how)


def test_a_language_that_few_speak_is_not_counted_by_its_name() -> None:
    assert [language(code, {"en", "es"}) for code in ("es", "kar", None, "")] == ["es", "other", "unknown", "unknown"]


def test_every_dimension_has_a_value() -> None:
    assert set(dimensions(None, None, {})) == set(DIMENSIONS)
    assert set(dimensions(None, None, {}).values()) == {"unknown"}
    assert dimensions("31157", "food", {"race": "asian"})["race"] == "asian"
