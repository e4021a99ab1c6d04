"""Who there is and what they offer: collaboratives, organizations and the HSDS 3 directory,
and the agenda's short lists.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    text,
)

from storage.tables.columns import ID, INSTANT, JSON, TEXT, metadata, plain

collaborative = Table(
    "collaborative",
    metadata,
    plain("id", ID, primary_key=True),
    plain("slug", TEXT, unique=True),
    plain("name", TEXT),
    plain("description", TEXT, required=False),
    plain("zone", TEXT),
    plain("subdivision", TEXT),
    plain("opening_hours", JSON, required=False),
    plain("age_of_majority", Integer, server_default="19"),
    plain("publication_threshold", Integer, server_default="11"),
    plain("publication_after_days", Integer, server_default="14"),
    plain("agenda_version", Integer, server_default="1"),
    plain("revision", Integer, server_default="1"),
)

agenda = Table(
    "agenda",
    metadata,
    plain("collaborative_id", ID, ForeignKey("collaborative.id"), primary_key=True),
    plain("version", Integer, primary_key=True),
    plain("name", TEXT),
    plain("adopted_on", Date),
    plain("body", JSON),
)

organization = Table(
    "organization",
    metadata,
    plain("id", ID, primary_key=True),
    plain("slug", TEXT, unique=True),
    plain("name", TEXT),
    plain("alternate_name", TEXT, required=False),
    plain("description", TEXT, required=False),
    plain("kind", TEXT),
    plain("mode", TEXT),
    plain("email", TEXT, required=False),
    plain("phone", TEXT, required=False),
    plain("website", TEXT, required=False),
    plain("confidential", Boolean, server_default="false"),
    plain("part2", Boolean, server_default="false"),
    plain("own_worker", Boolean, server_default="false"),
    CheckConstraint("mode in ('connected', 'by_phone', 'listed')", name="mode"),
    CheckConstraint("slug ~ '^[a-z][a-z0-9-]{0,62}$'", name="slug"),
)

partnership = Table(
    "partnership",
    metadata,
    plain("collaborative_id", ID, ForeignKey("collaborative.id"), primary_key=True),
    plain("organization_id", ID, ForeignKey("organization.id"), primary_key=True),
    plain("role", TEXT),
    plain("starts_on", Date, primary_key=True),
    plain("ends_on", Date, required=False),
    plain("commitments", JSON, server_default="[]"),
    CheckConstraint("role in ('backbone', 'partner')", name="role"),
    CheckConstraint("ends_on is null or ends_on >= starts_on", name="dates"),
)

adoption = Table(
    "adoption",
    metadata,
    plain("collaborative_id", ID, primary_key=True),
    plain("agenda_version", Integer, primary_key=True),
    plain("organization_id", ID, ForeignKey("organization.id"), primary_key=True),
    plain("adopted_on", Date),
    plain("commitments", JSON, server_default="[]"),
    plain("adopted_by", ID, ForeignKey("user_account.id"), required=False),
    ForeignKeyConstraint(["collaborative_id", "agenda_version"], ["agenda.collaborative_id", "agenda.version"]),
)

program = Table(
    "program",
    metadata,
    plain("id", ID, primary_key=True),
    plain("organization_id", ID, ForeignKey("organization.id")),
    plain("name", TEXT),
    plain("description", TEXT, required=False),
    plain("part2", Boolean, server_default="false"),
)

taxonomy_term = Table(
    "taxonomy_term",
    metadata,
    plain("code", TEXT, primary_key=True),
    plain("name", TEXT),
    plain("names", JSON, server_default="{}"),
    plain("parent", TEXT, ForeignKey("taxonomy_term.code"), required=False),
    plain("sensitive", Boolean, server_default="false"),
)

service = Table(
    "service",
    metadata,
    plain("id", ID, primary_key=True),
    plain("organization_id", ID, ForeignKey("organization.id"), index=True),
    plain("program_id", ID, ForeignKey("program.id"), required=False),
    plain("name", TEXT),
    plain("alternate_name", TEXT, required=False),
    plain("description", TEXT, required=False),
    plain("status", TEXT, server_default="active"),
    plain("eligibility", TEXT, required=False),
    plain("application_process", TEXT, required=False),
    plain("fees", TEXT, required=False),
    plain("languages", JSON, server_default="[]"),
    plain("term", TEXT, ForeignKey("taxonomy_term.code"), index=True),
    plain("email", TEXT, required=False),
    plain("phone", TEXT, required=False),
    plain("url", TEXT, required=False),
    plain("opening_hours", JSON, required=False),
    plain("closed_on", JSON, server_default="[]"),
    plain("always_open", Boolean, server_default="false"),
    plain("clocks", JSON, server_default="{}"),
    plain("ladder", JSON, server_default="{}"),
    plain("on_call_phone", TEXT, required=False),
    CheckConstraint("status in ('active', 'inactive', 'defunct', 'temporarily closed')", name="status"),
)

location = Table(
    "location",
    metadata,
    plain("id", ID, primary_key=True),
    plain("organization_id", ID, ForeignKey("organization.id"), index=True),
    plain("name", TEXT),
    plain("confidential", Boolean, server_default="false"),
    plain("address_1", TEXT, required=False),
    plain("city", TEXT, required=False),
    plain("county", TEXT, required=False),
    plain("state_province", TEXT, required=False),
    plain("postal_code", TEXT, required=False),
    plain("country", TEXT, server_default="US"),
    plain("latitude", Float, required=False),
    plain("longitude", Float, required=False),
    CheckConstraint(
        "not confidential or (address_1 is null and city is null and postal_code is null"
        " and latitude is null and longitude is null)",
        name="confidential_has_no_address",
    ),
)

service_at_location = Table(
    "service_at_location",
    metadata,
    plain("service_id", ID, ForeignKey("service.id"), primary_key=True),
    plain("location_id", ID, ForeignKey("location.id"), primary_key=True),
)

service_capacity = Table(
    "service_capacity",
    metadata,
    plain("service_id", ID, ForeignKey("service.id"), primary_key=True),
    plain("open_slots", Integer, required=False),
    plain("taking", Boolean, server_default="true"),
    plain("stated_at", INSTANT),
    plain("lapses_on", Date),
)

capacity_statement = Table(
    "capacity_statement",
    metadata,
    plain("id", ID, primary_key=True),
    plain("service_id", ID, ForeignKey("service.id")),
    plain("organization_id", ID, ForeignKey("organization.id")),
    plain("open_slots", Integer, required=False),
    plain("taking", Boolean),
    plain("stated_at", INSTANT),
    plain("lapses_on", Date),
    plain("stated_by", ID, ForeignKey("user_account.id")),
    CheckConstraint("open_slots between 0 and 9999", name="open_slots"),
    Index("capacity_statement_service_id_idx", "service_id", text("stated_at desc"), text("id desc")),
)

reason = Table(
    "reason",
    metadata,
    plain("collaborative_id", ID, ForeignKey("collaborative.id"), primary_key=True),
    plain("code", TEXT, primary_key=True),
    plain("class", TEXT),
    plain("name", TEXT),
    plain("names", JSON, server_default="{}"),
)

indicator = Table(
    "indicator",
    metadata,
    plain("id", ID, primary_key=True),
    plain("collaborative_id", ID, ForeignKey("collaborative.id")),
    plain("code", TEXT),
    plain("version", Integer),
    plain("name", TEXT),
    plain("definition", TEXT),
    plain("kind", TEXT),
    plain("unit", TEXT),
    plain("direction", TEXT),
    plain("strategy", TEXT, required=False),
    plain("owner_organization_id", ID, ForeignKey("organization.id")),
    plain("rule", JSON),
    plain("baseline", JSON, required=False),
    plain("target", JSON, required=False),
    plain("effective_on", Date),
    plain("ends_on", Date, required=False),
    plain("standing", TEXT, server_default="in_force"),
    plain("names", JSON, server_default="{}"),
    plain("result", TEXT, required=False),
    plain("period", TEXT, server_default="month"),
    plain("measures", TEXT, server_default="performance"),
    plain("threshold", Integer, required=False),
    plain("scorecard", Boolean, server_default="false"),
    UniqueConstraint("collaborative_id", "code", "version"),
    CheckConstraint("standing in ('proposed', 'counting', 'in_force')", name="standing"),
    CheckConstraint("measures in ('performance', 'population')", name="measures"),
    CheckConstraint("threshold >= 1", name="threshold"),
    CheckConstraint("kind in ('how_much', 'how_well', 'better_off')", name="kind"),
    Index("indicator_collaborative_id_idx", "collaborative_id"),
)
