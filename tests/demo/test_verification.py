"""Somebody tampers, or something breaks: the demonstration must say so instead of reporting that everything holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from temporalio.client import Client, WorkflowHandle

from concert.connection import connect
from concert.demo import verification as proof
from concert.demo.history import texts_of, words
from tests.house import OUTCOME, House, Loop, eventually

NAME = "Featherstonehaugh"
QUEUE_OF_NOBODY = "a-queue-that-nobody-serves"


@pytest.fixture(scope="module")
def client(house: House, loop: Loop, engine: Any) -> Client:
    return loop.run(connect(house.settings.temporal_address, house.settings.temporal_namespace))


@pytest.fixture(scope="module")
def closed(house: House, engine: Any) -> dict[str, Any]:
    """A referral whose loop is closed."""
    made = house.refer("cap", "housing", consent=True)
    task = f"/v1/tasks/{made['tasks'][0]['id']}"
    house.caseworker("housing").does(f"{task}/accept")
    house.caseworker("housing").does(f"{task}/complete", OUTCOME)
    return dict(house.caseworker("cap").does(f"/v1/referrals/{made['id']}/confirm", OUTCOME))


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "SETTLE_SECONDS", 0.5)


@pytest.fixture
def stranger(client: Client, loop: Loop) -> Iterator[Any]:
    """Starts a workflow that nobody works on; it is terminated and removed from the list afterwards."""
    started: list[WorkflowHandle[Any, Any]] = []

    def start(argument: str = "", **options: Any) -> None:
        name = f"stranger-{uuid4()}"
        started.append(
            loop.run(client.start_workflow("Stranger", argument, id=name, task_queue=QUEUE_OF_NOBODY, **options))
        )

    yield start
    for handle in started:
        loop.run(handle.terminate())
        loop.run(_delete(client, handle))


async def _delete(client: Client, handle: WorkflowHandle[Any, Any]) -> None:
    from temporalio.api.common.v1 import WorkflowExecution
    from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest

    execution = WorkflowExecution(workflow_id=handle.id, run_id=handle.result_run_id or "")
    request = DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=execution)
    await client.workflow_service.delete_workflow_execution(request)


def test_a_closed_loop_passes_every_check(house: House, loop: Loop, client: Client, closed: dict[str, Any]) -> None:
    for check in (
        proof.numbers_agree(house.engine),
        _ends(lambda: loop.run(proof.one_workflow_each(client, house.engine)), holding=True),
        loop.run(proof.nothing_personal(client, {NAME, "Rosalind"})),
        _ends(lambda: loop.run(proof.audit_whole(house.engine)), holding=True),
        _ends(lambda: loop.run(proof.outbox_empty(house.engine)), holding=True),
        proof.closed_or_explained(1, [closed], []),
    ):
        assert check.holds, check


def _ends(ask: Callable[[], proof.Check], *, holding: bool) -> proof.Check:
    """The check once it holds, or once it does not: Temporal's own list comes a moment later."""
    found: list[proof.Check] = []

    def asked() -> bool:
        found.append(ask())
        return found[-1].holds is holding

    eventually(asked)
    return found[-1]


@pytest.mark.usefixtures("closed")
def test_a_total_edited_by_hand_is_noticed(house: House) -> None:
    eventually(lambda: house.sql("select count(*) = 0 from entry_unfolded")[0][0])
    house.sql("update indicator_total set value = value + 1 where part = 'value'")
    try:
        check = proof.numbers_agree(house.engine)
    finally:
        house.sql("update indicator_total set value = value - 1 where part = 'value'")
    assert not check.holds
    assert "the totals" in check.detail


@pytest.mark.usefixtures("closed")
def test_an_audit_row_edited_by_hand_breaks_the_chain(house: House, loop: Loop) -> None:
    eventually(lambda: house.sql("select count(*) = 0 from audit_unsealed")[0][0])
    edit = "update audit set verb = {} where id = (select audit_id from audit_seal where seq = 2)"
    house.sql("alter table audit disable trigger user")
    house.sql(edit.format("verb || '?'"))
    try:
        check = loop.run(proof.audit_whole(house.engine))
    finally:
        house.sql(edit.format("rtrim(verb, '?')"))
        house.sql("alter table audit enable trigger user")
    assert not check.holds
    assert "broken at number 2" in check.detail


