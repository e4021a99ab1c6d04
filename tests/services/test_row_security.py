"""The walls themselves, tried in SQL with the API's own login: no route, no service, what Postgres lets through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from concert.embedded.postgres import libpq_url
from services.transaction import read
from storage.database import Database
from tests.house import House
from tests.services.plans import Live, load, step
from tests.services.scenes import ask_at_once, organization_id, refer

Cursor = psycopg.Connection[tuple[Any, ...]]
As = Callable[[str], Cursor]
UUID7 = "uuidv7()"
_COUNT = text("select count(*) from referral")


@pytest.fixture
def door(house: House) -> Iterator[Cursor]:
    with psycopg.connect(libpq_url(house.settings.database_url)) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def as_(house: House, door: Cursor) -> As:
    """Begins a transaction as that person."""

    def enter(login: str) -> Cursor:
        door.rollback()
        assert door.execute("select user_id from app.enter(%s, null, null)", [login]).fetchone()
        return door

    return enter


@pytest.fixture(scope="module")
def made(house: House) -> dict[str, Any]:
    """Maria's referral to housing, with consent and a note, accepted."""
    referral = house.refer("cap", "housing", consent=True, reason="The lease ends.", note="Call after six.")
    house.person("gwen.housing").does(f"/v1/tasks/{referral['tasks'][0]['id']}/accept")
    return referral


OWNED = [
    "client",
    "client_residence",
    "consent",
    "need",
    "referral",
    "task",
    "event",
    "message",
    "command",
    "consent_recipient",
]


@pytest.mark.parametrize("table", OWNED)
@pytest.mark.parametrize("login", ["lupe.pantry", "carmen.shelter", "felix.clinic"])
def test_a_partner_who_takes_no_part_sees_no_row(as_: As, made: dict[str, Any], table: str, login: str) -> None:
    assert as_(login).execute(f"select count(*) from {table}".encode()).fetchone() == (0,)


@pytest.mark.parametrize("login", ["ruth.hub", "edith.hub"])
@pytest.mark.parametrize(
    "table", ["client", "client_residence", "consent", "consent_recipient", "need", "message", "household"]
)
def test_backbone_and_auditor_see_nobodys_client_consent_or_words(as_: As, made: Any, login: str, table: str) -> None:
    assert as_(login).execute(f"select count(*) from {table}".encode()).fetchone() == (0,)


def test_the_source_sees_its_client_and_the_target_only_its_own_copy(
    house: House, as_: As, made: dict[str, Any]
) -> None:
    theirs = organization_id(house, "housing")
    mine = organization_id(house, "cap")
    assert {row[0] for row in as_("maria.cap").execute("select organization_id from client")} == {mine}
    assert {row[0] for row in as_("gwen.housing").execute("select organization_id from client")} == {theirs}
    assert as_("gwen.housing").execute("select count(*) from client where id = %s", [made["client_id"]]).fetchone() == (
        0,
    )


def test_the_context_is_gone_when_the_transaction_ends(house: House, as_: As, made: Any) -> None:
    connection = as_("maria.cap")
    assert connection.execute("select count(*) from referral").fetchone() != (0,)
    connection.commit()
    assert connection.execute("select current_setting('app.organization', true), app.me()").fetchone() == ("", None)
    assert connection.execute("select count(*) from referral").fetchone() == (0,)
    connection.rollback()
    as_("maria.cap").rollback()
    assert connection.execute("select app.me(), app.person(), app.is_backbone()").fetchone() == (None, None, False)


def test_a_pooled_connection_carries_nobody_into_the_next_request(house: House, made: Any) -> None:
    database = Database(house.settings.database_url, pool_size=1)
    record = type(house.api)(database)
    for login, sees in (("maria.cap", True), ("lupe.pantry", False), ("gwen.housing", True), ("ruth.hub", True)):
        found = read(record, house.call(login), lambda tx: tx.rows(_COUNT)[0][0])
        assert bool(found) == sees, login
        with database.transaction() as connection:
            assert connection.execute(_COUNT).scalar_one() == 0
    database.dispose()


