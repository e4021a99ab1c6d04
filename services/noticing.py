"""Writing an event into the feeds of those who should hear of it. A repeat changes nothing."""

from __future__ import annotations

import json
from uuid import UUID

from sqlalchemy import text

from domain.notice import USUAL, About, Way
from services.journal import new_id
from services.notices import ENDED, MOVED_VALUES
from services.recipients import Recipient, Row, read_event, recipients
from services.transaction import Record


def notice_event(record: Record, event_id: UUID) -> None:
    """One row for each person, but for those who chose to hear nothing of such things."""
    with record.database.transaction() as connection:
        event = read_event(connection, event_id)
        heard = recipients(connection, event) if event else []
        if event and heard:
            rows = [_row(event, each) for each in heard]
            connection.execute(_NOTICE, {"rows": json.dumps(rows, default=str), "nothing": Way.NOTHING.value})


def _row(event: Row, each: Recipient) -> dict[str, object]:
    rule = each.rule
    return {
        "id": new_id(),
        "user_id": each.user_id,
        "organization_id": each.organization_id,
        "event_id": event["id"],
        "event_seq": event["seq"],
        "kind": rule.kind.value,
        "code": rule.code,
        "task_id": event["task_id"] if rule.about is About.TASK else None,
        "referral_id": None if rule.about is About.PLAN else event["referral_id"],
        "action_plan_id": event["action_plan_id"],
        "ball_organization_id": each.ball_organization_id,
        "reference": event["reference"],
        "urgent": event["urgent"],
        "restricted": event["restricted"],
        "usual": USUAL[rule.kind].value,
    }


def tidy_feeds(record: Record, event_id: UUID) -> None:
    """What this event was the end of leaves the feeds for good: readers knew at once, this keeps feeds short."""
    with record.database.transaction() as connection:
        connection.execute(_OVER, {"event": event_id, **MOVED_VALUES})


_OVER = text(
    f"""
update notice n set over_at = clock_timestamp()
  from event e
 where e.id = :event and n.over_at is null and n.event_seq < e.seq
   and (n.referral_id = e.referral_id or (n.referral_id is null and n.action_plan_id = e.action_plan_id))
   and {ENDED}
"""
)
_NOTICE = text(
    """
insert into notice (id, user_id, organization_id, event_id, event_seq, kind, code, task_id, referral_id, action_plan_id,
                    ball_organization_id, reference, urgent, restricted)
select x.id, x.user_id, x.organization_id, x.event_id, x.event_seq, x.kind, x.code, x.task_id, x.referral_id,
       x.action_plan_id, x.ball_organization_id, x.reference, x.urgent, x.restricted
  from json_to_recordset(cast(:rows as json)) as x(
       id uuid, user_id uuid, organization_id uuid, event_id uuid, event_seq bigint, kind text, code text, task_id uuid,
       referral_id uuid, action_plan_id uuid, ball_organization_id uuid, reference text, urgent boolean,
       restricted boolean, usual text)
  left join notice_choice c on c.user_id = x.user_id and c.kind = x.kind
 where coalesce(c.way, x.usual) <> :nothing
    on conflict (event_id, user_id) do nothing
"""
)
