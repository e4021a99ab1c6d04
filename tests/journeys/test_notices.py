"""What people hear of, and for how long: asked, nudged, and gone from the feed as soon as the work has moved."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import OUTCOME, House, eventually
from tests.services.scenes import task_of
from tests.services.test_notices import append, feed, tell


def about(house: House, login: str, referral: Any, **asked: Any) -> list[str]:
    """The kinds of what that person's feed says about the referral, newest first."""
    return [each["kind"] for each in feed(house, login, **asked) if each["referral_id"] == referral["id"]]


def test_a_nudge_reaches_exactly_the_person_who_holds_the_ball_once_and_is_gone_when_the_work_moves(
    house: House,
) -> None:
    made = house.refer("cap", "housing")
    gwen, hector = house.person("gwen.housing"), house.person("hector.housing")
    gwen_id = gwen.read("/v1/me")["id"]
    hector.does(f"{task_of(made)}/assign", {"user_id": gwen_id})
    append(house, made["id"], "task_nudged", {"to": "housing", "person": "gwen.housing"}, "maria.cap")
    tell(house)

    assert about(house, "gwen.housing", made, kind="nudged") == ["nudged"]
    for other in ("hector.housing", "maria.cap", "dale.cap", "ruth.hub"):
        assert about(house, other, made, kind="nudged") == []

    gwen.does(f"{task_of(made)}/acknowledge")
    assert about(house, "gwen.housing", made, kind="nudged") == []
    assert about(house, "hector.housing", made, kind="asked") == []


def test_a_nudge_is_still_there_while_only_others_have_done_something(house: House) -> None:
    made = house.refer("cap", "housing")
    append(house, made["id"], "task_nudged", {"to": "housing", "person": "gwen.housing"}, "maria.cap")
    append(house, made["id"], "task_overdue", {"clock": "acknowledge", "to": "owner"})
    append(house, made["id"], "task_nudged", {"to": "housing", "person": "gwen.housing"}, "ruth.hub")
    house.person("maria.cap").does(f"{task_of(made)}/note", {"text": "Please"})
    tell(house)
    assert about(house, "gwen.housing", made) == ["nudged", "reminded", "nudged", "asked"]


def test_the_ball_goes_to_and_fro_and_each_side_sees_what_is_its_own_to_do(house: House) -> None:
    made = house.refer("cap", "housing", consent=True)
    maria, gwen, task = house.person("maria.cap"), house.person("gwen.housing"), task_of(made)
    tell(house)
    assert about(house, "gwen.housing", made) == ["asked"]
    assert about(house, "maria.cap", made) == []

    gwen.does(f"{task}/request-info", {"question": "Since when?"})
    tell(house)
    assert about(house, "gwen.housing", made) == []
    assert about(house, "maria.cap", made) == ["asked"]

    maria.does(f"{task}/answer", {"text": "Since May."})
    tell(house)
    assert about(house, "maria.cap", made) == []
    assert about(house, "gwen.housing", made) == ["asked"]

    gwen.does(f"{task}/accept")
    gwen.does(f"{task}/complete", OUTCOME)
    tell(house)
    assert about(house, "gwen.housing", made) == []
    (to_confirm,) = [each for each in feed(house, "maria.cap") if each["referral_id"] == made["id"]]
    assert to_confirm["sentence"].endswith("Please confirm what came of it.")

    maria.does(f"/v1/referrals/{made['id']}/confirm", OUTCOME)
    assert about(house, "maria.cap", made) == []


def test_news_stays_until_it_is_read(house: House) -> None:
    made = house.refer("cap", "housing")
    house.person("maria.cap").does(f"/v1/referrals/{made['id']}/withdraw", {"reason": "client_declined"})
    tell(house)
    assert about(house, "gwen.housing", made, unread="true") == ["ended"]
    house.person("gwen.housing").does("/v1/notices/read-all")
    assert about(house, "gwen.housing", made, unread="true") == []
    assert about(house, "gwen.housing", made) == ["ended"]


def test_who_has_to_choose_what_comes_next_is_asked_until_they_have(house: House) -> None:
    made = house.refer("cap", "housing")
    refusal = {"reason_code": "full", "reason_class": "no_capacity"}
    house.person("gwen.housing").does(f"{task_of(made)}/decline", refusal)
    tell(house)
    maria = house.person("maria.cap")
    assert about(house, "maria.cap", made) == ["asked"]
    maria.does(f"/v1/referrals/{made['id']}/withdraw", {"reason": "client_declined"})
    assert about(house, "maria.cap", made) == []


def test_a_person_of_two_organizations_reads_the_feed_of_the_one_in_which_they_act(house: House) -> None:
    made = house.refer("cap", "housing")
    gwen = house.person("gwen.housing")
    tell(house)
    assert about(house, "gwen.housing", made) == ["asked"]
    elsewhere = str(house.region.organization("cap").id)
    answer = house.http.get("/v1/notices", headers=gwen.headers | {"Concert-Organization": elsewhere})
    assert answer.status_code == 401


def test_a_feed_in_spanish_for_who_reads_spanish(house: House) -> None:
    made = house.refer("cap", "housing")
    tell(house)
    house.sql("update user_account set language = 'es' where login = 'gwen.housing'")
    try:
        said = [each["sentence"] for each in feed(house, "gwen.housing") if each["referral_id"] == made["id"]]
    finally:
        house.sql("update user_account set language = 'en' where login = 'gwen.housing'")
    assert said == [f"La solicitud {made['reference']} espera su respuesta."]


@pytest.mark.usefixtures("engine")
def test_with_everything_running_people_hear_of_it_by_themselves(house: House) -> None:
    made = house.refer("cap", "housing")
    eventually(lambda: about(house, "gwen.housing", made) == ["asked"])
    eventually(lambda: house.sql("select count(*) = 0 from outbox")[0][0])
