"""The public contract, line by line, against the real application over a seeded record."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest

from concert.issuer import Issuer
from tests.house import OUTCOME, House, Person

ROUTES = [
    "GET /v1/me",
    "GET /v1/organizations",
    "GET /v1/services",
    "POST /v1/clients",
    "GET /v1/clients/{}",
    "POST /v1/needs",
    "GET /v1/needs/{}",
    "POST /v1/consents",
    "POST /v1/consents/{}/revoke",
    "POST /v1/referrals",
    "GET /v1/referrals",
    "GET /v1/referrals/{}",
    "GET /v1/referrals/{}/timeline",
    "POST /v1/referrals/{}/withdraw",
    "POST /v1/referrals/{}/reroute",
    "POST /v1/referrals/{}/confirm",
    "POST /v1/referrals/{}/close-unmet",
    "POST /v1/referrals/{}/consent",
    "POST /v1/referrals/{}/void",
    "GET /v1/tasks",
    "GET /v1/tasks/{}",
    "POST /v1/tasks/{}/acknowledge",
    "POST /v1/tasks/{}/accept",
    "POST /v1/tasks/{}/decline",
    "POST /v1/tasks/{}/request-info",
    "POST /v1/tasks/{}/answer",
    "POST /v1/tasks/{}/start",
    "POST /v1/tasks/{}/hold",
    "POST /v1/tasks/{}/waitlist",
    "POST /v1/tasks/{}/reconfirm",
    "POST /v1/tasks/{}/resume",
    "POST /v1/tasks/{}/complete",
    "POST /v1/tasks/{}/fail",
    "POST /v1/tasks/{}/cancel",
    "POST /v1/tasks/{}/void",
    "POST /v1/tasks/{}/assign",
    "POST /v1/tasks/{}/contact",
    "POST /v1/tasks/{}/note",
    "POST /v1/tasks/{}/nudge",
    "POST /v1/tasks/{}/escalate",
    "POST /v1/tasks/{}/except",
    "POST /v1/tasks/{}/watch",
    "POST /v1/tasks/reassign",
    "POST /v1/referrals/{}/propose-reroute",
    "POST /v1/people/{}/absence",
    "GET /v1/indicators",
    "GET /v1/indicators/{}",
    "GET /v1/indicators/{}/events",
    "POST /v1/publications",
    "GET /v1/publications",
    "GET /v1/publications/{}",
    "GET /public/indicators",
    "GET /public/indicators.csv",
    "GET /public/indicators.xlsx",
    "GET /v1/monitor/stalled",
    "GET /v1/monitor/engine",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
]
SHAPES = {
    "Referral": "id reference state priority client_id service_id source_organization_id target_organization_id tasks"
    " outcome created_at version allowed_actions",
    "Task": "id kind title state organization_id assigned_to referral_id action_plan_id step_key ball_in_court due_at"
    " created_at version allowed_actions",
    "Event": "id at kind task_id referral_id action_plan_id organization_id from_state to_state reason",
    "Indicator": "code version name kind unit definition baseline target series",
    "Point": "period value numerator denominator by",
    "Stalled": "kind id ball_in_court since limit level reason_code reason allowed_actions",
    "BallInCourt": "organization_id user_id",
}
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@pytest.fixture(scope="module")
def maria(house: House) -> Person:
    return house.caseworker("cap")


@pytest.fixture(scope="module")
def gwen(house: House) -> Person:
    return house.caseworker("housing")


@pytest.fixture(scope="module")
def stranger(house: House) -> Person:
    """A caseworker of an organization that takes no part."""
    return house.caseworker("aging")


@pytest.fixture(scope="module")
def backbone(house: House) -> Person:
    return house.person(house.region.people_of("hub", "backbone")[0].login)


@pytest.fixture(scope="module")
def document(house: House) -> Any:
    return house.http.get("/openapi.json").json()


@pytest.fixture
def referral(house: House) -> dict[str, Any]:
    return house.refer("cap", "housing", consent=True)


@pytest.fixture
def task(referral: dict[str, Any]) -> str:
    return f"/v1/tasks/{referral['tasks'][0]['id']}"


def problem(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    """The problem document of a refusal, whose form every refusal shares."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail", "request_id"} <= body.keys()
    assert (body["status"], body["request_id"]) == (status, answer.headers["x-request-id"])
    assert code is None or body["code"] == code, body
    return body


