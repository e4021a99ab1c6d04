"""Keys that make a command safe to repeat, tags that keep an edit from overwriting another."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.preconditions import etag, fingerprint, read_if_match
from api.problems import Refused
from tests.api.tiny import bearer, call, command, send_raw, tiny_app

GOOD = {"client": {"given_name": "Ana"}, "reason": "food"}


def ask(body: object = GOOD, **headers: str) -> tuple[int, str]:
    answer = call(tiny_app(), "POST", "/v1/referrals", json=body, headers={**bearer(), **headers})
    return answer.status_code, answer.json().get("code", "")


def test_a_command_without_a_key_is_told_how_to_make_one() -> None:
    answer = call(tiny_app(), "POST", "/v1/referrals", json=GOOD, headers=bearer())
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency-key-missing")
    assert "UUID" in answer.json()["detail"]


@pytest.mark.parametrize("key", ["x", "x" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "!~"])
def test_visible_ascii_makes_a_key(key: str) -> None:
    assert ask(**{"Idempotency-Key": key})[0] == 201


@pytest.mark.parametrize("key", [b"", b"x" * 256, b"a b", b"\xe9", b"a\tb"])
def test_anything_else_makes_none(key: bytes) -> None:
    head = [(b"authorization", bearer()["Authorization"].encode()), (b"idempotency-key", key)]
    url = "/v1/referrals/01890000-0000-7000-8000-000000000001/accept"
    status, _, body = send_raw(tiny_app(), path=url, headers=head, chunks=[b""])
    assert (status, json.loads(body)["code"]) == (400, "idempotency-key-invalid")


def test_two_keys_are_one_too_many() -> None:
    head = [(b"authorization", bearer()["Authorization"].encode()), *[(b"idempotency-key", b"x")] * 2]
    url = "/v1/referrals/01890000-0000-7000-8000-000000000001/accept"
    assert send_raw(tiny_app(), path=url, headers=head, chunks=[b""])[0] == 400


def test_blanks_and_the_order_of_names_make_no_other_command() -> None:
    prints = set()
    for content in (
        json.dumps(GOOD),
        json.dumps(GOOD, indent=3),
        json.dumps(dict(reversed(GOOD.items()))),
    ):
        headers = {**command(), "Content-Type": "application/json"}
        prints.add(call(tiny_app(), "POST", "/v1/referrals", content=content, headers=headers).json()["fingerprint"])
    assert len(prints) == 1


def test_another_body_path_or_method_makes_another_command() -> None:
    prints = {
        fingerprint("POST", "/v1/a", {"a": 1}),
        fingerprint("POST", "/v1/a", {"a": "1"}),
        fingerprint("POST", "/v1/a", {"a": 1, "b": None}),
        fingerprint("POST", "/v1/a", None),
        fingerprint("POST", "/v1/b", {"a": 1}),
        fingerprint("DELETE", "/v1/a", {"a": 1}),
    }
    assert len(prints) == 6


@given(st.integers(0, 10**17))
def test_a_version_admits_itself_and_no_other(version: int) -> None:
    condition = read_if_match(etag(version))
    assert version in condition
    assert version + 1 not in condition


def test_a_list_admits_any_of_its_versions_and_a_star_every_one() -> None:
    assert [version in read_if_match('"3" , "7","x"') for version in (3, 7, 8)] == [True, True, False]
    assert 99 in read_if_match(" * ")
    assert 1 not in read_if_match('"somebody-elses-tag"')


@pytest.mark.parametrize("value", ["", "7", 'W/"7"', '"7', '"7" "8"', '"7",', '*, "7"', "'7'", '"7", W/"8"'])
def test_a_weak_or_unreadable_tag_is_refused(value: str) -> None:
    with pytest.raises(Refused) as refused:
        read_if_match(value)
    assert refused.value.kind.code == "if-match-invalid"


@given(st.text())
def test_whatever_stands_in_if_match_is_read_or_refused(value: str) -> None:
    with suppress(Refused):
        read_if_match(value)
