"""What callers are told when the API says no, and what they are never told."""

import re
from collections.abc import Callable

import psycopg
import pytest
import sqlalchemy.exc
from structlog.testing import capture_logs

from api import problems
from api.kinds import KINDS
from tests.api.tiny import KNOWN, SECRET, bearer, call, command, tiny_app

SOMEBODY_ELSES = "01890000-0000-7000-8000-00000000dead"


def test_a_refusal_is_a_problem_document_that_leads_to_an_explanation() -> None:
    answer = call(tiny_app(), "GET", "/v1/refuse/forbidden", headers=bearer())
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["title"] == "Not yours to do"
    assert problem["detail"] == "Only the target may do that."
    assert problem["request_id"] == answer.headers["x-request-id"]
    explained = call(tiny_app(), "GET", problem["type"]).json()
    assert explained["status"] == 403
    assert explained["remedy"]


def test_a_lost_race_shows_the_state_as_it_stands_now() -> None:
    problem = call(tiny_app(), "GET", "/v1/refuse/conflict", headers=bearer()).json()
    assert problem["current"] == {"state": "accepted"}
    assert problem["code"] == "wrong-state"
    assert problem["type"] == "/problems/conflict"


def test_a_services_pointer_comes_back_as_a_field_error() -> None:
    problem = call(tiny_app(), "GET", "/v1/refuse/unprocessable", headers=bearer()).json()
    assert [(error["in"], error["pointer"], error["code"]) for error in problem["errors"]] == [
        ("body", "/occurred_at", "future")
    ]


def test_a_hidden_referral_and_a_path_that_does_not_exist_look_exactly_the_same() -> None:
    given_id = {**bearer(), "X-Request-Id": "the-same"}
    hidden = call(tiny_app(), "GET", f"/v1/referrals/{SOMEBODY_ELSES}", headers=given_id)
    missing = call(tiny_app(), "GET", "/v1/no-such-thing", headers=given_id)
    assert hidden.status_code == missing.status_code == 404
    assert hidden.content == missing.content
    assert hidden.headers == missing.headers


@pytest.mark.parametrize(
    "body",
    [
        {"client": {"given_name": "Ana"}, "reason": SECRET},
        {"client": SECRET, "reason": "food"},
        {"client": {"given_name": "Ana", "birth_date": SECRET}, "reason": "food"},
        {"client": {"given_name": "Ana"}, "reason": "food", "priority": SECRET},
        {"client": {"given_name": "Ana"}, "reason": "food", "occurred_at": SECRET},
        {"client": {"given_name": "Ana"}, "reason": "food", SECRET: 1},
        {"client": {"given_name": "Ana", SECRET: {SECRET: SECRET}}, "reason": "food"},
        {"client": {"given_name": SECRET + "\0"}, "reason": "food"},
        {"client": {"given_name": [SECRET]}, "reason": "food"},
        [SECRET],
        SECRET,
    ],
)
def test_a_clients_name_in_the_wrong_place_comes_back_nowhere(body: object) -> None:
    with capture_logs() as logs:
        answer = call(tiny_app(), "POST", "/v1/referrals", json=body, headers=command())
    assert answer.status_code == 422
    for word in SECRET.split():
        assert word not in answer.text + str(answer.headers) + str(logs)


def test_a_clients_name_in_the_address_comes_back_nowhere() -> None:
    app = tiny_app()
    for url in (
        f"/v1/referrals?state={SECRET}",
        f"/v1/referrals?{SECRET}=1",
        f"/v1/me?{SECRET}=1",
        f"/v1/referrals?cursor={SECRET}",
        f"/v1/referrals/{SECRET}",
        f"/v1/{SECRET}",
        f"/problems/{SECRET}",
    ):
        with capture_logs() as logs:
            answer = call(app, "GET", url, headers=bearer())
        assert 400 <= answer.status_code < 500, url
        assert "Maribel" not in answer.text + str(answer.headers) + str(logs)


def test_an_error_names_the_published_field_that_it_is_about() -> None:
    body = {"client": {"given_name": ""}, "reason": "no such code", "priority": "soon"}
    problem = call(tiny_app(), "POST", "/v1/referrals", json=body, headers=command()).json()
    found = {error["pointer"]: (error["code"], error["detail"]) for error in problem["errors"]}
    assert found["/client/given_name"] == ("string-too-short", "At least 1 character is needed.")
    assert found["/reason"][0] == "string-pattern-mismatch"
    assert found["/priority"] == ("enum", "This has to be one of 'routine' or 'urgent'.")


