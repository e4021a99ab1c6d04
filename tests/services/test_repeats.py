"""The same command again: one effect and one answer, however often it is said and whatever broke in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from services.tasks import accept_task
from services.transaction import Record
from storage.database import Database
from tests.house import OUTCOME, House
from tests.services.scenes import at_once, events, refer, statuses, task_of


def _said(answers: list[Any]) -> tuple[set[bytes], int]:
    """(different bodies, how many were replays)."""
    replayed = [answer for answer in answers if answer.headers.get("Idempotency-Replayed") == "true"]
    return {answer.content for answer in answers}, len(replayed)


@pytest.mark.parametrize("times", [2, 3, 5, 8])
@pytest.mark.parametrize("verb", ["accept", "note", "acknowledge"])
def test_the_same_move_many_times_at_once_is_made_once(house: House, times: int, verb: str) -> None:
    gwen, referral, key = house.person("gwen.housing"), refer(house, "cap", "housing"), uuid4().hex
    path, body = f"{task_of(referral)}/{verb}", {"text": "Still looking."} if verb == "note" else None
    answers = at_once(*[lambda: gwen.post(path, body, key)] * times)
    assert statuses(answers) == [200] * times
    assert (len(_said(answers)[0]), _said(answers)[1]) == (1, times - 1)
    assert len(events(house, referral.id)) == 3, "created, requested and the move"
    again = gwen.post(path, body, key)
    assert again.content == answers[0].content


@pytest.mark.parametrize("times", [2, 8])
def test_the_same_referral_sent_many_times_at_once_is_made_once(house: House, times: int) -> None:
    maria, key = house.person("maria.cap"), uuid4().hex
    client = maria.does("/v1/clients", {"given_name": "Rosalind", "family_name": "Featherstonehaugh"})
    body = {"service_id": str(house.service("housing").id), "client_id": client["id"], "reason": "The lease ends."}
    answers = at_once(*[lambda: maria.post("/v1/referrals", body, key)] * times)
    assert statuses(answers) == [201] * times
    assert (len(_said(answers)[0]), _said(answers)[1]) == (1, times - 1)
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert house.sql("select count(*) from referral where client_id = %s", client["id"]) == [(1,)]
    assert house.sql("select count(*) from message where referral_id = %s", answers[0].json()["id"]) == [(1,)]


@pytest.mark.parametrize("times", [4])
def test_a_client_recorded_many_times_at_once_is_recorded_once(house: House, times: int) -> None:
    maria, key = house.person("maria.cap"), uuid4().hex
    before = house.sql("select count(*) from client")[0][0]
    answers = at_once(*[lambda: maria.post("/v1/clients", {"given_name": "Ott", "family_name": "Lo"}, key)] * times)
    assert statuses(answers) == [201] * times
    assert len(_said(answers)[0]) == 1
    assert house.sql("select count(*) from client") == [(before + 1,)]
    assert b"Ott" not in str(house.sql("select body from command where key = %s", key)).encode()


def test_one_key_with_another_request_is_refused(house: House) -> None:
    gwen, referral, key = house.person("gwen.housing"), refer(house, "cap", "housing"), uuid4().hex
    path = f"{task_of(referral)}/note"
    gwen.does(path, {"text": "First."}, **{"Idempotency-Key": key})
    other = gwen.post(path, {"text": "Second."}, key)
    assert (other.status_code, other.json()["type"].rsplit("/", 1)[-1]) == (422, "key-reused")
    elsewhere = gwen.post(f"{task_of(refer(house, 'cap', 'housing'))}/note", {"text": "First."}, key)
    assert elsewhere.status_code == 422
    assert events(house, referral.id, "task_noted") == ["task_noted"]


def test_two_people_may_use_the_same_key(house: House) -> None:
    referral, key = refer(house, "cap", "housing"), uuid4().hex
    path = f"{task_of(referral)}/note"
    for login in ("gwen.housing", "hector.housing", "maria.cap"):
        answer = house.person(login).post(path, {"text": "How does it stand?"}, key)
        assert answer.status_code == 200
        assert "Idempotency-Replayed" not in answer.headers
    assert len(events(house, referral.id, "task_noted")) == 3


def test_who_lost_a_race_hears_the_same_again_even_when_the_state_has_changed_back(house: House) -> None:
    gwen, maria, key = house.person("gwen.housing"), house.person("maria.cap"), uuid4().hex
    referral = refer(house, "cap", "housing")
    early = gwen.post(f"{task_of(referral)}/start", key=key)
    assert early.status_code == 409
    gwen.does(f"{task_of(referral)}/accept")
    late = gwen.post(f"{task_of(referral)}/start", key=key)
    assert late.status_code == 409
    assert late.json()["current"] == early.json()["current"] == {"state": "requested", "version": 1}
    assert late.headers["Idempotency-Replayed"] == "true"
    gwen.does(f"{task_of(referral)}/start")
    assert maria.read(task_of(referral))["state"] == "in_progress"


def test_the_same_losing_move_many_times_at_once_gets_one_answer(house: House) -> None:
    gwen, key = house.person("gwen.housing"), uuid4().hex
    referral = refer(house, "cap", "housing")
    answers = at_once(*[lambda: gwen.post(f"{task_of(referral)}/resume", key=key)] * 6)
    assert statuses(answers) == [409] * 6
    assert len({str(answer.json()["current"]) for answer in answers}) == 1
    assert house.sql("select status from command where key = %s", key) == [(409,)]


def test_a_mistake_is_not_kept_so_the_corrected_world_is_seen(house: House) -> None:
    """404, 412 and 422 depend on what may change: the same key may succeed later."""
    gwen, maria = house.person("gwen.housing"), house.person("maria.cap")
    referral = refer(house, "cap", "housing")
    key = uuid4().hex
    stale = gwen.post(f"{task_of(referral)}/accept", key=key, **{"If-Match": '"7"'})
    assert stale.status_code == 412
    unknown = maria.post(f"/v1/tasks/{uuid4()}/note", {"text": "?"}, key)
    assert unknown.status_code == 404
    wrong = gwen.post(f"{task_of(referral)}/decline", {"reason_code": "full", "reason_class": "client"}, key)
    assert wrong.status_code == 422
    assert house.sql("select count(*) from command where key = %s", key) == [(0,)]
    assert gwen.post(f"{task_of(referral)}/accept", key=key).status_code == 200


def test_a_retry_comes_before_its_precondition(house: House) -> None:
    """The first attempt raised the version; its retry carries the old one and still hears what it did."""
    gwen, key, referral = house.person("gwen.housing"), uuid4().hex, refer(house, "cap", "housing")
    first, second = (gwen.post(f"{task_of(referral)}/accept", key=key, **{"If-Match": '"1"'}) for _ in range(2))
    assert (first.status_code, second.status_code, second.content) == (200, 200, first.content)
    at_the_same_moment = refer(house, "cap", "housing")
    path = f"{task_of(at_the_same_moment)}/accept"
    answers = at_once(*[lambda: gwen.post(path, key=key + "x", **{"If-Match": '"1"'})] * 5)
    assert statuses(answers) == [200] * 5


def test_after_a_revocation_a_replay_names_no_client_that_may_no_longer_be_read(house: House) -> None:
    maria, gwen, key = house.person("maria.cap"), house.person("gwen.housing"), uuid4().hex
    made = house.refer("cap", "housing", consent=True)
    path = f"{task_of(made)}/accept"
    client_id = gwen.post(path, key=key).json()["client_id"]
    assert gwen.read(f"/v1/clients/{client_id}")["given_name"] == "Rosalind"
    assert gwen.post(path, key=key).json()["client_id"] == client_id
    maria.does(f"/v1/consents/{made['consent_id']}/revoke")
    again = gwen.post(path, key=key)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert again.json()["client_id"] is None
    assert gwen.read(task_of(made))["client_id"] is None
    assert gwen.read(f"/v1/referrals/{made['id']}")["client_id"] is None
    assert [task["client_id"] for task in gwen.inbox() if task["referral_id"] == made["id"]] == [None]
    assert maria.read(task_of(made))["client_id"] == made["client_id"]


def test_no_stored_answer_names_a_client(house: House) -> None:
    made = house.refer("cap", "housing", consent=True)
    gwen = house.person("gwen.housing")
    copied = gwen.does(f"{task_of(made)}/accept")["client_id"]
    kept = [body for (body,) in house.sql("select body from command")]
    named = [body for body in kept if copied in str(body) or (made["client_id"] in str(body) and len(body) > 1)]
    assert named == []
    assert "Rosalind" not in str(kept)


class Crash(RuntimeError):
    """The process died between the commit and the answer."""


class Crashing(Database):
    """Commits, then fails before anybody hears of it."""

    error: BaseException = Crash()
    left = 1

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with super().transaction() as connection:
            yield connection
        if self.left:
            self.left -= 1
            raise self.error


def test_a_retry_after_a_crash_between_commit_and_answer_gets_the_answer_that_was_lost(house: House) -> None:
    record = Record(Crashing(house.settings.database_url, pool_size=1))
    call, referral = house.call("gwen.housing"), refer(house, "cap", "housing")
    with pytest.raises(Crash):
        accept_task(record, call, referral.tasks[0].id)
    again = accept_task(record, call, referral.tasks[0].id)
    assert (again.replayed, again.body.state, again.status) == (True, "accepted", 200)
    assert events(house, referral.id, "task_accepted") == ["task_accepted"]
    record.database.dispose()


def test_a_connection_that_dies_after_the_commit_is_no_second_effect_and_no_error(house: House) -> None:
    database = Crashing(house.settings.database_url, pool_size=1)
    database.error = OperationalError("commit", None, Exception("cut"), connection_invalidated=True)
    record = Record(database)
    referral = refer(house, "cap", "housing")
    answer = accept_task(record, house.call("gwen.housing"), referral.tasks[0].id)
    assert (answer.body.state, answer.replayed) == ("accepted", True)
    assert events(house, referral.id, "task_accepted") == ["task_accepted"]
    database.dispose()


def test_a_retry_that_no_longer_may_see_the_thing_hears_nothing(house: House) -> None:
    """Visibility comes before replay: a membership that ended, and the stored answer stays shut."""
    naomi, key = house.person("tess.family"), uuid4().hex
    referral = refer(house, "cap", "family")
    assert naomi.post(f"{task_of(referral)}/accept", key=key).status_code == 200
    house.sql("update user_account set revoked_at = now() where login = 'tess.family'")
    assert naomi.post(f"{task_of(referral)}/accept", key=key).status_code == 401
    house.sql("update user_account set revoked_at = null where login = 'tess.family'")
    assert naomi.post(f"{task_of(referral)}/accept", key=key).status_code == 200


def test_who_declined_hears_the_same_again_after_the_referral_went_elsewhere(house: House) -> None:
    gwen, maria, key = house.person("gwen.housing"), house.person("maria.cap"), uuid4().hex
    referral = refer(house, "cap", "housing")
    path, body = f"{task_of(referral)}/decline", {"reason_code": "full", "reason_class": "no_capacity"}
    first = gwen.post(path, body, key)
    maria.does(f"/v1/referrals/{referral.id}/reroute", {"service_id": str(house.other_door().id)})
    again = gwen.post(path, body, key)
    assert (again.status_code, again.content) == (200, first.content)
    assert gwen.read(task_of(referral))["state"] == "declined"
    assert gwen.post(f"{task_of(referral)}/accept").status_code == 409
    assert gwen.get(f"/v1/referrals/{referral.id}").status_code == 404


def test_completing_twice_with_the_same_key_counts_once(house: House) -> None:
    gwen, key, referral = house.person("gwen.housing"), uuid4().hex, refer(house, "cap", "housing")
    gwen.does(f"{task_of(referral)}/accept")
    answers = at_once(*[lambda: gwen.post(f"{task_of(referral)}/complete", OUTCOME, key)] * 8)
    assert statuses(answers) == [200] * 8
    touched = house.sql(
        "select count(*) from indicator_touch t join event e on e.id = t.event_id where e.referral_id = %s"
        " and e.kind = 'task_completed' group by t.event_id",
        str(referral.id),
    )
    assert len(touched) == 1
    assert events(house, referral.id, "need_outcome") == ["need_outcome"]