def test_an_unknown_or_empty_context_is_nobody(door: Cursor) -> None:
    for value in ("", "not-a-uuid"):
        door.execute("select set_config('app.organization', %s, true)", [value])
        if value:
            with pytest.raises(psycopg.errors.InvalidTextRepresentation):
                door.execute("select count(*) from referral")
        else:
            assert door.execute("select count(*) from referral").fetchone() == (0,)
        door.rollback()


FORBIDDEN = psycopg.errors.InsufficientPrivilege


@pytest.mark.parametrize(
    "column",
    ["priority = 'urgent'", "sensitive = true", "term = 'food.pantry'", "consent_id = null", "outcome_source = 'unmet'",
     "outcome_client = 'unmet'", "confirmed_by = 'client'", "person_id = uuidv7()", "round = 2", "county = '31013'",
     "service_id = service_id_other", "reference = 'R-0'"],
)  # fmt: skip
def test_the_target_cannot_rewrite_what_the_source_said(house: House, as_: As, made: Any, column: str) -> None:
    column = column.replace("service_id_other", f"'{house.service('pantry').id}'")
    with pytest.raises(FORBIDDEN):
        as_("gwen.housing").execute(f"update referral set {column} where id = %s".encode(), [made["id"]])


@pytest.mark.parametrize(
    "column",
    ["outcome = 'need_met'", "outputs = '{}'", "accepted_at = null", "assigned_to = created_by", "title = title"],
)
def test_the_source_cannot_rewrite_what_the_target_did(as_: As, made: Any, column: str) -> None:
    statement = f"update task set {column} where id = %s".replace("created_by", "app.person()")
    task_id = made["tasks"][0]["id"]
    if column == "title = title":
        assert as_("maria.cap").execute(statement.encode(), [task_id]).rowcount == 1
    elif column == "outputs = '{}'":
        with pytest.raises(FORBIDDEN):
            as_("maria.cap").execute(b"update task set outputs = '{\"a\": 1}' where id = %s", [task_id])
    else:
        with pytest.raises(FORBIDDEN):
            as_("maria.cap").execute(statement.encode(), [task_id])


@pytest.mark.parametrize(
    "column",
    ["organization_id", "source_organization_id", "referral_id", "restricted", "created_at", "requested_at", "round"],
)
@pytest.mark.parametrize("login", ["maria.cap", "gwen.housing"])
def test_nobody_rewrites_whose_task_it_is(as_: As, made: Any, column: str, login: str) -> None:
    value = {"restricted": "true", "created_at": "now()", "requested_at": "now()", "round": "7"}.get(column, UUID7)
    with pytest.raises(FORBIDDEN):
        as_(login).execute(f"update task set {column} = {value} where id = %s".encode(), [made["tasks"][0]["id"]])


@pytest.mark.parametrize("table", ["referral", "task"])
def test_who_may_only_read_moves_nothing(as_: As, made: Any, table: str) -> None:
    assert as_("lupe.pantry").execute(f"update {table} set rung = 3".encode()).rowcount == 0


WATCHED = "rung = rung + 1, excepted_until = now() + interval '3 days', version = version + 1, updated_at = now()"


@pytest.mark.parametrize("table", ["referral", "task"])
def test_the_backbone_writes_how_far_it_climbed_and_how_long_it_rests_and_nothing_else(
    as_: As, made: Any, table: str
) -> None:
    where = "where id = %s"
    ids = {"referral": made["id"], "task": made["tasks"][0]["id"]}
    assert as_("ruth.hub").execute(f"update {table} set {WATCHED} {where}".encode(), [ids[table]]).rowcount == 1
    rows = as_("ruth.hub").execute(
        "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped", [table]
    )
    free = {"rung", "excepted_until", "version", "updated_at"}
    columns = [name for (name,) in rows if name not in free]
    assert len(columns) > 30
    for column in columns:
        refused(
            as_("ruth.hub"), f"update {table} set version = version + 1, {column} = {other(column)} {where}", ids[table]
        )