def test_an_unknown_query_parameter_is_refused_even_where_there_are_none() -> None:
    app = tiny_app()
    assert call(app, "GET", "/v1/me?colour=red", headers=bearer()).status_code == 422
    assert call(app, "GET", "/v1/referrals?offset=3", headers=bearer()).status_code == 422
    assert call(app, "GET", "/v1/referrals?state=urgent&limit=3", headers=bearer()).status_code == 200


def test_a_query_parameter_that_is_there_twice_is_refused_instead_of_guessed() -> None:
    answer = call(tiny_app(), "GET", "/v1/referrals?limit=1&state=urgent&limit=3", headers=bearer())
    assert answer.status_code == 422
    assert [(each["in"], each["pointer"], each["code"]) for each in answer.json()["errors"]] == [
        ("query", "/limit", "repeated")
    ]


def test_a_wrong_method_is_told_the_right_ones() -> None:
    answer = call(tiny_app(), "PUT", f"/v1/referrals/{KNOWN}")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, DELETE"
    assert answer.json()["type"] == "/problems/method-not-allowed"


def test_an_unexpected_failure_keeps_its_message_to_itself_and_leaves_a_trace_without_it() -> None:
    with capture_logs() as logs:
        answer = call(tiny_app(), "GET", "/v1/fail")
    assert answer.status_code == 500
    assert answer.json()["type"] == "/problems/internal"
    assert "Maribel" not in answer.text + str(logs)
    (line,) = logs
    assert line["type"] == "builtins.RuntimeError"
    assert line["request_id"] == answer.json()["request_id"]
    assert re.fullmatch(r"api/tiny\.py:\d+", line["at"])


def wrapped(orig: Exception) -> Exception:
    return sqlalchemy.exc.DBAPIError.instance(
        f"select '{SECRET}'", None, orig, psycopg.Error, connection_invalidated=False
    )


@pytest.mark.parametrize(
    "raising",
    [
        lambda: wrapped(psycopg.OperationalError(SECRET)),
        lambda: wrapped(psycopg.errors.DiskFull(SECRET)),
        lambda: wrapped(psycopg.errors.TooManyConnections(SECRET)),
        lambda: wrapped(psycopg.errors.AdminShutdown(SECRET)),
        lambda: wrapped(psycopg.errors.CannotConnectNow(SECRET)),
        lambda: wrapped(psycopg.errors.ConnectionFailure(SECRET)),
        lambda: wrapped(psycopg.errors.ReadOnlySqlTransaction(SECRET)),
        lambda: psycopg.OperationalError(SECRET),
        lambda: sqlalchemy.exc.TimeoutError(SECRET),
        lambda: ConnectionRefusedError(SECRET),
    ],
)
def test_while_the_database_is_away_or_full_people_are_asked_to_come_back(
    raising: Callable[[], Exception],
) -> None:
    with capture_logs() as logs:
        answer = call(tiny_app(raising=raising), "GET", "/v1/fail")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "Maribel" not in answer.text + str(logs)


@pytest.mark.parametrize("error", [psycopg.errors.UniqueViolation, psycopg.errors.UndefinedTable])
def test_a_bug_in_a_statement_is_not_excused_as_an_outage(error: type[psycopg.Error]) -> None:
    answer = call(tiny_app(raising=lambda: wrapped(error(SECRET))), "GET", "/v1/fail")
    assert answer.status_code == 500


def test_every_kind_of_problem_says_what_to_do() -> None:
    listed = call(tiny_app(), "GET", "/problems").json()
    assert {each["code"] for each in listed} == set(KINDS)
    assert all(each["remedy"].endswith(".") for each in listed)


def test_a_log_that_cannot_be_written_takes_nobodys_answer_away(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def error(self, *_: object, **__: object) -> None:
            raise AttributeError("'PrintLogger' object has no attribute 'name'")

    monkeypatch.setattr(problems, "log", Broken())
    answer = call(tiny_app(), "GET", "/v1/fail", headers=bearer())
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "internal"
