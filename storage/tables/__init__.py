"""Every table, once. Import them from here."""

from storage.tables.columns import metadata
from storage.tables.directory import (
    agenda,
    collaborative,
    indicator,
    location,
    organization,
    partnership,
    program,
    reason,
    service,
    service_at_location,
    service_capacity,
    taxonomy_term,
)
from storage.tables.engine import audit, audit_seal, audit_unsealed, command, outbox, service_heartbeat
from storage.tables.measures import (
    entry_unfolded,
    indicator_entry,
    indicator_live,
    indicator_total,
    indicator_touch,
)
from storage.tables.people import (
    client,
    client_link,
    client_residence,
    consent,
    consent_recipient,
    household,
    household_member,
    membership,
    user_account,
)
from storage.tables.work import event, message, need, referral, service_record, task

__all__ = [name for name in dir() if not name.startswith("_")]
