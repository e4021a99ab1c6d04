"""Turning pages without counting rows, and without trusting whoever turns them."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cursors import Cursors, SortKey
from api.problems import Refused
from tests.api.tiny import bearer, call, tiny_app

CURSORS = Cursors(b"0123456789abcdef")
keys = st.lists(
    st.none()
    | st.integers()
    | st.text()
    | st.uuids()
    | st.dates()
    | st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2099, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_size=4,
)


@given(keys, st.text(st.characters(exclude_categories=["Cs"])))
def test_a_cursor_gives_back_the_keys_in_their_types(values: list[SortKey], purpose: str) -> None:
    assert CURSORS.decode(CURSORS.encode(values, purpose), purpose) == tuple(values)


@pytest.mark.parametrize("other", ["tasks state=open ana", "tasks state=done ben", ""])
def test_a_cursor_of_another_list_filter_or_reader_is_foreign(other: str) -> None:
    cursor = CURSORS.encode([UUID(int=7)], "tasks state=open ben")
    with pytest.raises(Refused) as refused:
        CURSORS.decode(cursor, other)
    assert refused.value.kind.code == "bad-cursor"


def test_a_cursor_of_another_key_is_foreign() -> None:
    with pytest.raises(Refused):
        CURSORS.decode(Cursors(b"another key, as long").encode([1], "tasks"), "tasks")


@given(st.text() | st.text("ABCabc012-_=", max_size=40))
def test_a_made_up_cursor_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        CURSORS.decode(text, "tasks")


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_cursor_with_a_changed_byte_is_refused(position: int, change: int) -> None:
    cursor = bytearray(CURSORS.encode([datetime(2026, 1, 1, tzinfo=UTC), UUID(int=7)], "tasks").encode())
    cursor[position % (len(cursor) - 1)] ^= change
    with pytest.raises(Refused):
        CURSORS.decode(cursor.decode("latin-1"), "tasks")


def test_a_list_is_read_page_by_page() -> None:
    app = tiny_app()
    first = call(app, "GET", "/v1/referrals?limit=2", headers=bearer()).json()
    second = call(app, "GET", f"/v1/referrals?limit=2&cursor={first['next_cursor']}", headers=bearer()).json()
    assert first["items"] + second["items"] == [0, 1, 2, 3]
    assert len(call(app, "GET", "/v1/referrals", headers=bearer()).json()["items"]) == 50


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1.5", "", "x", "9" * 30, "true", "1e2", "٣"])
def test_a_page_has_1_to_200_items(limit: str) -> None:
    answer = call(tiny_app(), "GET", "/v1/referrals", params={"limit": limit}, headers=bearer())
    assert answer.status_code == 422
    assert answer.json()["errors"][0] | {"detail": "", "code": ""} == {
        "in": "query",
        "pointer": "/limit",
        "code": "",
        "detail": "",
    }


@pytest.mark.parametrize("cursor", ["", "x", "AAAA" * 20, "é", "\0", "A" * 5000])
def test_a_forged_cursor_is_a_bad_request(cursor: str) -> None:
    answer = call(tiny_app(), "GET", "/v1/referrals", params={"cursor": cursor}, headers=bearer())
    assert (answer.status_code, answer.json()["code"]) == (400, "bad-cursor")
