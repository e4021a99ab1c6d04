"""How the engine is: who may ask, what is named with which remedy, and what shows to nobody outside its provider."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.pulse import Trouble
from services.engine import take_pulse
from services.findings import Found, at_rest, known_cases, note_all, note_differences, unwatched
from services.folding import fold, seal
from services.heartbeats import beat
from tests.house import House
from tests.services.plans import Live, load, step
from tests.services.scenes import refer


@pytest.fixture
def well(house: House) -> Iterator[House]:
    """Everybody gives signs of life and nothing waits."""
    for role in ("worker", "relay", "sweeper"):
        beat(house.engine, role, "host:1")
    settled(house)
    yield house
    note_all(house.engine, Trouble.FAILING, [])
    house.sql("delete from engine_finding")


def settled(house: House) -> None:
    house.sql("delete from outbox")
    while fold(house.engine) + seal(house.engine):
        pass


def engine(house: House, login: str = "ruth.hub") -> Any:
    return house.person(login).read("/v1/monitor/engine")


def test_when_all_is_well_it_says_so_with_figures(well: House) -> None:
    said = engine(well)
    assert (said["state"], said["ailments"], said["findings"]) == ("well", [], [])
    assert [(each["role"], each["alive"]) for each in said["processes"]] == [
        ("worker", 1),
        ("relay", 1),
        ("sweeper", 1),
    ]
    assert said["outbox"] == {"waiting": 0, "oldest_seconds": 0, "dead": 0}
    assert said["database"]["size_bytes"] > 1_000_000
    assert 0 < said["database"]["connections"] < said["database"]["most_connections"]


@pytest.mark.parametrize(
    ("harm", "code"),
    [
        ("update service_heartbeat set at = at - interval '1 minute' where role = 'worker'", "WorkerSilent"),
        ("delete from service_heartbeat where role = 'relay'", "RelaySilent"),
        ("update service_heartbeat set at = at - interval '1 minute' where role = 'sweeper'", "TemporalSilent"),
        (
            "insert into outbox (kind, workflow_id, created_at) values ('look', 'x', now() - interval '61 s')",
            "OutboxOld",
        ),
        ("insert into outbox (kind, workflow_id, dead) values ('look', 'x', true)", "DeadLetters"),
    ],
)
def test_each_ailment_is_named_with_a_remedy(well: House, harm: str, code: str) -> None:
    well.sql(harm)
    said = engine(well)
    assert (said["state"], [each["code"] for each in said["ailments"]]) == ("unwell", [code])
    assert said["ailments"][0]["remedy"]


LETTER = (
    "insert into mail (id, user_id, organization_id, digest, due_at, error, created_at, unsent_since, closed_at)"
    " select uuidv7(), m.user_id, m.organization_id, {digest}, now() + interval '8 hours', {error},"
    " now() - interval '1 day', now() - cast({tried} as interval), {closed} from membership m limit 1"
)
NEVER, VAIN = "null", "'SMTPConnectError'"
LETTERS = {
    "tried in vain for long": ({"error": VAIN, "tried": "'901 s'"}, 1, ["MailStuck"]),
    "tried in vain for short, however old": ({"error": VAIN, "tried": "'14 minutes'"}, 1, []),
    "waiting for the morning": ({"error": NEVER, "tried": NEVER}, 0, []),
    "waiting for its digest": ({"error": NEVER, "tried": NEVER, "digest": "true"}, 0, []),
    "refused for good": ({"error": "'SMTPDataError 554'", "tried": NEVER}, 0, []),
    "over": ({"error": VAIN, "tried": "'2 days'", "closed": "now()"}, 0, []),
}


@pytest.mark.parametrize("name", LETTERS)
def test_mail_that_does_not_leave_is_told_and_mail_that_waits_is_not(well: House, name: str) -> None:
    letter, waiting, codes = LETTERS[name]
    well.sql(LETTER.format(**{"digest": "false", "closed": "null", **letter}))
    try:
        said = engine(well)
        assert (said["mail"]["waiting"], [each["code"] for each in said["ailments"]]) == (waiting, codes)
        assert (said["mail"]["oldest_seconds"] > 800) == (waiting > 0)
    finally:
        well.sql("delete from mail")


TRIED = (
    "insert into mail (id, user_id, organization_id, digest, due_at, error, reader_refused, unsent_since, reason_since)"
    " select uuidv7(), m.user_id, m.organization_id, false, now(), 'x', %s, now() - cast(%s as interval),"
    " now() - cast(%s as interval) from membership m join user_account u on u.id = m.user_id where u.login = %s limit 1"
)
SENT = (
    "insert into mail (id, user_id, organization_id, digest, due_at, sent_at, closed_at)"
    " select uuidv7(), m.user_id, m.organization_id, false, now(), now() - cast(%s as interval), now()"
    " from membership m limit 1"
)
GWEN, HECTOR, NAOMI = "gwen.housing", "hector.housing", "naomi.faith"
# Each letter: its reader; is it refused for them alone; tried in vain for; refused in that manner for. When the last
# one left. How many letters say that mail does not leave, the oldest for how many seconds.
REFUSED: dict[str, tuple[list[tuple[str, bool, str | None, str | None]], str | None, int, int]] = {
    "one full mailbox": ([(GWEN, True, "1 hour", "1 hour")], None, 0, 0),
    "two letters for it": ([(GWEN, True, "1 hour", "1 hour"), (GWEN, True, "2 hours", "2 hours")], None, 0, 0),
    "a mistyped address beside it": ([(GWEN, True, "1 hour", "1 hour"), (HECTOR, False, None, None)], None, 0, 0),
    "two readers, and nothing ever left": (
        [(GWEN, True, "1 hour", "1 hour"), (HECTOR, True, "2 hours", "2 hours")], None, 2, 7200),
    "two readers, and nothing left since": (
        [(GWEN, True, "1 hour", "1 hour"), (HECTOR, True, "2 hours", "2 hours")], "3 hours", 2, 7200),
    "two readers, and others got theirs": (
        [(GWEN, True, "1 hour", "1 hour"), (HECTOR, True, "2 hours", "2 hours")], "1 minute", 0, 0),
    "a mailbox full for days, then nobody's are taken": (
        [(GWEN, True, "3 days", "3 days"), (HECTOR, True, "1 hour", "1 hour"), (NAOMI, True, "1 hour", "1 hour")],
        "2 hours", 2, 3600),
    "a mailbox full for days, then a server that restarts": (
        [(GWEN, False, "3 days", "1 minute")], "1 hour", 1, 60),
    "a server that is away one moment and refuses readers the next": (
        [(GWEN, False, "1 hour", "10 s"), (HECTOR, True, "1 hour", "5 s")], "2 hours", 1, 3600),
    "an outage that is over, and a full mailbox": ([(GWEN, True, "8 days", "1 hour")], "1 minute", 0, 0),
    "a letter that is refused while others leave": ([(GWEN, False, "1 hour", "1 hour")], "1 minute", 0, 0),
    "an outage, one letter, then nobody's are taken": (
        [(GWEN, True, "2 hours", "20 minutes"), (HECTOR, True, "2 hours", "20 minutes")], "30 minutes", 2, 1200),
    "an outage, nobody's are taken, then one letter": (
        [(GWEN, True, "2 hours", "20 minutes"), (HECTOR, True, "2 hours", "20 minutes")], "10 minutes", 0, 0),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_mail_does_not_leave_where_nothing_left_since_a_letter_was_refused_and_not_for_one_reader_alone(
    well: House, name: str
) -> None:
    letters, left, waiting, seconds = REFUSED[name]
    for login, reader, unsent, reason in letters:
        well.sql(TRIED, reader, unsent, reason, login)
    if left:
        well.sql(SENT, left)
    try:
        said = engine(well)["mail"]
        assert (said["waiting"], said["oldest_seconds"]) == (waiting, pytest.approx(seconds, abs=30))
    finally:
        well.sql("delete from mail")


def test_what_the_folder_leaves_lying_is_told(well: House) -> None:
    refer(well, "cap", "housing")
    assert {engine(well)[queue]["waiting"] > 0 for queue in ("outbox", "ledger", "audit")} == {True}
    settled(well)
    well.sql(
        "insert into audit (id, verb, object_kind, object_id)"
        " values (uuidv7(interval '-2 minutes'), 'x', 'x', uuidv7())"
    )
    assert [each["code"] for each in engine(well)["ailments"]] == ["AuditUnsealed"]


def test_a_failing_workflow_is_told_until_it_fails_no_more(well: House) -> None:
    case = refer(well, "cap", "housing")
    settled(well)
    found = Found("referral", case.id, Trouble.FAILING, "NonDeterministicError")
    note_all(well.engine, Trouble.FAILING, [found])
    first = engine(well)
    note_all(well.engine, Trouble.FAILING, [found])
    again = engine(well)
    assert again["findings"][0]["since"] == first["findings"][0]["since"]
    assert again["findings"][0]["seen_at"] > first["findings"][0]["seen_at"]
    assert [each["code"] for each in again["ailments"]] == ["WorkflowFailing"]
    assert "1 referral " in again["ailments"][0]["reason"]
    note_all(well.engine, Trouble.FAILING, [])
    assert engine(well)["findings"] == []


def test_a_case_that_agrees_again_is_told_no_more_and_the_others_are(well: House) -> None:
    one, other = (refer(well, "cap", "housing").id for _ in range(2))
    settled(well)
    missing = [Found("referral", each, Trouble.MISSING, "none") for each in (one, other)]
    note_differences(well.engine, [one, other], missing)
    note_differences(well.engine, [one], [])
    assert [each["id"] for each in engine(well)["findings"]] == [str(other)]
    assert [each["code"] for each in engine(well)["ailments"]] == ["EngineDiffers"]


def test_of_more_unwatched_work_than_is_noted_it_is_the_same_each_round(well: House) -> None:
    """The oldest first, whatever it lacks."""
    cases = [refer(well, "cap", "housing").id for _ in range(4)]
    settled(well)
    for nth, case in enumerate(cases):
        look_at = "null" if nth % 2 else "now() - interval '2 minutes'"
        well.sql(f"update referral set look_at = {look_at} where id = %s", case)
    found = unwatched(well.engine)
    assert [each.case_id for each in found] == cases
    assert [each.code for each in found] == ["late", "no_deadline"] * 2


@pytest.mark.parametrize(
    ("limit", "codes"),
    [
        ("due_at = {}", ["overslept"]),
        ("next_review_at = {}", ["overslept"]),
        ("goals_due_at = {}", ["overslept"]),
        ("due_at = {}, rung = 1", []),
        ("due_at = {}, excepted_until = now() + interval '1 day'", []),
    ],
)
def test_a_plan_whose_limit_passed_is_not_slept_over(well: House, limit: str, codes: list[str]) -> None:
    code = "slept_" + "_".join(re.findall(r"[a-z]+", limit))
    load(well, code, [step("listen")])
    plan = Live.begin(well, code)
    settled(well)
    passed = limit.format("now() - interval '61 s'")
    well.sql(f"update action_plan set look_at = now() + interval '1 hour', {passed} where id = %s", plan.id)
    assert [each.code for each in unwatched(well.engine) if str(each.case_id) == plan.id] == codes


def of_the_shelter(house: House, noun: str) -> list[str]:
    if noun == "referral":
        return [house.refer("shelter", "shelter")["id"] for _ in range(2)]
    load(house, "inside", [step("listen")])
    return [Live.begin(house, "inside", "shelter").id for _ in range(2)]


def test_what_names_no_case_of_the_record_is_no_finding(well: House) -> None:
    """Else whoever begins a workflow by hand makes the backbone look for a confidential case that is none."""
    case = refer(well, "cap", "housing").id
    settled(well)
    found = [Found("referral", uuid4(), Trouble.STRAY, ""), Found("plan", case, Trouble.STRAY, "")]
    note_all(well.engine, Trouble.STRAY, found)
    assert engine(well)["state"] == "well"
    named = [f"referral-{case}", *(each.workflow_id for each in found)]
    assert known_cases(well.engine, named) == {f"referral-{case}"}
    assert at_rest(well.engine, named) == []


@pytest.mark.parametrize("noun", ["referral", "plan"])
def test_of_confidential_cases_it_is_told_that_there_is_trouble_but_not_where_nor_how_often(
    well: House, noun: str
) -> None:
    """Else a victim-service referral whose workflow is lost is looked for by nobody."""
    hidden = [UUID(each) for each in of_the_shelter(well, noun)]
    table = {"referral": "referral", "plan": "action_plan"}[noun]
    assert well.sql(f"select distinct restricted from {table} where id = any(%s)", hidden) == [(True,)]
    settled(well)
    note_all(well.engine, Trouble.MISSING, [Found(noun, each, Trouble.MISSING, "x") for each in hidden])
    said = engine(well)
    assert (said["state"], said["findings"]) == ("unwell", [])
    assert [(each["code"], each["since"]) for each in said["ailments"]] == [("EngineDiffers", None)]
    assert "at least one confidential case" in said["ailments"][0]["reason"]
    assert "concert reconcile --check" in said["ailments"][0]["remedy"]
    pulse = take_pulse(well.api)
    assert (pulse.findings, pulse.hidden) == ((), (Trouble.MISSING,))
    note_all(well.engine, Trouble.MISSING, [])
    assert engine(well)["state"] == "well"


@pytest.mark.parametrize(("login", "status"), [("edith.hub", 200), ("ruth.hub", 200), ("maria.cap", 403)])
def test_the_backbone_and_its_auditor_ask_and_nobody_else(house: House, login: str, status: int) -> None:
    assert house.person(login).get("/v1/monitor/engine").status_code == status