def other(column: str) -> str:
    """A value that the row does not have."""
    changed = {
        "restricted": "not restricted", "sensitive": "not sensitive", "on_behalf": "not on_behalf",
        "state": "'completed'", "transfer": "not transfer", "reported": "not reported", "round": "round + 1",
        "rounds": "rounds + 1",
        "kind": "'step'", "groups": "'{\"a\": 1}'", "outputs": "'{\"a\": 1}'", "priority": "'urgent'",
        "attempts": "'[\"2026-01-01\"]'", "missed": "'{\"a\": \"b\"}'",
        "step": "'{}'", "decide_left": "7", "hard_left": "7", "origin": "'self'",
    }  # fmt: skip
    if column in changed:
        return changed[column]
    if column.endswith(("_at", "_until")):
        return "now() + interval '1 year'"
    if column.endswith("_id") or column in ("id", "assigned_to", "created_by", "household_key"):
        return UUID7
    if column == "asked":
        return f"array[{UUID7}]"
    return "'another'"


def refused(connection: Cursor, statement: str, *values: Any) -> None:
    with pytest.raises((FORBIDDEN, psycopg.errors.CheckViolation)):
        connection.execute(statement.encode(), values)


@pytest.mark.parametrize(
    "change",
    ["rung = rung + 1", "rung = rung - 1, version = version + 1", "excepted_until = now()",
     "version = version + 2", "excepted_until = now() + interval '1 year', version = version + 1"],
)  # fmt: skip
def test_the_backbone_goes_one_version_at_a_time_and_only_up(as_: As, made: Any, change: str) -> None:
    refused(as_("ruth.hub"), f"update task set {change} where id = %s", made["tasks"][0]["id"])


def test_the_backbones_auditor_and_what_is_over_stay_as_they_are(house: House, as_: As, made: Any) -> None:
    refused(as_("edith.hub"), f"update task set {WATCHED} where id = %s", made["tasks"][0]["id"])
    over = house.refer("cap", "housing")
    house.person("maria.cap").does(f"/v1/referrals/{over['id']}/withdraw", {"reason": "client_declined"})
    refused(as_("ruth.hub"), f"update task set {WATCHED} where id = %s", over["tasks"][0]["id"])
    refused(as_("ruth.hub"), f"update referral set {WATCHED} where id = %s", over["id"])


def test_a_confidential_providers_work_cannot_be_touched_by_the_backbone(house: House, as_: As) -> None:
    hidden = house.refer("cap", "shelter")
    for table, thing in (("referral", hidden["id"]), ("task", hidden["tasks"][0]["id"])):
        statement = f"update {table} set {WATCHED} where id = %s".encode()
        assert as_("ruth.hub").execute(statement, [thing]).rowcount == 0


def test_a_plan_is_watched_in_the_same_way(house: House, as_: As) -> None:
    load(house, "walled", [step("listen")])
    plan = Live.begin(house, "walled").id
    watched = f"update action_plan set {WATCHED} where id = %s".encode()
    assert as_("ruth.hub").execute(watched, [plan]).rowcount == 1
    for column in (
        "name",
        "due_at",
        "next_review_at",
        "assigned_to",
        "state",
        "consent_id",
        "look_at",
        "stop_asked_by",
    ):
        change = f"update action_plan set version = version + 1, {column} = {other(column)} where id = %s"
        refused(as_("ruth.hub"), change, plan)
    assert as_("ruth.hub").execute("update plan_step set removed_at = now()").rowcount == 0


SAYS: dict[str, Any] = {"kind": "task_nudged", "facts": "{}", "from_state": "accepted", "to_state": "accepted"}


