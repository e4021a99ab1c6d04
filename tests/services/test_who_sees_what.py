"""The table of who sees what, cell by cell, over HTTP: each person asks for everything there is about one client."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from concert.embedded.postgres import libpq_url
from tests.house import OUTCOME, House
from tests.services.scenes import organization_id, task_of

SECRET = {
    "name": "Featherstonehaugh",
    "phone": "+1-308-555-0142",
    "reason": "The landlord changed the locks.",
    "note": "Her sister may answer.",
}


@dataclass(frozen=True)
class Seen:
    """What one person can find out, asking every route: which routes answer, and all text together."""

    referral: int
    task: int
    inbox: bool
    listed: bool
    timeline: int
    client: int
    need: int
    text: str

    def knows(self, secret: str) -> bool:
        return SECRET.get(secret, secret) in self.text


def look(house: House, login: str, made: dict[str, Any], clients: list[str]) -> Seen:
    person = house.person(login)
    task_id = task_of(made).rsplit("/", 1)[-1]
    answers = {
        "referral": person.get(f"/v1/referrals/{made['id']}"),
        "task": person.get(f"/v1/tasks/{task_id}"),
        "timeline": person.get(f"/v1/referrals/{made['id']}/timeline"),
        "need": person.get(f"/v1/needs/{made['need_id']}"),
    }
    people = [person.get(f"/v1/clients/{each}") for each in clients]
    lists = [
        person.get("/v1/tasks", limit=200),
        person.get("/v1/referrals", limit=200),
        person.get("/v1/monitor/stalled", limit=200),
        person.get("/v1/indicators/referrals_sent/events", period="2026", limit=200),
    ]
    everything = [answer.text for answer in [*answers.values(), *people, *lists] if answer.status_code == 200]
    return Seen(
        **{name: answer.status_code for name, answer in answers.items()},
        client=min(answer.status_code for answer in people),
        inbox=task_id in lists[0].text,
        listed=made["id"] in lists[1].text,
        text="\n".join(json.dumps(json.loads(text), ensure_ascii=False) for text in everything),
    )


def refer(house: House, source: str, target: str, *, consent: bool, nth: int = 0) -> dict[str, Any]:
    worker = house.caseworker(source)
    client = worker.does(
        "/v1/clients",
        {"given_name": "Rosalind", "family_name": SECRET["name"], "contact": {"phone": SECRET["phone"]},
         "residence": {"kind": "fixed", "county": "31157"}},
    )  # fmt: skip
    body = {"service_id": str(house.service(target, nth=nth).id), "client_id": client["id"]}
    body |= {"reason": SECRET["reason"], "note": SECRET["note"]}
    if consent:
        body["consent_id"] = house.consent(worker, client["id"], target)["id"]
    made: dict[str, Any] = worker.does("/v1/referrals", body)
    return made


def copies(house: House, made: dict[str, Any]) -> list[str]:
    """Every record of this person, whoever has it."""
    rows = house.sql("select c.id from client c join client s using (person_id) where s.id = %s", made["client_id"])
    return [str(row[0]) for row in rows]


WORDS = ("name", "phone", "reason", "note")


@pytest.mark.parametrize(
    ("consent", "accepted", "knows"),
    [
        (False, False, ()),
        (False, True, ()),
        (True, False, ("reason", "note")),
        (True, True, ("name", "phone", "reason", "note")),
    ],
    ids=["no consent", "accepted without consent", "consent, not yet accepted", "consent and accepted"],
)
def test_the_target_knows_what_consent_and_its_own_yes_give_it(
    house: House, consent: bool, accepted: bool, knows: tuple[str, ...]
) -> None:
    made = refer(house, "cap", "housing", consent=consent)
    if accepted:
        house.person("gwen.housing").does(f"{task_of(made)}/accept")
    seen = look(house, "gwen.housing", made, copies(house, made))
    assert (seen.referral, seen.task, seen.timeline, seen.inbox, seen.listed) == (200, 200, 200, True, True)
    assert [word for word in WORDS if SECRET[word] in seen.text] == list(knows)
    assert seen.client == (200 if consent and accepted else 404)
    shown = house.person("gwen.housing").read(f"/v1/referrals/{made['id']}")
    assert (shown["term"], shown["county"]) == ("housing.subsidized", "31157")


@pytest.mark.parametrize("consent", [True, False])
@pytest.mark.parametrize(
    ("login", "status"),
    [
        ("maria.cap", 200),
        ("dale.cap", 200),
        ("lupe.pantry", 404),
        ("carmen.shelter", 404),
        ("ruth.hub", 200),
        ("edith.hub", 200),
    ],
)
def test_everybody_else(house: House, login: str, status: int, consent: bool) -> None:
    made = refer(house, "cap", "housing", consent=consent)
    house.person("gwen.housing").does(f"{task_of(made)}/accept")
    seen = look(house, login, made, copies(house, made))
    assert (seen.referral, seen.task, seen.timeline) == (status,) * 3
    assert seen.listed == (status == 200)
    known = [word for word in WORDS if SECRET[word] in seen.text]
    assert known == (list(WORDS) if login.endswith(".cap") else [])
    assert seen.client == (200 if login.endswith(".cap") else 404)
    assert seen.need == (200 if login.endswith(".cap") else 404)
    if not login.endswith(".cap"):
        assert made["client_id"] not in seen.text


@pytest.mark.parametrize("login", ["ruth.hub", "edith.hub"])
def test_the_backbone_sees_a_category_unless_it_says_too_much(house: House, login: str) -> None:
    plain = refer(house, "cap", "housing", consent=False)
    sensitive = refer(house, "cap", "health", consent=False, nth=2)
    assert sensitive["term"] == "health.reproductive"
    shown = house.person(login).read(f"/v1/referrals/{plain['id']}")
    assert (shown["term"], shown["service_id"]) == ("housing.subsidized", plain["service_id"])
    shown = house.person(login).read(f"/v1/referrals/{sensitive['id']}")
    assert (shown["term"], shown["service_id"], shown["need_id"], shown["state"]) == (None, None, None, "active")
    task = house.person(login).read(task_of(sensitive))
    assert (task["title"], task["service_id"]) == ("Answer a request", None)
    stalled(house, sensitive)
    seen = look(house, login, sensitive, [sensitive["client_id"]])
    assert task["id"] in seen.text
    assert "Wellness" not in seen.text
    assert "health.reproductive" not in seen.text
    target = house.person("ingrid.health").read(f"/v1/referrals/{sensitive['id']}")
    assert target["term"] == "health.reproductive"


def stalled(house: House, made: dict[str, Any]) -> None:
    house.sql("update task set due_at = now() - interval '1 hour' where referral_id = %s", made["id"])


@pytest.mark.parametrize("login", ["ruth.hub", "edith.hub", "lupe.pantry"])
@pytest.mark.parametrize(("source", "target"), [("shelter", "housing"), ("cap", "shelter")])
def test_nothing_of_a_victim_service_provider_reaches_anybody_else(
    house: House, login: str, source: str, target: str
) -> None:
    made = refer(house, source, target, consent=True)
    worker = house.caseworker(target)
    worker.does(f"{task_of(made)}/accept")
    worker.does(f"{task_of(made)}/start")
    stalled(house, made)
    seen = look(house, login, made, copies(house, made))
    assert (seen.referral, seen.task, seen.timeline, seen.need, seen.client) == (404,) * 5
    for secret in (made["id"], made["tasks"][0]["id"], made["reference"], made["client_id"]):
        assert secret not in seen.text
    year = made["created_at"][:4]
    for code in ("referrals_sent", "clients_served", "acknowledged_in_time", "loops_closed"):
        page = house.person(login).read(f"/v1/indicators/{code}/events", period=year, limit=200)
        assert made["id"] not in json.dumps(page)


def test_a_small_number_of_a_victim_service_providers_clients_is_in_no_figure(house: House) -> None:
    shelter = str(organization_id(house, "shelter"))

    def figures(login: str) -> tuple[Any, dict[str, Any]]:
        series = house.person(login).read("/v1/indicators/referrals_sent")["series"]
        by = house.person(login).read("/v1/indicators/referrals_sent", by="organization")["series"]
        return [point["value"] for point in series], {point["by"]["organization"]: point["value"] for point in by}

    before = figures("ruth.hub")
    made = house.sql("select count(*) from referral where source_organization_id = %s", shelter)[0][0]
    assert made < 10
    refer(house, "shelter", "housing", consent=True)
    assert figures("ruth.hub") == before
    assert shelter not in before[1]
    assert figures("carmen.shelter")[1][shelter] == made + 1


def test_a_past_target_keeps_its_own_task_and_loses_everything_else(house: House) -> None:
    made = refer(house, "cap", "housing", consent=True)
    first, maria = task_of(made), house.person("maria.cap")
    gwen = house.person("gwen.housing")
    assert SECRET["reason"] in gwen.get(f"/v1/referrals/{made['id']}/timeline").text
    gwen.does(f"{first}/decline", {"reason_code": "full", "reason_class": "no_capacity", "text": "No room until May."})
    moved = maria.does(f"/v1/referrals/{made['id']}/reroute", {"service_id": str(house.other_door().id)})
    assert moved["consent_id"] is None, "the consent named housing only"
    seen = look(house, "gwen.housing", made, copies(house, made))
    assert (seen.referral, seen.task, seen.timeline, seen.client, seen.listed) == (404, 200, 404, 404, False)
    assert [word for word in WORDS if SECRET[word] in seen.text] == []
    assert str(organization_id(house, "faith")) not in seen.text
    naomi = look(house, "naomi.faith", moved, copies(house, made))
    assert (naomi.referral, naomi.task, naomi.client) == (200, 200, 404)
    assert [word for word in WORDS if SECRET[word] in naomi.text] == []
    assert "No room until May." not in naomi.text
    consent = house.consent(maria, made["client_id"], "faith")["id"]
    house.person("naomi.faith").does(f"{task_of(moved)}/request-info", {"question": "Why?"})
    maria.does(f"{task_of(moved)}/answer", {"text": "She told me.", "consent_id": consent})
    naomi = look(house, "naomi.faith", moved, copies(house, made))
    assert naomi.knows("reason"), "what was said before is covered by the consent that came later"
    assert naomi.knows("She told me.")
    assert not look(house, "gwen.housing", made, copies(house, made)).knows("She told me.")


def test_revocation_ends_disclosure_at_the_next_read_and_the_work_goes_on(house: House) -> None:
    made = refer(house, "cap", "housing", consent=True)
    gwen, maria = house.person("gwen.housing"), house.person("maria.cap")
    copy = gwen.does(f"{task_of(made)}/accept")["client_id"]
    gwen.does(f"{task_of(made)}/note", {"text": "Keys handed over."})
    assert look(house, "gwen.housing", made, [copy]).knows("name")
    maria.does(f"/v1/consents/{made['consent_id']}/revoke")
    seen = look(house, "gwen.housing", made, [copy])
    assert (seen.client, seen.referral, seen.task) == (404, 200, 200)
    assert [word for word in WORDS if SECRET[word] in seen.text] == []
    assert copy not in seen.text
    assert seen.knows("Keys handed over."), "the target keeps the record of its own service"
    gwen.does(f"{task_of(made)}/start")
    gwen.does(f"{task_of(made)}/complete", OUTCOME)
    assert gwen.get(f"/v1/clients/{copy}").json()["type"] == maria.get(f"/v1/clients/{copy}").json()["type"]
    assert maria.post(f"/v1/consents/{made['consent_id']}/revoke").status_code == 409
    assert maria.post(f"{task_of(made)}/note", {"text": "x"}).status_code in (200, 409)


def test_a_consent_that_has_run_out_discloses_nothing(house: House) -> None:
    made = refer(house, "cap", "housing", consent=True)
    copy = house.person("gwen.housing").does(f"{task_of(made)}/accept")["client_id"]
    house.sql("update consent set valid_from = now() - interval '2 days', valid_until = now() - interval '1 second'"
              " where id = %s", made["consent_id"])  # fmt: skip
    seen = look(house, "gwen.housing", made, [copy])
    assert (seen.client, seen.knows("name"), seen.knows("reason")) == (404, False, False)


@pytest.mark.parametrize(
    ("kinds", "knows"),
    [(["identity"], ["name"]), (["contact"], ["phone"]), (["notes"], ["reason", "note"]), (["demographics"], [])],
    ids=lambda value: "-".join(value) or "nothing",
)
def test_a_consent_discloses_the_kinds_that_it_names(house: House, kinds: list[str], knows: list[str]) -> None:
    maria = house.person("maria.cap")
    made = refer(house, "cap", "housing", consent=True)
    house.sql("update consent set data_kinds = %s::jsonb where id = %s", json.dumps(kinds), made["consent_id"])
    copy = house.person("gwen.housing").does(f"{task_of(made)}/accept")["client_id"]
    seen = look(house, "gwen.housing", made, [copy])
    assert [word for word in WORDS if SECRET[word] in seen.text] == knows
    assert maria.read(f"/v1/clients/{made['client_id']}")["family_name"] == SECRET["name"]


def test_a_family_s_consent_discloses_the_member_who_gave_it_to_its_recipient_and_nobody_else(house: House) -> None:
    maria, gwen = house.person("maria.cap"), house.person("gwen.housing")
    names = [("Rosalind", SECRET["name"], "head"), ("Leopold", "Quillfeather", "partner")]
    members = [
        {"client_id": maria.does("/v1/clients", {"given_name": given, "family_name": family})["id"], "role": role}
        for given, family, role in names
    ]
    home = maria.does("/v1/households", {"members": members})["id"]
    consent = house.consent(maria, members[0]["client_id"], "housing")["id"]
    body = {"service_id": str(house.service("housing").id), "household_id": home, "consent_id": consent}
    asked = [maria.does("/v1/referrals", body | {"reason": SECRET["reason"]}) for _ in range(2)]
    copy = {str(gwen.does(f"{task_of(made)}/accept")["client_id"]) for made in asked}
    assert len(copy) == 1, "two yeses, one record"
    seen = look(house, "gwen.housing", asked[0], [*copy])
    assert (seen.client, seen.knows("name"), seen.knows("reason")) == (200, True, True)
    assert [word for word in ("Quillfeather", home, consent, members[0]["client_id"]) if word in seen.text] == []
    assert house.sql("select count(*) from client where family_name = 'Quillfeather'") == [(1,)]
    for login in ("naomi.faith", "ruth.hub"):
        other = look(house, login, asked[0], [*copy, members[0]["client_id"]])
        assert (other.client, other.knows("name"), other.knows("reason")) == (404, False, False)
        assert [word for word in (home, consent, *copy) if word in other.text] == []
    maria.does(f"/v1/consents/{consent}/revoke")
    seen = look(house, "gwen.housing", asked[0], [*copy])
    assert (seen.client, seen.task, seen.knows("name"), seen.knows("reason")) == (404, 200, False, False)


def test_what_was_given_is_shown_to_the_two_that_took_part_and_to_nobody_else(house: House) -> None:
    made = refer(house, "cap", "housing", consent=False)
    gwen, given = house.person("gwen.housing"), {"months_of_rent": 2, "keys": True, "paid_to": "landlord"}
    gwen.does(f"{task_of(made)}/accept")
    assert gwen.does(f"{task_of(made)}/complete", OUTCOME | {"outputs": given})["outputs"] == given
    assert house.person("maria.cap").read(f"/v1/referrals/{made['id']}")["tasks"][0]["outputs"] == given
    assert house.person("ruth.hub").read(task_of(made))["outputs"] is None
    assert "paid_to" not in look(house, "ruth.hub", made, [made["client_id"]]).text


def test_two_yeses_at_the_same_moment_copy_one_record(house: House) -> None:
    """The second waits until the first is committed, and finds its record."""
    maria, first = house.person("maria.cap"), refer(house, "cap", "housing", consent=True)
    body = {name: first[name] for name in ("service_id", "client_id", "consent_id")}
    tasks = [task_of(made).rsplit("/", 1)[-1] for made in (first, maria.does("/v1/referrals", body))]
    copy = "select app.disclose(%s, gen_random_uuid())"
    with psycopg.connect(libpq_url(house.admin_url)) as one, psycopg.connect(libpq_url(house.admin_url)) as other:
        for connection in (one, other):
            person = house.region.people_of("housing", "caseworker")[0]
            connection.execute(
                "select set_config('app.organization', %s, false), set_config('app.user', %s, false)",
                (str(organization_id(house, "housing")), str(person.id)),
            )
            connection.execute("set lock_timeout = '0.2s'")
            connection.commit()
        made = one.execute(copy, (tasks[0],)).fetchone()
        with pytest.raises(psycopg.errors.LockNotAvailable):
            other.execute(copy, (tasks[1],))
        one.commit()
        other.rollback()
        assert other.execute(copy, (tasks[1],)).fetchone() == made


def test_what_is_hidden_reads_like_what_does_not_exist(house: House) -> None:
    made = refer(house, "cap", "housing", consent=False)
    lupe = house.person("lupe.pantry")
    missing = "01890000-0000-7000-8000-00000000dead"
    for path, hidden_id in (
        ("referrals", made["id"]),
        ("tasks", made["tasks"][0]["id"]),
        ("clients", made["client_id"]),
        ("needs", made["need_id"]),
    ):
        hidden, absent = (lupe.get(f"/v1/{path}/{each}") for each in (hidden_id, missing))
        assert hidden.status_code == absent.status_code == 404
        assert {k: v for k, v in hidden.json().items() if k != "request_id"} == {
            k: v for k, v in absent.json().items() if k != "request_id"
        }
        if path in ("referrals", "tasks"):
            verb = "withdraw" if path == "referrals" else "cancel"
            assert lupe.post(f"/v1/{path}/{hidden_id}/{verb}", {"reason": "cannot_say"}).status_code == 404


def test_the_backbone_may_read_and_may_not_move(house: House) -> None:
    made = refer(house, "cap", "housing", consent=False)
    ruth = house.person("ruth.hub")
    assert ruth.post(f"{task_of(made)}/accept").status_code == 403
    assert ruth.post(f"/v1/referrals/{made['id']}/withdraw", {"reason": "cannot_say"}).status_code == 403
    assert ruth.read(task_of(made))["allowed_actions"] == ["nudge", "except"]
    assert (
        house.person("edith.hub")
        .post("/v1/referrals", {"service_id": made["service_id"], "client_id": made["client_id"]})
        .status_code
        == 403
    )
