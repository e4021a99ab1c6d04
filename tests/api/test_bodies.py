"""Bodies that nobody should trust."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.bodies import DEEPEST, LARGEST_BODY, parse
from api.problems import Refused
from tests.api.tiny import bearer, call, command, send_raw, tiny_app

GOOD = {"client": {"given_name": "Ana"}, "reason": "food"}
JSON = {"Content-Type": "application/json"}


def post(content: bytes, media_type: str = "application/json", **headers: str) -> Any:
    sent = {**command(), "Content-Type": media_type, **headers}
    return call(tiny_app(), "POST", "/v1/referrals", content=content, headers=sent)


def test_a_readable_body_arrives_whole() -> None:
    assert post(json.dumps(GOOD).encode()).json()["given_name"] == "Ana"
    assert post(json.dumps(GOOD).encode(), "application/merge-patch+json; charset=UTF-8").status_code == 201


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "malformed-json"),
        (b"{'a': 1}", "malformed-json"),
        (b"{} {}", "malformed-json"),
        (b" ", "malformed-json"),
        (b"\xff\xfe{}", "malformed-json"),
        (b'"\xc3\x28"', "malformed-json"),
        (b'"\xed\xa0\x80"', "malformed-json"),
        (b"\xef\xbb\xbf{}", "malformed-json"),
        (b'{"a": 1, "a": 2}', "duplicate-name"),
        (b'{"x": [{"a": 1, "\\u0061": 2}]}', "duplicate-name"),
        (b"[" * 65 + b"]" * 65, "too-deep"),
        (b"[" * 500_000, "too-deep"),
        (b'{"a":' * 150_000, "too-deep"),
    ],
)
def test_what_is_not_one_plain_json_value_is_refused(content: bytes, code: str) -> None:
    answer = post(content)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9223372036854775808", b"9" * 10_000])
def test_a_number_beyond_bounds_is_a_wrong_value(number: bytes) -> None:
    answer = post(b'{"reason": ' + number + b"}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "number-out-of-range"


@pytest.mark.parametrize(
    ("media_type", "headers"),
    [
        ("text/plain", {}),
        ("application/x-www-form-urlencoded", {}),
        ("application/jsonp", {}),
        ("application/json; charset=latin-1", {}),
        ("application/json, text/plain", {}),
        ("", {}),
        ("application/json", {"Content-Encoding": "gzip"}),
    ],
)
def test_only_plain_json_in_utf8_is_taken(media_type: str, headers: dict[str, str]) -> None:
    assert post(json.dumps(GOOD).encode(), media_type, **headers).status_code == 415


def test_a_large_body_is_refused_before_it_is_read_as_json() -> None:
    assert post(b"[" * (LARGEST_BODY + 1)).status_code == 413
    assert post(b" " * (LARGEST_BODY - 100) + json.dumps(GOOD).encode()).status_code == 201


def test_a_large_body_without_an_announced_length_is_refused_too() -> None:
    head = [(name.lower().encode(), value.encode()) for name, value in {**command(), **JSON}.items()]
    chunked = [*head, (b"transfer-encoding", b"chunked")]
    status, _, _ = send_raw(tiny_app(), headers=chunked, chunks=[b" " * 65_536] * 17)
    assert status == 413


def test_a_body_in_pieces_is_put_together() -> None:
    head = [(name.lower().encode(), value.encode()) for name, value in {**command(), **JSON}.items()]
    text = json.dumps(GOOD).encode()
    status, _, body = send_raw(
        tiny_app(), headers=[*head, (b"transfer-encoding", b"chunked")], chunks=[text[:9], text[9:], b""]
    )
    assert (status, json.loads(body)["given_name"]) == (201, "Ana")


@pytest.mark.parametrize("length", [b"-1", b"1e3", b"0x10", b"\xb2", b"9" * 40])
def test_an_absurd_length_does_no_harm(length: bytes) -> None:
    status, _, _ = send_raw(tiny_app(), headers=[(b"content-length", length)], chunks=[b"{}"])
    assert status in {400, 413}


def test_a_move_without_a_body_needs_no_media_type() -> None:
    url = "/v1/referrals/01890000-0000-7000-8000-000000000001/accept"
    assert call(tiny_app(), "POST", url, headers=command()).status_code == 200


def test_a_body_on_a_read_is_held_to_the_same_rules() -> None:
    assert call(tiny_app(), "GET", "/v1/me", content=b"{", headers={**bearer(), **JSON}).status_code == 400


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


@given(values)
def test_every_honest_value_is_read_as_it_was_written(value: object) -> None:
    assert parse(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_whatever_bytes_arrive_they_are_read_or_refused(content: bytes) -> None:
    with suppress(Refused):
        parse(content)


@given(st.integers(1, 200), st.booleans())
def test_depth_is_counted_exactly(depth: int, objects: bool) -> None:
    text = '{"a":' * (depth - 1) + "{}" + "}" * (depth - 1) if objects else "[" * depth + "]" * depth
    if depth <= DEEPEST:
        parse(text.encode())
        return
    with pytest.raises(Refused) as refused:
        parse(text.encode())
    assert refused.value.kind.code == "too-deep"


def test_a_long_flat_list_is_not_deep() -> None:
    assert len(parse(b"[" + b"[]," * 1000 + b"[]]")) == 1001