def says(connection: Cursor, made: Any, **changed: Any) -> None:
    """An event about the task, as the backbone's own login would write it past every service."""
    row = SAYS | changed
    connection.execute(
        "insert into event (id, collaborative_id, kind, at, occurred_at, day, referral_id, task_id, version,"
        " organization_id, source_organization_id, acting_organization_id, user_id, from_state, to_state, settled,"
        " facts, restricted)"
        " select uuidv7(), t.collaborative_id, %(kind)s, now(), now(), current_date, t.referral_id, t.id,"
        " t.version + 1, coalesce(%(organization)s::uuid, t.organization_id), t.source_organization_id,"
        " coalesce(%(acting)s::uuid, app.me()), coalesce(%(user)s::uuid, app.person()), %(from_state)s, %(to_state)s,"
        " %(settled)s::jsonb, %(facts)s::jsonb, %(restricted)s from task t where t.id = %(task)s",
        {"organization": None, "acting": None, "user": None, "settled": "{}", "restricted": False}
        | row
        | {"task": made["tasks"][0]["id"]},
    )


def test_the_backbone_says_of_others_work_what_it_did_and_nothing_that_they_do(
    house: House, as_: As, made: Any
) -> None:
    says(as_("ruth.hub"), made)
    says(as_("ruth.hub"), made, kind="task_escalated", facts='{"by_hand": "yes"}')
    pantry = str(organization_id(house, "pantry"))
    lies: list[dict[str, Any]] = [
        {"kind": "task_completed"}, {"kind": "task_accepted"}, {"kind": "task_overdue"}, {"kind": "task_voided"},
        {"kind": "task_escalated"}, {"to_state": "completed"}, {"from_state": "completed", "to_state": "completed"},
        {"settled": '{"acknowledge": "missed"}'}, {"organization": pantry}, {"acting": pantry}, {"restricted": True},
        {"user": house.region.people_of("pantry", "caseworker")[0].id},
    ]  # fmt: skip
    for lie in lies:
        with pytest.raises(FORBIDDEN):
            says(as_("ruth.hub"), made, **lie)
    with pytest.raises(FORBIDDEN):
        says(as_("edith.hub"), made)


@pytest.mark.parametrize("login", ["gwen.housing", "lupe.pantry", "ruth.hub"])
def test_nobody_says_that_a_stranger_is_away_nor_a_caseworker_that_a_colleague_is(
    house: House, as_: As, login: str
) -> None:
    dale = next(user.id for user in house.region.people_of("cap", "caseworker") if user.login == "dale.cap")
    assert as_(login).execute("select app.set_absence(%s, current_date + 7, null)", [dale]).fetchone() == (False,)
    assert as_("maria.cap").execute("select app.set_absence(%s, current_date + 7, null)", [dale]).fetchone() == (False,)
    with pytest.raises(FORBIDDEN):
        as_(login).execute("update membership set absent_until = current_date + 7")


def test_nobody_who_left_and_no_system_stands_in(house: House, as_: As) -> None:
    says = "select app.set_absence(app.person(), current_date + 7, %s)"
    system = house.region.people_of("clinic", "service")[0].id
    maria = next(user.id for user in house.region.people_of("cap", "caseworker") if user.login == "maria.cap")
    assert as_("felix.clinic").execute(says, [system]).fetchone() == (False,)
    house.sql("update user_account set revoked_at = now() where id = %s", maria)
    try:
        assert as_("dale.cap").execute(says, [maria]).fetchone() == (False,)
    finally:
        house.sql("update user_account set revoked_at = null where id = %s", maria)


@pytest.mark.parametrize("table", ["event", "indicator_entry", "audit", "audit_seal"])
@pytest.mark.parametrize("statement", ["update {} set id = id", "delete from {}"])
def test_what_happened_is_never_rewritten_not_even_by_the_administrator(
    house: House, made: Any, table: str, statement: str
) -> None:
    from services.folding import seal

    seal(house.engine)
    text = statement.format(table).replace("audit_seal set id = id", "audit_seal set seq = seq")
    with pytest.raises(FORBIDDEN, match="append-only"):
        house.sql(text)


