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
    person_alias,
    user_account,
)
from storage.tables.plans import plan_template
from storage.tables.proofs import verified_figure, verified_mark
from storage.tables.stories import decision, story
from storage.tables.work import event, message, need, referral, service_record, task

__all__ = [
    "agenda",
    "audit",
    "audit_seal",
    "audit_unsealed",
    "client",
    "client_link",
    "client_residence",
    "collaborative",
    "command",
    "consent",
    "consent_recipient",
    "decision",
    "entry_unfolded",
    "event",
    "household",
    "household_member",
    "indicator",
    "indicator_entry",
    "indicator_live",
    "indicator_total",
    "indicator_touch",
    "location",
    "membership",
    "message",
    "metadata",
    "need",
    "organization",
    "outbox",
    "partnership",
    "person_alias",
    "plan_template",
    "program",
    "reason",
    "referral",
    "service",
    "service_at_location",
    "service_capacity",
    "service_heartbeat",
    "service_record",
    "story",
    "task",
    "taxonomy_term",
    "user_account",
    "verified_figure",
    "verified_mark",
]
