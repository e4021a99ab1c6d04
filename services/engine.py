"""How the engine is: its pulse, which is numbers only, and what the sweeper found wrong with single cases."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from domain import pulse
from domain.pulse import Cases, Process, Pulse, Queue, Trouble, ailments
from services import engine_shapes as shapes
from services.refusals import Forbidden
from services.transaction import Call, Record, Tx, read

MOST_FINDINGS = 200
_KINDS = {"referral": "referral", "plan": "action_plan"}


def get_engine(record: Record, call: Call) -> shapes.Engine:
    """For the backbone and for auditors. Of confidential cases only whether one is in trouble, not which."""

    def look(tx: Tx) -> shapes.Engine:
        if not (tx.here.backbone or "auditor" in tx.here.roles):
            raise Forbidden("How the engine is, is for the backbone and for auditors.")
        found = tx.rows(_FINDINGS, most=MOST_FINDINGS)
        seen = tuple(Cases(row.kind, Trouble(row.trouble), row.cases, row.since) for row in tx.rows(_CASES))
        return _shape(_pulse(tx.connection), seen, found)

    return read(record, call, look)


def take_pulse(record: Record) -> Pulse:
    """Without identity: numbers and times of the whole engine, confidential cases not among the findings."""
    with record.database.transaction() as connection:
        return _pulse(connection)


def _pulse(connection: Connection) -> Pulse:
    begun = time.perf_counter()
    connection.execute(_PING)
    ping = time.perf_counter() - begun
    row = connection.execute(_PULSE).one()
    seen = {each["role"]: each for each in row.processes}
    return Pulse(
        at=row.at,
        outbox=Queue(row.waiting, row.waiting_since),
        dead=row.dead,
        ledger=Queue(row.unfolded, row.unfolded_since),
        audit=Queue(row.unsealed, row.unsealed_since),
        mail=Queue(row.unsent, row.unsent_since),
        processes=tuple(_process(role, seen.get(role)) for role in pulse.ROLES),
        findings=tuple(
            Cases(each["kind"], Trouble(each["trouble"]), each["cases"], datetime.fromisoformat(each["since"]))
            for each in row.findings
        ),
        hidden=tuple(Trouble(each) for each in row.hidden),
        connections=row.connections,
        most_connections=row.most_connections,
        size_bytes=row.size_bytes,
        ping_seconds=ping,
    )


def _process(role: str, seen: dict[str, Any] | None) -> Process:
    return Process(role, seen["alive"], datetime.fromisoformat(seen["last"])) if seen else Process(role, 0, None)


def _shape(taken: Pulse, seen: tuple[Cases, ...], found: list[Any]) -> shapes.Engine:
    wrong = ailments(taken, seen)
    return shapes.Engine(
        state="unwell" if wrong else "well",
        at=taken.at,
        ailments=[shapes.Ailment.model_validate(each) for each in wrong],
        outbox=shapes.Outbox(**_waiting(taken, taken.outbox), dead=taken.dead),
        ledger=shapes.Waiting(**_waiting(taken, taken.ledger)),
        audit=shapes.Waiting(**_waiting(taken, taken.audit)),
        mail=shapes.Waiting(**_waiting(taken, taken.mail)),
        processes=[
            shapes.Processes(role=each.role, alive=each.alive, last_seen_at=each.last) for each in taken.processes
        ],
        findings=[
            shapes.Finding.model_validate({**row._mapping, "kind": _KINDS[row.kind], "id": row.case_id})
            for row in found
        ],
        database=shapes.DatabaseState(
            ping_ms=round(taken.ping_seconds * 1000, 2),
            connections=taken.connections,
            most_connections=taken.most_connections,
            size_bytes=taken.size_bytes,
        ),
    )


def _waiting(taken: Pulse, queue: Queue) -> dict[str, Any]:
    return {"waiting": queue.waiting, "oldest_seconds": round(taken.age(queue), 3)}


_PING = text("select 1")
_PULSE = text("select * from app.pulse()")
# What the caller may see of them is for row security to say.
_FINDINGS = text(
    "select case_id, kind, trouble, code, since, seen_at from engine_finding order by since, case_id limit :most"
)
_CASES = text(
    "select kind, trouble, count(*) as cases, min(since) as since from engine_finding group by kind, trouble order by 4"
)