@pytest.mark.parametrize("login", ["maria.cap"])
@pytest.mark.parametrize(
    "table", ["event", "message", "audit", "indicator_entry", "command", "referral", "task", "client"]
)
def test_people_delete_nothing(as_: As, made: Any, login: str, table: str) -> None:
    with pytest.raises(FORBIDDEN):
        as_(login).execute(f"delete from {table}".encode())


@pytest.fixture(scope="module")
def asked(house: House) -> dict[str, Any]:
    """Lupe asks three at once: the church, the housing authority and the centre for independent living."""
    doors = (house.other_door().id, house.service("housing", nth=1).id, house.service("level", nth=1).id)
    found: dict[str, Any] = ask_at_once(house, "pantry", *doors).model_dump()
    return found


ASKED = ["naomi.faith", "gwen.housing"]


@pytest.mark.parametrize("login", ASKED)
def test_one_of_those_asked_at_once_sees_the_request_and_its_own_offer_only(
    house: House, as_: As, asked: dict[str, Any], login: str
) -> None:
    mine = organization_id(house, login.partition(".")[2])
    door = as_(login)
    assert door.execute("select count(*) from referral where id = %s", [asked["id"]]).fetchone() == (1,)
    for table in ("task", "event"):
        whose = f"select distinct organization_id from {table} where referral_id = %s"
        assert door.execute(whose.encode(), [asked["id"]]).fetchall() == [(mine,)], table
    stranger = as_("felix.clinic").execute("select count(*) from referral where id = %s", [asked["id"]])
    assert stranger.fetchone() == (0,)


@pytest.mark.parametrize(
    "change",
    ["round = 1", "round = 3", "rounds = 9", "target_organization_id = source_organization_id", "term = 'food.pantry'",
     "asked = asked || source_organization_id", "asked = asked[1:1]", "service_id = null"],
)  # fmt: skip
def test_one_of_those_asked_at_once_may_only_put_its_own_offer_first(
    as_: As, asked: dict[str, Any], change: str
) -> None:
    """Gwen's offer is the second of three."""
    with pytest.raises(FORBIDDEN):
        as_("gwen.housing").execute(
            f"update referral set target_organization_id = app.me(), {change} where id = %s".encode()
            if "target" not in change
            else f"update referral set {change} where id = %s".encode(),
            [asked["id"]],
        )


def test_nobody_releases_the_others_without_having_said_yes(house: House, as_: As, asked: dict[str, Any]) -> None:
    others = [task for task in asked["tasks"] if task["organization_id"] != organization_id(house, "housing")]
    own = next(task for task in asked["tasks"] if task not in others)
    for login in ("gwen.housing", "felix.clinic"):
        for task in others:
            released = as_(login).execute("select app.release(%s, 2, 'cannot_say', now())", [task["id"]]).fetchone()
            assert released == (False,)
    assert as_("felix.clinic").execute(
        "select count(*) from app.others_asked(%s, %s)", [asked["id"], own["id"]]
    ).fetchone() == (0,)


def test_nobody_says_that_another_was_released_who_was_not(house: House, as_: As, asked: dict[str, Any]) -> None:
    other = next(t for t in asked["tasks"] if t["organization_id"] == organization_id(house, "level"))
    with pytest.raises(FORBIDDEN):
        as_("gwen.housing").execute(
            "insert into event (id, collaborative_id, kind, at, occurred_at, day, referral_id, task_id, version,"
            " organization_id, source_organization_id, acting_organization_id, to_state)"
            " select uuidv7(), app.collaborative(), 'task_released', now(), now(), current_date, %s, %s, 2,"
            " %s, %s, app.me(), 'cancelled'",
            [asked["id"], other["id"], other["organization_id"], asked["source_organization_id"]],
        )


@pytest.mark.parametrize("login", ["gwen.housing", "ruth.hub"])
def test_nobody_states_what_another_partners_service_has_room_for(house: House, as_: As, login: str) -> None:
    with pytest.raises(FORBIDDEN):
        as_(login).execute(
            "insert into service_capacity (service_id, taking, stated_at, lapses_on)"
            " values (%s, true, now(), 'infinity')",
            [house.service("pantry").id],
        )