# ------------------------------------------------------------------------------------------ routes and shapes


def test_every_route_of_the_contract_exists(document: Any) -> None:
    there = {f"{m.upper()} {re.sub('{[^}]+}', '{}', path)}" for path, ms in document["paths"].items() for m in ms}
    assert [route for route in ROUTES if route not in there] == []


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_has_at_least_the_promised_fields(document: Any, shape: str) -> None:
    assert set(SHAPES[shape].split()) <= document["components"]["schemas"][shape]["properties"].keys()


def test_ids_are_uuid7_times_are_utc_and_a_referral_has_a_name_for_the_phone(referral: dict[str, Any]) -> None:
    assert UUID7.fullmatch(referral["id"])
    assert UUID7.fullmatch(referral["tasks"][0]["id"])
    assert UTC.fullmatch(referral["created_at"])
    assert UTC.fullmatch(referral["tasks"][0]["due_at"])
    assert re.fullmatch(r"R-[2-9A-HJKMNP-Z]{4}-[2-9A-HJKMNP-Z]{4}", referral["reference"])


def test_me_says_who_i_am_for_whom_i_act_and_in_which_roles(house: House, maria: Person) -> None:
    me = maria.read("/v1/me")
    assert me["login"] == maria.login
    assert me["organization"]["id"] == str(house.region.organization("cap").id)
    assert "caseworker" in me["roles"]


def test_services_are_found_by_term_and_by_words(maria: Person) -> None:
    rent = maria.read("/v1/services", taxonomy="housing.rent")["items"]
    assert rent
    assert {service["term"] for service in rent} == {"housing.rent"}
    broader = maria.read("/v1/services", taxonomy="housing")["items"]
    assert len(broader) > len(rent)
    assert maria.read("/v1/services", q="apartments")["items"]
    assert maria.read("/v1/services", q="100%_\\")["items"] == []


def test_probes_need_no_identity(house: House) -> None:
    assert house.http.get("/healthz").json() == {"status": "ok"}
    assert house.http.get("/readyz").json() == {"status": "ready"}
    assert "python_info" in house.http.get("/metrics").text


# ------------------------------------------------------------------------------------------ what is made


def test_what_is_made_says_where_it_is_read_and_in_which_version(maria: Person) -> None:
    made = maria.post("/v1/clients", {"identity": "anonymous"})
    assert made.status_code == 201
    read = maria.get(made.headers["location"])
    assert read.json() == made.json()
    assert read.headers["etag"] == made.headers["etag"] == '"1"'


def test_a_referral_needs_only_a_service_and_what_is_known_of_the_client(house: House, maria: Person) -> None:
    service = str(house.service("housing").id)
    made = maria.post("/v1/referrals", {"service_id": service, "client": {"identity": "alias", "alias": "J."}})
    assert made.status_code == 201
    assert made.json()["target_organization_id"] == str(house.region.organization("housing").id)
    nobody = problem(maria.post("/v1/referrals", {"service_id": service}), 422)
    assert nobody["errors"][0]["pointer"] == "/client_id"


# ------------------------------------------------------------------------------------------ idempotency


def test_a_command_without_a_key_is_not_even_looked_at(maria: Person, task: str) -> None:
    answer = maria.http.post(f"{task}/note", json={"text": 7}, headers=maria.headers)
    assert "Idempotency-Key" in problem(answer, 400, "idempotency-key-missing")["detail"]


def test_the_same_command_again_gets_the_stored_answer(gwen: Person, task: str) -> None:
    first, again = (gwen.post(f"{task}/accept", key="twice-" + task) for _ in range(2))
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["etag"] == first.headers["etag"]


def test_a_stored_answer_stands_also_when_the_task_went_on(gwen: Person, task: str) -> None:
    first = gwen.post(f"{task}/accept", key="on-" + task)
    gwen.does(f"{task}/start")
    again = gwen.post(f"{task}/accept", key="on-" + task)
    assert again.json()["state"] == first.json()["state"] == "accepted"


