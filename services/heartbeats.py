"""Signs of life of workers, relays and sweepers, by the database's clock."""

from __future__ import annotations

from sqlalchemy import text

from services.transaction import Record


def beat(record: Record, role: str, instance: str) -> None:
    """`role`: worker, relay or sweeper; `instance` names the process. Forgets who has been silent for a day."""
    with record.database.transaction() as connection:
        connection.execute(_BEAT, {"role": role, "instance": instance})
        connection.execute(_FORGET)


_BEAT = text(
    "insert into service_heartbeat (role, instance, at) values (:role, :instance, clock_timestamp())"
    " on conflict (role, instance) do update set at = excluded.at"
)
_FORGET = text("delete from service_heartbeat where at < clock_timestamp() - interval '1 day'")