def _mine(as_: As, login: str, table: str, **changed: Any) -> None:
    """Insert a copy of a row that this person's organization has, with another id and these columns."""
    connection = as_(login)
    rows = connection.execute(
        "select a.attname from pg_attribute a where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped",
        [table],
    ).fetchall()
    fresh: dict[str, str] = {name: UUID7 for name in ("id", "reference", "owner_id") if (name,) in rows} | {
        name: f"'{value}'" for name, value in changed.items()
    }
    if table == "referral":
        fresh["reference"] = "uuidv7()::text"
    names = [str(row[0]) for row in rows]
    columns, values = ", ".join(names), ", ".join(fresh.get(name, name) for name in names)
    where = {"referral": "source_organization_id", "task": "source_organization_id"}.get(table, "organization_id")
    connection.execute(
        f"insert into {table} ({columns}) select {values} from {table} where {where} = app.me() limit 1".encode()
    )


@pytest.fixture(scope="module")
def strangers(house: House) -> dict[str, UUID]:
    """What another partner has: a client, a need, a consent, a referral."""
    referral = house.refer("health", "early", consent=True)
    return {
        "client_id": UUID(referral["client_id"]),
        "need_id": UUID(referral["need_id"]),
        "consent_id": UUID(referral["consent_id"]),
        "referral_id": UUID(referral["id"]),
    }


@pytest.mark.parametrize(
    ("table", "column"),
    [("referral", "client_id"), ("referral", "need_id"), ("referral", "consent_id"), ("need", "client_id"),
     ("consent", "client_id"), ("client_residence", "client_id"), ("task", "referral_id"), ("message", "referral_id")],
)  # fmt: skip
def test_no_row_of_mine_can_point_at_what_is_another_partners(
    as_: As, made: Any, strangers: dict[str, UUID], table: str, column: str
) -> None:
    _mine(as_, "maria.cap", table)
    with pytest.raises((psycopg.errors.ForeignKeyViolation, FORBIDDEN)):
        _mine(as_, "maria.cap", table, **{column: strangers[column]})


@pytest.mark.parametrize(
    ("table", "column"),
    [("client", "organization_id"), ("need", "organization_id"), ("consent", "organization_id"),
     ("referral", "source_organization_id"), ("task", "source_organization_id"), ("message", "organization_id")],
)  # fmt: skip
def test_no_row_can_be_made_in_another_partners_name(house: House, as_: As, made: Any, table: str, column: str) -> None:
    with pytest.raises((FORBIDDEN, psycopg.errors.ForeignKeyViolation)):
        _mine(as_, "maria.cap", table, **{column: organization_id(house, "pantry")})


@pytest.mark.parametrize("function", ["app.disclose(%s, uuidv7())", "app.touch(%s, '[]')"])
def test_the_functions_that_see_more_answer_a_stranger_nothing(as_: As, made: Any, function: str) -> None:
    found = as_("lupe.pantry").execute(f"select * from {function}".encode(), [made["tasks"][0]["id"]]).fetchall()
    assert found in ([], [(None,)])


def test_the_engines_login_reads_no_name(house: House, made: Any) -> None:
    with psycopg.connect(libpq_url(house.settings.engine_database_url)) as engine:
        assert engine.execute("select count(*) from referral").fetchone() != (0,)
        for statement in (
            "select * from client",
            "select body from message",
            "select origin_name from referral",
            "select name from user_account",
            "select body from command",
            "select * from referral",
        ):
            with pytest.raises(FORBIDDEN):
                engine.execute(statement.encode())
            engine.rollback()


def test_a_service_call_without_http_meets_the_same_walls(house: House) -> None:
    from services.referrals import get_referral
    from services.refusals import NotVisible

    referral = refer(house, "cap", "housing")
    with pytest.raises(NotVisible):
        get_referral(house.api, house.call("lupe.pantry"), referral.id)
