"""What people write to each other about a referral. The only place where free text about a client is kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.journal import new_id
from services.transaction import Tx


def say(tx: Tx, f: Mapping[str, Any], kind: str, body: str, task: Mapping[str, Any] | None = None) -> None:
    """Append a message, in the caller's transaction.

    The source's words are about its client: whoever is the target reads them while a consent covers notes. The target's
    words go to the source, whose client it is. Who said what on the phone (`said_by`) stays with the recorder.
    """
    me, source = tx.here.organization_id, f["source_organization_id"]
    target = task["organization_id"] if task else f["target_organization_id"]
    reader = None if kind == "said_by" or source == target else target if me == source else source
    _append(
        tx,
        kind,
        body,
        referral_id=f["id"],
        task_id=task["id"] if task else None,
        action_plan_id=f["action_plan_id"],
        reader_organization_id=reader,
        about_client=me == source,
        consent_id=f["consent_id"],
    )


def tell(tx: Tx, noun: str, row: Mapping[str, Any], body: str) -> None:
    """What whoever watches work says to those who do it: to each organization of the task, referral or plan.

    It is about the work and never about the client, whom the backbone does not know.
    """
    parts = (
        {row["organization_id"], row.get("source_organization_id")}
        if noun != "referral"
        else {row["source_organization_id"], row["target_organization_id"]}
    )
    about: dict[str, Any] = {
        "referral_id": {"task": row.get("referral_id"), "referral": row["id"], "plan": None}[noun],
        "task_id": row["id"] if noun == "task" else None,
        "action_plan_id": row["id"] if noun == "plan" else row["action_plan_id"],
    }
    for reader in sorted(parts - {None, tx.here.organization_id}):
        _append(tx, "message", body, reader_organization_id=reader, about_client=False, **about)


def _append(tx: Tx, kind: str, body: str, **about: Any) -> None:
    who = {"organization_id": tx.here.organization_id, "user_id": tx.here.user_id}
    tx.journal.messages.append({"id": new_id(), "kind": kind, "body": body, "at": tx.now, **who, **about})
