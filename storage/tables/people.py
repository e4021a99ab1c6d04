"""People: those who work here, and those who are served. A client record belongs to one organization (decision 17)."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from storage.tables.columns import ID, INSTANT, JSON, TEXT, metadata, personal, plain

user_account = Table(
    "user_account",
    metadata,
    plain("id", ID, primary_key=True),
    plain("subject", TEXT, unique=True),
    plain("login", TEXT, unique=True),
    personal("name", TEXT),
    personal("email", TEXT),
    plain("language", TEXT, server_default="en"),
    plain("service_account", Boolean, server_default="false"),
    plain("revoked_at", INSTANT, required=False),
)

membership = Table(
    "membership",
    metadata,
    plain("id", ID, primary_key=True),
    plain("user_id", ID, ForeignKey("user_account.id")),
    plain("organization_id", ID, ForeignKey("organization.id")),
    plain("role", TEXT),
    plain("starts_on", Date),
    plain("ends_on", Date, required=False),
    plain("absent_until", Date, required=False),
    plain("delegate_user_id", ID, ForeignKey("user_account.id"), required=False),
    UniqueConstraint("user_id", "organization_id", "role", "starts_on"),
    CheckConstraint(
        "role in ('caseworker', 'supervisor', 'agency_admin', 'backbone', 'auditor', 'service')", name="role"
    ),
    Index("membership_organization_id_idx", "organization_id"),
)

consent = Table(
    "consent",
    metadata,
    plain("id", ID, primary_key=True),
    plain("collaborative_id", ID, ForeignKey("collaborative.id")),
    plain("organization_id", ID, ForeignKey("organization.id")),
    plain("client_id", ID),
    plain("purpose", TEXT),
    plain("data_kinds", JSON),
    plain("legal_basis", TEXT),
    plain("form", TEXT),
    personal("given_by", TEXT, required=True),
    plain("capacity", TEXT),
    personal("co_signers", JSON, server_default="[]"),
    plain("valid_from", INSTANT),
    plain("valid_until", INSTANT, required=False),
    plain("revoked_at", INSTANT, required=False),
    plain("created_by", ID, ForeignKey("user_account.id")),
    plain("created_at", INSTANT),
    plain("version", Integer, server_default="1"),
    UniqueConstraint("id", "organization_id"),
    CheckConstraint("form in ('written', 'verbal', 'electronic')", name="form"),
    CheckConstraint("valid_until is null or valid_until > valid_from", name="dates"),
    ForeignKeyConstraint(["client_id", "organization_id"], ["client.id", "client.organization_id"], use_alter=True),
    Index("consent_client_id_idx", "client_id"),
)

consent_recipient = Table(
    "consent_recipient",
    metadata,
    plain("consent_id", ID, primary_key=True),
    plain("organization_id", ID, ForeignKey("organization.id"), primary_key=True),
    plain("discloser_id", ID),
    ForeignKeyConstraint(["consent_id", "discloser_id"], ["consent.id", "consent.organization_id"]),
)

client = Table(
    "client",
    metadata,
    plain("id", ID, primary_key=True),
    plain("organization_id", ID, ForeignKey("organization.id")),
    plain("person_id", ID),
    plain("identity", TEXT),
    personal("given_name", TEXT),
    personal("family_name", TEXT),
    personal("alias", TEXT),
    personal("birth_date", Date),
    personal("birth_year", Integer),
    personal("birth_estimated", Boolean, server_default="false"),
    plain("language", TEXT, required=False),
    plain("interpreter", Boolean, server_default="false"),
    personal("contact", JSON, server_default="{}"),
    personal("demographics", JSON, server_default="{}"),
    plain("origin_organization_id", ID, ForeignKey("organization.id"), required=False),
    plain("consent_id", ID, ForeignKey("consent.id"), required=False),
    plain("created_by", ID, ForeignKey("user_account.id"), required=False),
    plain("created_at", INSTANT),
    plain("version", Integer, server_default="1"),
    UniqueConstraint("id", "organization_id"),
    CheckConstraint("identity in ('named', 'alias', 'anonymous')", name="identity"),
    CheckConstraint("(origin_organization_id is null) = (consent_id is null)", name="origin"),
    Index("client_organization_id_idx", "organization_id", "id"),
    Index("client_person_id_idx", "person_id"),
)

client_residence = Table(
    "client_residence",
    metadata,
    plain("id", ID, primary_key=True),
    plain("client_id", ID),
    plain("organization_id", ID),
    plain("kind", TEXT),
    plain("county", TEXT, required=False),
    personal("address", TEXT),
    personal("postal_code", TEXT),
    personal("school_district", TEXT),
    personal("tribal_land", TEXT),
    plain("starts_on", Date),
    plain("ends_on", Date, required=False),
    ForeignKeyConstraint(["client_id", "organization_id"], ["client.id", "client.organization_id"]),
    CheckConstraint("kind in ('fixed', 'none', 'confidential')", name="kind"),
    CheckConstraint("kind = 'fixed' or address is null", name="address"),
    Index("client_residence_client_id_idx", "client_id"),
)

client_link = Table(
    "client_link",
    metadata,
    plain("id", ID, primary_key=True),
    plain("organization_id", ID, ForeignKey("organization.id")),
    plain("client_id", ID),
    plain("other_client_id", ID),
    plain("made_by", ID, ForeignKey("user_account.id")),
    plain("made_at", INSTANT),
    plain("revoked_at", INSTANT, required=False),
    plain("collaborative_id", ID),
    plain("restricted", Boolean, server_default="false"),
    plain("revoked_by", ID, ForeignKey("user_account.id"), required=False),
    ForeignKeyConstraint(["client_id", "organization_id"], ["client.id", "client.organization_id"]),
    ForeignKeyConstraint(["other_client_id", "organization_id"], ["client.id", "client.organization_id"]),
    CheckConstraint("client_id <> other_client_id", name="two_records"),
    Index(
        "client_link_pair_key",
        text("LEAST(client_id, other_client_id)"),
        text("GREATEST(client_id, other_client_id)"),
        unique=True,
        postgresql_where=text("revoked_at is null"),
    ),
    Index("client_link_client_id_idx", "client_id"),
    Index("client_link_other_client_id_idx", "other_client_id"),
)

person_alias = Table(
    "person_alias",
    metadata,
    plain("collaborative_id", ID),
    plain("restricted", Boolean),
    plain("person_id", ID),
    plain("canonical_id", ID),
    PrimaryKeyConstraint("person_id", "collaborative_id", "restricted"),
    Index("person_alias_canonical_id_idx", "canonical_id"),
)
"""Persons that links join, and to whom; who stands alone has no row. For open figures, and for confidential ones."""

household = Table(
    "household",
    metadata,
    plain("id", ID, primary_key=True),
    plain("organization_id", ID, ForeignKey("organization.id")),
    personal("name", TEXT),
    plain("created_at", INSTANT),
    plain("version", Integer, server_default="1"),
    UniqueConstraint("id", "organization_id"),
)

household_member = Table(
    "household_member",
    metadata,
    plain("household_id", ID, primary_key=True),
    plain("client_id", ID, primary_key=True),
    plain("organization_id", ID),
    plain("role", TEXT),
    plain("starts_on", Date, primary_key=True),
    plain("ends_on", Date, required=False),
    ForeignKeyConstraint(["household_id", "organization_id"], ["household.id", "household.organization_id"]),
    ForeignKeyConstraint(["client_id", "organization_id"], ["client.id", "client.organization_id"]),
)
