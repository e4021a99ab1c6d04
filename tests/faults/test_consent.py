"""Consent is revoked while the other agency is at work: from that moment nothing more is handed over."""

from __future__ import annotations

import threading
from typing import Any
from uuid import uuid4

from tests.faults.town import Town
from tests.house import OUTCOME, eventually


def test_the_first_read_after_a_revocation_finds_nothing(town: Town) -> None:
    """The other agency reads without a pause; a read that begins after the revocation was answered is a 404."""
    house = town.house
    source, target = house.caseworker("cap"), house.caseworker("housing")
    made = house.refer("cap", "housing", consent=True, note="She walks with a cane.")
    task = f"/v1/tasks/{made['tasks'][0]['id']}"
    key = uuid4().hex
    client_id = target.post(f"{task}/accept", key=key).json()["client_id"]
    missing = target.get(f"/v1/clients/{uuid4()}")
    revoked, over, late = threading.Event(), threading.Event(), list[int]()
    seen: list[int] = []

    def keep_reading() -> None:
        while not over.is_set():
            after = revoked.is_set()
            (late if after else seen).append(target.get(f"/v1/clients/{client_id}").status_code)

    readers = [threading.Thread(target=keep_reading) for _ in range(3)]
    for reader in readers:
        reader.start()
    try:
        eventually(lambda: len(seen) > 10)
        consent = house.sql("select consent_id::text from referral where id = %s", made["id"])[0][0]
        source.does(f"/v1/consents/{consent}/revoke")
        revoked.set()
        eventually(lambda: len(late) > 10)
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert set(late) == {404}
    assert set(seen) <= {200, 404}
    assert seen[0] == 200
    assert without_id(target.get(f"/v1/clients/{client_id}").json()) == without_id(missing.json())

    replayed = target.post(f"{task}/accept", key=key)
    assert replayed.headers["Idempotency-Replayed"] == "true"
    assert replayed.json()["client_id"] is None, "a repeat hands nothing over again"
    words = str(target.read(f"/v1/referrals/{made['id']}/timeline"))
    assert "cane" not in words
    assert target.does(f"{task}/complete", OUTCOME)["state"] == "completed", "the agency's own work goes on"


def test_consent_that_was_revoked_before_acceptance_hands_nothing_over(town: Town) -> None:
    house = town.house
    source, target = house.caseworker("cap"), house.caseworker("housing")
    made = house.refer("cap", "housing", consent=True, note="She walks with a cane.")
    consent = house.sql("select consent_id::text from referral where id = %s", made["id"])[0][0]
    source.does(f"/v1/consents/{consent}/revoke")
    accepted = target.does(f"/v1/tasks/{made['tasks'][0]['id']}/accept")
    assert accepted["client_id"] is None
    assert house.sql("select count(*) from client where consent_id = %s", consent) == [(0,)]
    assert "cane" not in str(target.read(f"/v1/referrals/{made['id']}/timeline"))


def without_id(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "request_id"}