def test_a_refusal_for_the_state_is_stored_too(gwen: Person, task: str) -> None:
    first = gwen.post(f"{task}/start", key="early-" + task)
    problem(first, 409)
    gwen.does(f"{task}/accept")
    again = gwen.post(f"{task}/start", key="early-" + task)
    assert {**problem(again, 409), "request_id": ""} == {**first.json(), "request_id": ""}
    assert again.headers["idempotency-replayed"] == "true"


def test_a_key_belongs_to_one_request(gwen: Person, task: str) -> None:
    gwen.does(f"{task}/acknowledge", key="mine-" + task)
    problem(gwen.post(f"{task}/accept", key="mine-" + task), 422, "key-reused")


def test_a_key_belongs_to_one_caller(maria: Person, gwen: Person, task: str) -> None:
    for person in (gwen, maria):
        answer = person.post(f"{task}/note", {"text": "Called."}, key="shared-" + task)
        assert (answer.status_code, "idempotency-replayed" in answer.headers) == (200, False)


def test_made_once_even_when_asked_twice(maria: Person, house: House) -> None:
    body = {"service_id": str(house.service("housing").id), "client": {"given_name": "Ada"}}
    first, again = (maria.post("/v1/referrals", body, key="made-" + house.api.database.url[-8:]) for _ in range(2))
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]


# ------------------------------------------------------------------------------------------ versions


def test_a_stale_if_match_is_refused_a_fresh_one_is_honored_and_none_is_needed(gwen: Person, task: str) -> None:
    tag = gwen.get(task).headers["etag"]
    gwen.does(f"{task}/acknowledge")
    assert "Read it again" in problem(gwen.post(f"{task}/accept", **{"If-Match": tag}), 412, "stale")["detail"]
    fresh = gwen.get(task).headers["etag"]
    assert gwen.post(f"{task}/accept", **{"If-Match": fresh}).status_code == 200
    assert gwen.post(f"{task}/start", **{"If-Match": "*"}).status_code == 200
    assert gwen.post(f"{task}/note", {"text": "Well."}).status_code == 200
    problem(gwen.post(f"{task}/note", {"text": "Well."}, **{"If-Match": "W/" + fresh}), 400, "if-match-invalid")


def test_a_stale_page_is_told_before_the_rule_and_nothing_is_stored(gwen: Person, task: str) -> None:
    """Decision 12: identity, visibility, replay, If-Match, rule."""
    gwen.does(f"{task}/accept")
    key = "order-" + task
    problem(gwen.post(f"{task}/accept", key=key, **{"If-Match": '"1"'}), 412)
    problem(gwen.post(f"{task}/accept", key=key), 409)


def test_a_replay_comes_before_the_version(gwen: Person, task: str) -> None:
    first = gwen.post(f"{task}/accept", key="v-" + task, **{"If-Match": '"1"'})
    again = gwen.post(f"{task}/accept", key="v-" + task, **{"If-Match": '"1"'})
    assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())


# ------------------------------------------------------------------------------------------ who may


def test_what_is_not_mine_looks_exactly_like_what_does_not_exist(
    stranger: Person, referral: dict[str, Any], task: str
) -> None:
    nowhere = str(uuid4())
    hidden = [
        (task, f"/v1/tasks/{nowhere}"),
        (f"/v1/referrals/{referral['id']}", f"/v1/referrals/{nowhere}"),
        (f"/v1/referrals/{referral['id']}/timeline", f"/v1/referrals/{nowhere}/timeline"),
        (f"/v1/clients/{referral['client_id']}", f"/v1/clients/{nowhere}"),
        (f"/v1/needs/{referral['need_id']}", f"/v1/needs/{nowhere}"),
        (f"/v1/consents/{referral['consent_id']}", f"/v1/consents/{nowhere}"),
    ]
    for theirs, missing in hidden:
        _same(stranger.get(theirs), stranger.get(missing))
    for verb in ("accept", "note"):
        body = {"text": "Hello"} if verb == "note" else {}
        _same(stranger.post(f"{task}/{verb}", body), stranger.post(f"/v1/tasks/{nowhere}/{verb}", body))
    _same(
        stranger.post(f"/v1/referrals/{referral['id']}/confirm", OUTCOME),
        stranger.post(f"/v1/referrals/{nowhere}/confirm", OUTCOME),
    )
    _same(
        stranger.post(f"/v1/consents/{referral['consent_id']}/revoke"),
        stranger.post(f"/v1/consents/{nowhere}/revoke"),
    )


