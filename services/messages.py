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
    tx.journal.messages.append(
        {
            "id": new_id(),
            "referral_id": f["id"],
            "task_id": task["id"] if task else None,
            "action_plan_id": f["action_plan_id"],
            "kind": kind,
            "organization_id": me,
            "reader_organization_id": reader,
            "user_id": tx.here.user_id,
            "about_client": me == source,
            "consent_id": f["consent_id"],
            "body": body,
            "at": tx.now,
        }
    )