@pytest.mark.usefixtures("closed")
def test_a_message_that_the_engine_never_heard_is_noticed(house: House, loop: Loop) -> None:
    house.sql("insert into outbox (kind, workflow_id, dead) values ('look', 'referral-nobody', true)")
    try:
        check = loop.run(proof.outbox_empty(house.engine))
    finally:
        house.sql("delete from outbox where workflow_id = 'referral-nobody'")
    assert not check.holds


@pytest.mark.usefixtures("closed")
def test_a_workflow_of_no_referral_is_noticed(house: House, loop: Loop, client: Client, stranger: Any) -> None:
    stranger()
    check = _ends(lambda: loop.run(proof.one_workflow_each(client, house.engine)), holding=False)
    assert "belongs to no referral" in check.detail


@pytest.mark.parametrize(
    ("planted", "name"),
    [
        ({"argument": f"call {NAME} back"}, NAME),
        ({"memo": {"who": NAME}}, NAME),
        ({"static_summary": f"for {NAME.lower()}"}, NAME),
        ({"argument": "Zoë Ñandú"}, "Ñandú"),
    ],
)
@pytest.mark.usefixtures("closed")
def test_a_clients_name_in_a_workflow_is_found(
    loop: Loop, client: Client, stranger: Any, planted: dict[str, Any], name: str
) -> None:
    stranger(**planted)
    check = _ends(lambda: loop.run(proof.nothing_personal(client, {name})), holding=False)
    assert "stranger" in check.detail


def test_a_short_name_is_not_found_inside_an_id() -> None:
    pattern = words({"Ada", "Bea Ray"})
    assert not pattern.search("4fada3e0-ada-4ada-bada-93f")
    assert pattern.search('"reach ADA on Monday"')
    assert pattern.search("bea ray")


def test_texts_are_read_from_the_deepest_payload() -> None:
    from temporalio.api.common.v1 import Memo, Payload
    from temporalio.api.history.v1 import HistoryEvent, WorkflowExecutionStartedEventAttributes

    memo = Memo(fields={"note": Payload(metadata={"encoding": b"json/plain"}, data=b'{"x": ["Z\\u00f6e"]}')})
    event = HistoryEvent(workflow_execution_started_event_attributes=WorkflowExecutionStartedEventAttributes(memo=memo))
    assert any("Zöe" in text for text in texts_of(event))


def test_an_open_referral_that_nobody_can_explain_is_named() -> None:
    past = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    lost = {
        "id": "1",
        "reference": "R-LOST-LOST",
        "state": "active",
        "due_at": past,
        "ball_in_court": {"organization_id": "2"},
        "tasks": [{"state": "accepted"}],
    }
    listed = {"id": "9", "referral_id": "1", "reason": "Nobody called.", "remedy": "Call."}

    def name(organization_id: str) -> str:
        return "the pantry"

    unexplained = proof.still_open([lost], [], name)
    explained = proof.still_open([lost], [listed], name)

    assert not proof.closed_or_explained(1, [lost], unexplained).holds
    assert "R-LOST-LOST" in proof.closed_or_explained(1, [lost], unexplained).detail
    assert proof.closed_or_explained(1, [lost], explained).holds
    assert not proof.closed_or_explained(2, [lost], explained).holds, "one request never became a referral"


def test_a_hold_says_until_when() -> None:
    held = {
        "id": "1",
        "reference": "R-HOLD",
        "state": "active",
        "due_at": "2098-12-07T15:00:00Z",
        "ball_in_court": {"organization_id": "2"},
        "tasks": [{"state": "on_hold"}],
    }
    assert proof.still_open([held], [], lambda _: "the pantry")[0].why == (
        "On hold at the pantry, to be resumed on 7 December 2098."
    )


def test_a_demonstration_without_an_expiry_has_not_shown_what_it_promised() -> None:
    assert proof.deadlines_worked(3, 2, 1).holds
    assert not proof.deadlines_worked(3, 2, 0).holds


def test_a_caseworker_who_was_turned_away_is_not_passed_over() -> None:
    assert proof.moves_answered(10, 2, []).holds
    assert not proof.moves_answered(10, 2, ["403 /v1/tasks: Not yours to do"]).holds
