"""Records of one person: linked they count once, also for what happened before; parted they count as they did."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from sqlalchemy import Connection, text

from concert.embedded.postgres import libpq_url
from domain.person import joined
from domain.task import Outcome
from services.folding import fold
from services.links import link_clients
from services.requests import Finished
from services.transaction import Record
from services.verifying import verify_indicators
from storage.database import Database
from tests.house import House
from tests.services.scenes import at_once, ledger, numbers, organization_id, proven, refer, series, statuses, task_of

NOW = datetime.now(UTC)
MONTH = NOW.strftime("%Y-%m")
PAIRS = 6
LONG_AGO = NOW.replace(day=10, hour=18) - timedelta(days=45)


def record_client(house: House, login: str = "maria.cap", **more: Any) -> str:
    body = {"given_name": "Ana", "family_name": "Brook", "residence": {"kind": "fixed", "county": "31157"}, **more}
    return str(house.person(login).does("/v1/clients", body)["id"])


def serve(house: House, client_id: str, target: str = "housing", login: str = "maria.cap", **more: Any) -> Any:
    """Referred, accepted and started there: from then on the client counts."""
    source = login.rpartition(".")[2]
    referral = refer(house, source, target, login=login, client_id=client_id, **more)
    worker = house.caseworker(target)
    worker.does(f"{task_of(referral)}/accept")
    worker.does(f"{task_of(referral)}/start")
    return referral


def link(house: House, one: str, other: str, login: str = "maria.cap") -> str:
    return str(house.person(login).does(f"/v1/clients/{one}/links", {"client_id": other})["id"])


def revoke(house: House, client: str, link_id: str, login: str = "maria.cap") -> None:
    house.person(login).does(f"/v1/clients/{client}/links/{link_id}/revoke")


def served(house: House, **params: Any) -> dict[tuple[str, str | None], float]:
    """Whoever was counted, by period and label; cells of nobody left out."""
    return {key: point["value"] for key, point in series(house, "clients_served", **params).items() if point["value"]}


def test_linked_records_count_once_wherever_both_had_counted_and_twice_again_when_parted(house: House) -> None:
    one, other = record_client(house), record_client(house)
    before = served(house).get((MONTH, None), 0)
    by_before = served(house, by="organization")
    serve(house, one, "housing")
    serve(house, other, "housing")
    serve(house, other, "early")
    apart = numbers(house)
    assert served(house)[MONTH, None] == before + 2
    made = link(house, one, other)
    assert served(house)[MONTH, None] == before + 1
    assert served(house, period="calendar_year")[MONTH[:4], None] >= 1
    by = served(house, by="organization")
    for slug in ("housing", "early"):
        key = (MONTH, str(organization_id(house, slug)))
        assert by[key] - by_before.get(key, 0) == 1, slug
    changed = {code for code, lines in numbers(house).items() if lines != apart[code]}
    assert changed == {"clients_served", "households_served"}, "each of them is a household"
    proven(house)
    revoke(house, other, made)
    assert numbers(house) == apart
    proven(house)


def test_the_correction_counts_in_the_month_in_which_they_had_counted(house: House) -> None:
    month = LONG_AGO.strftime("%Y-%m")
    was, now = served(house).get((month, None), 0), served(house).get((MONTH, None), 0)
    people = []
    for _ in range(2):
        people.append(record_client(house, "gwen.housing"))
        refer(
            house, "housing", "housing", login="gwen.housing", client_id=people[-1],
            finished=Finished(Outcome.NEED_MET, LONG_AGO),
        )  # fmt: skip
    assert served(house)[month, None] == was + 2
    made = link(house, people[0], people[1], "gwen.housing")
    assert served(house)[month, None] == was + 1
    assert served(house).get((MONTH, None), 0) == now
    assert served(house, period="calendar_year")[month[:4], None]
    entries = house.sql(
        "select n.period, n.value from indicator_entry n join event e on e.id = n.event_id"
        " join indicator i on i.id = n.indicator_id"
        " where e.facts ->> 'link' = %s and n.organization_id is null and n.dimensions = '{}'"
        " and i.code = 'clients_served' and n.period not like 'state_year:%%'",
        made,
    )
    assert sorted(entries) == sorted([(month, -1), (month[:4], -1)])
    proven(house)


def test_links_are_transitive_and_each_holds_by_itself(house: House) -> None:
    a, b, c = (record_client(house) for _ in range(3))
    before = served(house).get((MONTH, None), 0)
    for client in (a, b, c):
        serve(house, client)

    def people() -> float:
        return served(house)[MONTH, None] - before

    ab, bc = link(house, a, b), link(house, c, b)
    assert people() == 1
    ac = link(house, a, c)
    assert people() == 1
    proven(house)
    revoke(house, a, ab)
    assert people() == 1, "c still joins them"
    revoke(house, a, ac)
    assert people() == 2, "a alone, b and c"
    revoke(house, b, bc)
    assert people() == 3
    proven(house)


def test_who_comes_later_counts_with_those_that_the_link_joined(house: House) -> None:
    one, other = record_client(house), record_client(house)
    made = link(house, one, other)
    before = served(house).get((MONTH, None), 0)
    first, second = serve(house, one), serve(house, other, "early")
    assert served(house)[MONTH, None] == before + 1
    maria = house.person("maria.cap")
    maria.does(f"/v1/referrals/{first.id}/void", {"reason": "The wrong family."})
    assert served(house)[MONTH, None] == before + 1, "the other record still counts"
    proven(house)
    revoke(house, one, made)
    assert served(house)[MONTH, None] == before + 1
    maria.does(f"/v1/referrals/{second.id}/void", {"reason": "The wrong family."})
    assert served(house).get((MONTH, None), 0) == before
    proven(house)


def test_a_copy_by_consent_is_the_same_person_already(house: House) -> None:
    maria, gwen = house.person("maria.cap"), house.person("gwen.housing")
    client = record_client(house)
    consent = house.consent(maria, client, "housing")
    referral = refer(house, "cap", "housing", client_id=client, consent_id=UUID(consent["id"]))
    gwen.does(f"{task_of(referral)}/accept")
    copy = gwen.read(f"/v1/referrals/{referral.id}")["tasks"][0]["client_id"]
    own = record_client(house, "gwen.housing")
    before = served(house).get((MONTH, None), 0)
    gwen.does(f"{task_of(referral)}/start")
    serve(house, client, "early")
    serve(house, own, "housing", login="gwen.housing")
    assert served(house)[MONTH, None] == before + 2
    made = link(house, copy, own, "gwen.housing")
    assert served(house)[MONTH, None] == before + 1, (
        "all that was done for the copy's person counts with the own record"
    )
    proven(house)
    maria.does(f"/v1/consents/{consent['id']}/revoke")
    assert gwen.get(f"/v1/clients/{copy}").status_code == 404
    (seen,) = gwen.read(f"/v1/clients/{own}/links")
    assert (seen["id"], seen["other_client_id"]) == (made, None)
    revoke(house, own, made, "gwen.housing")
    assert served(house)[MONTH, None] == before + 2
    proven(house)


def test_only_the_organization_that_has_both_records_links_them(house: House) -> None:
    maria, gwen, ruth = (house.person(login) for login in ("maria.cap", "gwen.housing", "ruth.hub"))
    mine, other, theirs = record_client(house), record_client(house), record_client(house, "gwen.housing")
    path = f"/v1/clients/{mine}/links"
    assert gwen.post(path, {"client_id": other}).status_code == 404
    assert ruth.post(path, {"client_id": other}).status_code == 404
    assert maria.post(path, {"client_id": theirs}).status_code == 422
    assert maria.post(path, {"client_id": mine}).status_code == 422
    assert maria.post(path, {"client_id": str(uuid4())}).status_code == 422
    made = link(house, mine, other)
    assert maria.post(f"/v1/clients/{other}/links", {"client_id": mine}).status_code == 409
    for path in (f"/v1/clients/{mine}/links/{made}", f"/v1/clients/{mine}/links"):
        assert gwen.get(path).status_code == 404
    assert gwen.post(f"/v1/clients/{mine}/links/{made}/revoke").status_code == 404
    assert gwen.post(f"/v1/clients/{theirs}/links/{made}/revoke").status_code == 404
    revoke(house, other, made)
    assert maria.post(f"/v1/clients/{mine}/links/{made}/revoke").status_code == 409
    audited = house.sql("select verb from audit where object_id = %s order by version", made)
    assert audited == [("client_link.create",), ("client_link.revoke",)]


def test_the_same_command_links_once_and_answers_the_same(house: House) -> None:
    maria, (one, other) = house.person("maria.cap"), (record_client(house) for _ in range(2))
    key, path = uuid4().hex, f"/v1/clients/{one}/links"
    answers = at_once(*[lambda: maria.post(path, {"client_id": other}, key=key)] * 4)
    assert statuses(answers) == [201] * 4
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].headers["location"] == f"{path}/{answers[0].json()['id']}"
    stored = house.sql("select body::text from command where key = %s", key)[0][0]
    assert one not in stored
    assert other not in stored
    both = at_once(*[lambda: maria.post(f"/v1/clients/{other}/links", {"client_id": one})] * 3)
    assert statuses(both) == [409] * 3
    made = answers[0].json()["id"]
    parted = at_once(*[lambda: maria.post(f"{path}/{made}/revoke")] * 4)
    assert statuses(parted) == [200, 409, 409, 409]


def test_a_link_cannot_be_rewritten_nor_taken_up_again(house: House) -> None:
    one, other = record_client(house), record_client(house)
    made = link(house, one, other)
    for change in ("client_id = other_client_id", "restricted = true", "made_at = now()"):
        with pytest.raises(Exception, match="can only be revoked"):
            house.sql(f"update client_link set {change} where id = '{made}'")
    revoke(house, one, made)
    with pytest.raises(Exception, match="can only be revoked"):
        house.sql(f"update client_link set revoked_at = null where id = '{made}'")


def test_a_confidential_providers_link_moves_no_open_figure(house: House) -> None:
    carmen = "carmen.shelter"
    one, other = (record_client(house, carmen) for _ in range(2))
    for client in (one, other):
        serve(house, client, "shelter", login=carmen)
    before, mine = ledger(house, "clients_served"), served(house, login=carmen, by="organization")
    hidden = len(house.person("ruth.hub").read("/v1/indicators/clients_served/events", period=MONTH)["items"])
    made = link(house, one, other, carmen)
    key = (MONTH, str(organization_id(house, "shelter")))
    assert served(house, login=carmen, by="organization")[key] == mine[key] - 1
    after = ledger(house, "clients_served")
    assert {line for line in before if before[line] != after.get(line)}
    restricted = house.sql(
        "select distinct n.restricted, e.restricted from indicator_entry n join event e on e.id = n.event_id"
        " where e.facts ->> 'link' = %s",
        made,
    )
    assert restricted == [(True, True)]
    assert len(house.person("ruth.hub").read("/v1/indicators/clients_served/events", period=MONTH)["items"]) == hidden
    proven(house)
    revoke(house, one, made, carmen)
    assert ledger(house, "clients_served") == before
    proven(house)


def test_an_open_link_joins_open_and_confidential_work_each_in_its_own_figure(house: House) -> None:
    one, other = record_client(house), record_client(house)
    for client in (one, other):
        serve(house, client, "housing")
        serve(house, client, "shelter")
    before = numbers(house)
    made = link(house, one, other)
    sides = house.sql(
        "select n.restricted, sum(n.value)::int from indicator_entry n join event e on e.id = n.event_id"
        " join indicator i on i.id = n.indicator_id and i.code = 'clients_served'"
        " where e.facts ->> 'link' = %s and n.organization_id is null and n.dimensions = '{}' and length(n.period) = 7"
        " group by 1 order by 1",
        made,
    )
    assert sides == [(False, -1), (True, -1)]
    proven(house)
    revoke(house, one, made)
    assert numbers(house) == before
    proven(house)


def test_links_made_and_revoked_while_work_is_done_and_taken_back_leave_every_figure_exact(house: House) -> None:
    """Each of four people works on five records of perhaps one person: serves, voids, links and parts them."""
    clients = [record_client(house) for _ in range(5)]
    maria = house.person("maria.cap")

    def live(seed: int) -> Callable[[], None]:
        def act() -> None:
            chance = random.Random(seed)
            for _ in range(8):
                one, other = chance.sample(clients, 2)
                verb = chance.choice(["serve", "serve", "link", "part", "void"])
                if verb == "serve":
                    referral = serve(house, one, chance.choice(["housing", "early"]))
                    if chance.random() < 0.5:
                        maria.does(f"/v1/referrals/{referral.id}/void", {"reason": "The wrong family."})
                elif verb == "link":
                    assert maria.post(f"/v1/clients/{one}/links", {"client_id": other}).status_code in (201, 409)
                else:
                    for each in maria.read(f"/v1/clients/{one}/links"):
                        path = f"/v1/clients/{one}/links/{each['id']}/revoke"
                        assert maria.post(path).status_code in (200, 409)
                fold(house.engine, 7)

        return act

    at_once(*[live(seed) for seed in range(4)])
    proven(house)


@pytest.mark.parametrize("first", ["linked before", "linked meanwhile", "parted meanwhile"])
def test_two_records_touched_at_the_same_moment_count_once(house: House, first: str) -> None:
    maria, gwen = house.person("maria.cap"), house.person("gwen.housing")
    before = served(house).get((MONTH, None), 0)
    for _ in range(PAIRS):
        one, other = record_client(house), record_client(house)
        made = None if first == "linked meanwhile" else link(house, one, other)
        tasks = [task_of(refer(house, "cap", "housing", client_id=client)) for client in (one, other)]
        for task in tasks:
            gwen.does(f"{task}/accept")
        acts: list[Callable[[], Any]] = [lambda task=task: gwen.does(f"{task}/start") for task in tasks]  # type: ignore[misc]
        if first == "linked meanwhile":
            acts.append(lambda one=one, other=other: maria.does(f"/v1/clients/{one}/links", {"client_id": other}))  # type: ignore[misc]
        if first == "parted meanwhile":
            acts.append(lambda one=one, made=made: maria.does(f"/v1/clients/{one}/links/{made}/revoke"))  # type: ignore[misc]
        at_once(*acts)
    people = 2 if first == "parted meanwhile" else 1
    assert served(house)[MONTH, None] - before == people * PAIRS
    proven(house)


def test_a_stale_alias_is_named(house: House) -> None:
    one, other = record_client(house), record_client(house)
    link(house, one, other)
    house.sql("update person_alias set canonical_id = %s where person_id = %s", str(uuid4()), one)
    try:
        found = verify_indicators(house.engine).differences
        assert [each for each in found if re.match(f"links: {one} stands for", each)]
    finally:
        least = min(one, other)
        house.sql("update person_alias set canonical_id = %s where person_id = %s", least, one)
    proven(house)


def test_a_record_of_the_wrong_side_of_the_wall_is_not_offered(house: House) -> None:
    mine = record_client(house, given_name="Odalys", family_name="Quimby")
    theirs = record_client(house, "gwen.housing", given_name="Odalys", family_name="Quimby")
    maria = house.person("maria.cap")
    assert maria.read(f"/v1/clients/{mine}/possible-duplicates") == []
    assert maria.get(f"/v1/clients/{theirs}/possible-duplicates").status_code == 404
    assert house.person("ruth.hub").get(f"/v1/clients/{mine}/possible-duplicates").status_code == 404


ROSA: dict[str, Any] = {"given_name": "Rosa", "family_name": "García López", "birth_date": "1988-03-04"}
LIKE: dict[str, tuple[dict[str, Any], set[str]]] = {
    "the same": (ROSA, {"same_name", "same_birth_date"}),
    "a slip of the pen": (ROSA | {"given_name": "Roza"}, {"similar_name", "same_birth_date"}),
    "one family name left out, no accent": (ROSA | {"family_name": "Garcia"}, {"similar_name", "same_birth_date"}),
    "the names in the other order": (
        ROSA | {"given_name": "García López", "family_name": "Rosa"},
        {"names_swapped", "same_birth_date"},
    ),
    "day and month in the other order": (
        ROSA | {"birth_date": "1988-04-03"},
        {"same_name", "birth_day_and_month_swapped"},
    ),
    "the year alone": (
        ROSA | {"birth_date": None, "birth_year": 1988, "birth_estimated": True},
        {"same_name", "same_birth_year"},
    ),
    "no date of birth": (ROSA | {"birth_date": None}, {"same_name"}),
}
UNLIKE: dict[str, dict[str, Any]] = {
    "born in another year": ROSA | {"birth_date": "1961-03-04"},
    "another given name": ROSA | {"given_name": "Esteban"},
    "another family name": ROSA | {"family_name": "Featherstone"},
    "without a name": {"identity": "anonymous", "birth_date": "1988-03-04"},
}


@pytest.fixture(scope="module")
def rosas(house: House) -> dict[str, Any]:
    """What the community agency has on file, and what is offered for Rosa."""
    maria = house.person("maria.cap")
    residence = {"residence": {"kind": "fixed", "county": "31157"}}
    ids = {
        what: maria.does("/v1/clients", {k: v for k, v in (body | residence).items() if v is not None})["id"]
        for what, body in {"herself": ROSA, **{k: v[0] for k, v in LIKE.items()}, **UNLIKE}.items()
    }
    offered = maria.read(f"/v1/clients/{ids['herself']}/possible-duplicates")
    return {"ids": ids, "offered": {one["id"]: one for one in offered}, "order": [one["id"] for one in offered]}


@pytest.mark.parametrize("what", LIKE)
def test_who_may_be_the_same_person_is_offered_and_why(rosas: dict[str, Any], what: str) -> None:
    found = rosas["offered"][rosas["ids"][what]]
    assert set(found["because"]) == LIKE[what][1]
    assert rosas["order"][0] == rosas["ids"]["the same"]


@pytest.mark.parametrize("what", UNLIKE)
def test_who_is_somebody_else_is_not(rosas: dict[str, Any], what: str) -> None:
    assert rosas["ids"][what] not in rosas["offered"]


def test_who_is_linked_is_not_offered_again_nor_whoever_that_one_is_linked_with(
    house: House, rosas: dict[str, Any]
) -> None:
    ids, maria = rosas["ids"], house.person("maria.cap")
    link(house, ids["herself"], ids["the same"])
    link(house, ids["the same"], ids["a slip of the pen"])
    offered = {one["id"] for one in maria.read(f"/v1/clients/{ids['herself']}/possible-duplicates")}
    assert not {ids["the same"], ids["a slip of the pen"]} & offered
    assert ids["no date of birth"] in offered


@pytest.mark.parametrize(
    ("pairs", "persons"),
    [
        ([], {}),
        ([("b", "a")], {"a": "a", "b": "a"}),
        ([("a", "b"), ("c", "d"), ("d", "b")], dict.fromkeys("abcd", "a")),
        ([("a", "b"), ("c", "d")], {"a": "a", "b": "a", "c": "c", "d": "c"}),
        ([("a", "b"), ("b", "c"), ("c", "a")], dict.fromkeys("abc", "a")),
    ],
)
def test_whoever_is_joined_over_others_is_one(pairs: list[tuple[str, str]], persons: dict[str, str]) -> None:
    assert joined(pairs) == persons


def test_who_links_while_others_link_waits_for_them_and_is_not_sent_away(house: House) -> None:
    """One link is made at a time; on a busy machine the turn may come later than one lock may be waited for."""
    one, other = record_client(house), record_client(house)
    with psycopg.connect(libpq_url(house.admin_url)) as somebody:
        somebody.execute("select pg_advisory_xact_lock(7305006)")

        class Hurried(Database):
            """Waits for a lock for a moment only; at its second attempt the other has committed."""

            attempts = 0

            @contextmanager
            def transaction(self) -> Iterator[Connection]:
                self.attempts += 1
                if self.attempts == 2:
                    somebody.commit()
                with super().transaction() as connection:
                    connection.execute(text("set local lock_timeout = '50ms'"))
                    yield connection

        database = Hurried(house.api.database.url, pool_size=1)
        try:
            made = link_clients(Record(database), house.call("maria.cap", key="patient"), UUID(one), UUID(other))
        finally:
            database.dispose()
    assert (made.status, database.attempts) == (201, 2)
    assert house.sql("select count(*) from client_link where id = %s", made.body.id) == [(1,)]