def _same(one: httpx.Response, other: httpx.Response) -> None:
    bodies = [answer.content.replace(answer.headers["x-request-id"].encode(), b"-") for answer in (one, other)]
    heads = [{k: v for k, v in answer.headers.items() if k not in ("x-request-id", "date")} for answer in (one, other)]
    assert one.status_code == other.status_code == 404, (one.text, other.text)
    assert bodies[0] == bodies[1]
    assert heads[0] == heads[1]


def test_whose_move_it_is_is_said_before_whether_it_fits(maria: Person, backbone: Person, task: str) -> None:
    """Nobody but the target starts, in whatever state: 403, never 409."""
    for person in (maria, backbone):
        body = problem(person.post(f"{task}/start"), 403, "forbidden")
        assert body["detail"].endswith((".", "!"))


def test_the_backbone_watches_and_reads_but_no_client(backbone: Person, referral: dict[str, Any], task: str) -> None:
    seen = backbone.read(f"/v1/referrals/{referral['id']}")
    assert (seen["client_id"], seen["tasks"][0]["client_id"]) == (None, None)
    assert seen["allowed_actions"] == ["propose-reroute"]
    problem(backbone.get(f"/v1/clients/{referral['client_id']}"), 404)
    assert backbone.get(task).json()["allowed_actions"] == ["nudge", "except"]


