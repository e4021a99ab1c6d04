"""What every answer carries, whoever asks for whatever, and what the description promises."""

import traceback
from collections.abc import Iterator

import pytest
from fastapi.responses import StreamingResponse
from structlog.testing import capture_logs

from api.limits import Limits
from api.shell import BrokenAnswer
from tests.api.tiny import KNOWN, SECRET, bearer, call, command, send_raw, tiny_app


def test_every_answer_carries_the_headers_that_keep_a_browser_from_guessing() -> None:
    app = tiny_app()
    for url in ("/healthz", "/v1/me", "/v1/fail", "/nothing"):
        headers = call(app, "GET", url).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-request-id"]
        assert headers.get("cache-control") == ("no-store" if url.startswith("/v1/") else None)


def test_a_callers_request_id_is_kept_if_it_is_a_sane_one() -> None:
    app = tiny_app()
    assert call(app, "GET", "/healthz", headers={"X-Request-Id": "a.b-c_1"}).headers["x-request-id"] == "a.b-c_1"
    for odd in ("a b", "x" * 65, "<script>", ""):
        assert call(app, "GET", "/healthz", headers={"X-Request-Id": odd}).headers["x-request-id"] != odd


def test_a_line_break_in_a_header_is_refused() -> None:
    for value in (b"ana\r\nSet-Cookie: a=b", b"a\nb", b"a\0b"):
        status, _, body = send_raw(
            tiny_app(), method="GET", path="/healthz", headers=[(b"x-note", value)], chunks=[b""]
        )
        assert status == 400
        assert b"Cookie" not in body


def test_whoever_brings_no_token_is_told_how_to() -> None:
    app = tiny_app()
    for headers in (
        {},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer x.y.z"},
    ):
        answer = call(app, "GET", "/v1/me", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert call(app, "GET", "/v1/me", headers=bearer("ben")).json() == {"login": "ben"}


def test_two_authorization_headers_are_one_too_many() -> None:
    value = bearer()["Authorization"].encode()
    status, _, _ = send_raw(
        tiny_app(),
        method="GET",
        path="/v1/me",
        headers=[(b"authorization", value), (b"authorization", value)],
        chunks=[b""],
    )
    assert status == 401


def test_who_asks_too_fast_is_slowed_down_and_nobody_else() -> None:
    app = tiny_app(limits=Limits(rate=0.5, burst=2))
    hasty = [call(app, "GET", "/v1/me", headers=bearer("hasty")) for _ in range(3)]
    assert [answer.status_code for answer in hasty] == [200, 200, 429]
    assert 1 <= int(hasty[-1].headers["retry-after"]) <= 2
    assert call(app, "GET", "/v1/me", headers=bearer("calm")).status_code == 200


def test_a_bucket_fills_up_again_with_time_and_never_beyond_its_burst() -> None:
    now = [0.0]
    limits = Limits(rate=2.0, burst=3, clock=lambda: now[0])
    assert [limits.take("ana") for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    now[0] = 0.5
    assert [limits.take("ana"), limits.take("ana")] == [0.0, 0.5]
    now[0] = 1000.0
    assert [limits.take("ana") for _ in range(4)][2:] == [0.0, 0.5]


def test_the_description_promises_problem_documents_and_demands_what_the_routes_demand() -> None:
    document = call(tiny_app(), "GET", "/openapi.json").json()
    assert "HTTPValidationError" not in document["components"]["schemas"]
    post = document["paths"]["/v1/referrals"]["post"]
    assert post["security"] == [{"bearer": []}]
    (key,) = [each for each in post["parameters"] if each["name"] == "Idempotency-Key"]
    assert key["required"]
    for status in ("400", "401", "403", "409", "412", "413", "415", "422", "429", "503"):
        assert list(post["responses"][status]["content"]) == ["application/problem+json"]
    delete = document["paths"]["/v1/referrals/{referral_id}"]["delete"]
    assert "428" in delete["responses"]
    assert "security" not in document["paths"]["/healthz"]["get"]


def test_an_edit_says_which_version_it_was_made_on() -> None:
    app, url = tiny_app(), f"/v1/referrals/{KNOWN}"
    assert call(app, "DELETE", url, headers=command()).status_code == 428
    assert call(app, "DELETE", url, headers={**command(), "If-Match": '"6"'}).status_code == 412
    assert call(app, "DELETE", url, headers={**command(), "If-Match": 'W/"7"'}).status_code == 400
    assert call(app, "DELETE", url, headers={**command(), "If-Match": '"7"'}).status_code == 204
    assert call(app, "GET", url, headers=bearer()).headers["etag"] == '"7"'


def test_an_answer_that_breaks_off_takes_its_message_with_it() -> None:
    app = tiny_app()

    def lines() -> Iterator[str]:
        yield "first\n"
        raise RuntimeError(SECRET)

    @app.get("/v1/stream")
    def stream() -> StreamingResponse:
        return StreamingResponse(lines())

    with capture_logs() as logs, pytest.raises(BrokenAnswer) as broken:
        call(app, "GET", "/v1/stream")
    assert SECRET not in "".join(traceback.format_exception(broken.value)) + str(logs)
    assert logs[0]["code"] == "internal"