def test_a_wrong_state_shows_the_state_as_it_is(gwen: Person, task: str) -> None:
    version = gwen.does(f"{task}/accept")["version"]
    body = problem(gwen.post(f"{task}/acknowledge"), 409, "wrong-state")
    assert body["current"] == {"state": "accepted", "version": version}


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer x.y.z", "Basic bWFyaWE6eA==", "bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJtYXJpYS5jYXAifQ."],
)
def test_without_a_good_token_nothing_is_answered(house: House, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    for path in ("/v1/me", f"/v1/tasks/{uuid4()}", "/v1/tasks?limit=0"):
        answer = house.http.get(path, headers=headers)
        problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_good_token_of_somebody_unknown_or_revoked_opens_nothing(house: House) -> None:
    login = house.region.people_of("legal", "caseworker")[0].login
    person = house.person(login)
    assert person.get("/v1/me").status_code == 200
    house.sql("update user_account set revoked_at = now() where subject = %s", login)
    assert "administrator" in problem(person.get("/v1/me"), 401)["detail"]
    unknown = Person("nobody", house.http, Issuer.open(house.settings.data_dir).sign("nobody"))
    problem(unknown.get("/v1/me"), 401)


def test_nobody_acts_for_an_organization_that_is_not_theirs(house: House, maria: Person) -> None:
    def acting(value: str) -> httpx.Response:
        return house.http.get("/v1/me", headers=maria.headers | {"Concert-Organization": value})

    assert acting(str(house.region.organization("cap").id)).status_code == 200
    problem(acting(str(house.region.organization("housing").id)), 401)
    assert problem(acting("cap"), 422)["errors"][0]["in"] == "header"


# ------------------------------------------------------------------------------------------ lists


@pytest.mark.parametrize(
    "path", ["/v1/tasks", "/v1/referrals", "/v1/organizations", "/v1/services", "/v1/monitor/stalled"]
)
def test_a_list_takes_no_limit_outside_1_to_200_no_forged_cursor_and_no_unknown_parameter(
    maria: Person, path: str
) -> None:
    for limit in ("0", "201", "-1", "1e2", "ten", "99999999999999999999"):
        assert problem(maria.get(path, limit=limit), 422)["errors"][0]["pointer"] == "/limit"
    for cursor in ("", "abc", "A" * 300, "é"):
        problem(maria.get(path, cursor=cursor), 400, "bad-cursor")
    problem(maria.get(path, offset="10"), 422)
    problem(maria.get("/v1/me", verbose="1"), 422)
    answer = maria.read(path, limit="200")
    assert answer.keys() == {"items", "next_cursor"}


def test_pages_together_are_the_list_and_a_cursor_is_for_its_own_list_and_reader(maria: Person, gwen: Person) -> None:
    whole = maria.read("/v1/organizations", limit="200")["items"]
    walked: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = maria.read("/v1/organizations", limit="7", **cursor)
        walked += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert walked == whole
    problem(maria.get("/v1/services", **cursor), 400, "bad-cursor")
    problem(gwen.get("/v1/organizations", **cursor), 400, "bad-cursor")


def test_the_inbox_is_oldest_due_first_and_can_be_narrowed(house: House, gwen: Person) -> None:
    made = [house.refer("cap", "housing") for _ in range(3)]
    mine, other = (f["tasks"][0]["id"] for f in made[:2])
    due = [task["due_at"] for task in gwen.inbox(limit="200")]
    assert due == sorted(due)
    me = gwen.read("/v1/me")["id"]
    assert gwen.does(f"/v1/tasks/{mine}/assign", {"user_id": me})["assigned_to"] == me
    assert {task["assigned_to"] for task in gwen.inbox(mine="true")} == {me}
    unassigned = [task["id"] for task in gwen.inbox(unassigned="true", limit="200")]
    assert other in unassigned
    assert mine not in unassigned
    gwen.does(f"/v1/tasks/{mine}/accept")
    assert mine in [task["id"] for task in gwen.inbox(state="accepted")]
    assert {task["state"] for task in gwen.inbox(state="requested", limit="200")} == {"requested"}
    assert gwen.inbox(overdue="true") == []
    problem(gwen.get("/v1/tasks", mine="yes"), 422)
    problem(gwen.get("/v1/tasks", state="lost"), 422)


def test_referrals_are_listed_by_side_and_state(maria: Person, gwen: Person, referral: dict[str, Any]) -> None:
    sent = maria.read("/v1/referrals", role="source", state="active", limit="200")["items"]
    received = gwen.read("/v1/referrals", role="target", limit="200")["items"]
    for listed in (sent, received):
        assert referral["id"] in [each["id"] for each in listed]
    assert maria.read("/v1/referrals", role="target")["items"] == []
    assert maria.read("/v1/referrals", state="withdrawn", role="target")["items"] == []


# ------------------------------------------------------------------------------------------ numbers and stalls


def test_an_indicator_reads_its_definition_its_series_and_the_events_behind(house: House, maria: Person) -> None:
    house.refer("cap", "housing")
    codes = [each["code"] for each in maria.read("/v1/indicators")]
    assert {"referrals_sent", "acknowledged_in_time", "needs_met", "clients_served"} <= set(codes)
    sent = maria.read("/v1/indicators/referrals_sent")
    assert sent["definition"]
    (month,) = sent["series"]
    assert month["value"] >= 1
    events = maria.read("/v1/indicators/referrals_sent/events", period=month["period"], limit="200")["items"]
    assert len(events) == month["value"]
    by_county = house.person("ruth.hub").read("/v1/indicators/referrals_sent", by="county")["series"]
    assert sum(point["value"] for point in by_county) == month["value"]
    problem(maria.get("/v1/indicators/no-such"), 404)
    assert problem(maria.get("/v1/indicators/clients_served", by="weather"), 422)["errors"][0]["pointer"] == "/by"
    problem(maria.get("/v1/indicators/referrals_sent", **{"from": "2026-13"}), 422)


def test_a_stalled_thing_says_whose_turn_it_is_since_when_why_and_what_would_free_it(
    house: House, gwen: Person
) -> None:
    late = house.refer("cap", "housing")["tasks"][0]["id"]
    house.sql("update task set due_at = now() - interval '1 hour' where id = %s", late)
    (item,) = [each for each in gwen.read("/v1/monitor/stalled")["items"] if each["id"] == late]
    assert item["ball_in_court"]["organization_id"] == str(house.region.organization("housing").id)
    assert "has not" in item["reason"]
    assert item["remedy"].endswith(".")
    assert "accept" in item["allowed_actions"]


# ------------------------------------------------------------------------------------------ bad input


def _raw(person: Person, path: str, body: bytes, **headers: str) -> httpx.Response:
    head = person.headers | {"Idempotency-Key": uuid4().hex, "Content-Type": "application/json"} | headers
    return person.http.post(path, content=body, headers=head)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"given_name": "A\\u0000"}', 422),
        (b'{"given_name": "\\ud800"}', 422),
        (b'{"birth_year": NaN}', 422),
        (b'{"birth_year": 1e999}', 422),
        (b'{"birth_year": 99999999999999999999999}', 422),
        (b'{"birth_year": 1800}', 422),
        (b'{"birth_year": true}', 422),
        (b'{"birth_date": "2026-02-30"}', 422),
        (b'{"shoe_size": 43}', 422),
        (b'{"given_name": {"$ne": ""}}', 422),
        (b"[]", 422),
        (b'{"given_name": "A", "given_name": "B"}', 400),
        (b'{"given_name": "A"', 400),
        (b'{"given_name": "\xff"}', 400),
        (b'{"contact": ' + b"[" * 100 + b"]" * 100 + b"}", 400),
        (b"[" * 50_000, 400),
        (b'{"given_name": "' + b"x" * (1 << 20) + b'"}', 413),
    ],
)
def test_what_no_record_could_hold_is_refused_without_being_repeated(maria: Person, body: bytes, status: int) -> None:
    answer = _raw(maria, "/v1/clients", body)
    problem(answer, status)
    assert "shoe_size" not in answer.text
    assert "xxx" not in answer.text


def test_what_is_not_json_is_refused_by_its_name(maria: Person) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1", ""):
        problem(_raw(maria, "/v1/clients", b'{"given_name": "A"}', **{"Content-Type": media_type}), 415)


@pytest.mark.parametrize("when", ["2026-11-23T10:00:00", "yesterday", "2026-11-23", 1763892000, "9999-12-31T23:59:59Z"])
def test_a_time_without_its_offset_or_reason_is_refused(gwen: Person, task: str, when: object) -> None:
    assert problem(gwen.post(f"{task}/accept", {"occurred_at": when}), 422)["errors"][0]["pointer"] == "/occurred_at"


def test_nothing_happened_in_the_future_or_before_it_was_asked_for(gwen: Person, task: str) -> None:
    for when in ("2090-01-01T00:00:00Z", "1999-01-01T00:00:00+02:00"):
        answer = gwen.post(f"{task}/accept", {"occurred_at": when})
        assert answer.status_code in (409, 422)
        assert "occurred_at" in answer.json()["detail"]
    assert gwen.read(task)["state"] == "requested"


@pytest.mark.parametrize("path", ["/v1/tasks/7", "/v1/tasks/{x}", "/v1/referrals/%00", "/v1/clients/0195%0d%0aX: y"])
def test_an_id_that_is_none_is_refused_as_such(maria: Person, path: str) -> None:
    assert problem(maria.get(path), 422)["errors"][0]["in"] == "path"


def test_every_wrong_turn_ends_in_a_problem_document(house: House, maria: Person, task: str) -> None:
    problem(house.http.get("/nowhere"), 404)
    problem(maria.get("/v1/nowhere"), 404)
    problem(maria.get("/v1/tasks/"), 404)
    wrong = house.http.put(task, headers=maria.headers)
    problem(wrong, 405)
    assert wrong.headers["allow"] == "GET"
    assert house.http.delete("/v1/referrals", headers=maria.headers).headers["allow"] == "GET, POST"


def test_every_type_of_problem_leads_to_what_to_do_about_it(house: House, maria: Person) -> None:
    body = problem(maria.get("/v1/tasks", limit="0"), 422)
    explained = house.http.get(body["type"]).json()
    assert explained["status"] == 422
    assert explained["remedy"]


def test_markup_is_kept_as_it_was_written(house: House, maria: Person, gwen: Person) -> None:
    made = house.refer("cap", "housing", consent=True)
    text = "<script>alert('x')</script>\n\t& so on =1+1 ✓"
    gwen.does(f"/v1/tasks/{made['tasks'][0]['id']}/note", {"text": text})
    assert maria.read(f"/v1/referrals/{made['id']}/timeline")["messages"][0]["body"] == text


def test_answers_are_neither_stored_nor_sniffed(maria: Person) -> None:
    head = maria.get("/v1/me").headers
    assert head["cache-control"] == "no-store"
    assert head["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in head["content-security-policy"]
