"""What people hear of: their feed, what they want to hear, letters and links, and what was told of an unwell engine."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from storage.tables.columns import ID, INSTANT, TEXT, metadata, plain

notice = Table(
    "notice",
    metadata,
    plain("id", ID, primary_key=True),
    plain("user_id", ID, ForeignKey("user_account.id")),
    plain("organization_id", ID, ForeignKey("organization.id")),
    plain("event_id", ID),
    plain("event_seq", BigInteger),
    plain("kind", TEXT),
    plain("code", TEXT),
    plain("task_id", ID, required=False),
    plain("referral_id", ID, required=False),
    plain("action_plan_id", ID, required=False),
    plain("ball_organization_id", ID),
    plain("urgent", Boolean),
    plain("restricted", Boolean),
    plain("created_at", INSTANT, server_default=text("clock_timestamp()")),
    plain("read_at", INSTANT, required=False),
    plain("over_at", INSTANT, required=False),
    plain("reference", TEXT, required=False),
    UniqueConstraint("event_id", "user_id"),
    Index("notice_feed_idx", "user_id", "organization_id", "id", postgresql_where=text("over_at is null")),
    Index("notice_referral_id_idx", "referral_id", postgresql_where=text("over_at is null")),
    Index(
        "notice_action_plan_id_idx",
        "action_plan_id",
        postgresql_where=text("over_at is null and referral_id is null"),
    ),
    Index("notice_reassigned_idx", "user_id", "event_seq", postgresql_where=text("kind = 'reassigned'")),
)

notice_choice = Table(
    "notice_choice",
    metadata,
    plain("user_id", ID, ForeignKey("user_account.id")),
    plain("kind", TEXT),
    plain("way", TEXT),
    PrimaryKeyConstraint("user_id", "kind"),
    CheckConstraint("way in ('feed', 'mail', 'digest', 'nothing')", name="way"),
)

mail = Table(
    "mail",
    metadata,
    plain("id", ID, primary_key=True),
    plain("user_id", ID, ForeignKey("user_account.id")),
    plain("organization_id", ID, ForeignKey("organization.id")),
    plain("digest", Boolean),
    plain("due_at", INSTANT),
    plain("attempts", Integer, server_default="0"),
    plain("error", TEXT, required=False),
    plain("created_at", INSTANT, server_default=text("clock_timestamp()")),
    plain("sent_at", INSTANT, required=False),
    plain("closed_at", INSTANT, required=False),
    plain("unsent_since", INSTANT, required=False),
    plain("reader_refused", Boolean, server_default=text("false")),
    plain("reason_since", INSTANT, required=False),
    plain("refused_since", INSTANT, required=False),
    Index("mail_due_idx", "due_at", postgresql_where=text("closed_at is null")),
    Index("mail_sent_idx", "sent_at", postgresql_where=text("sent_at is not null")),
    Index(
        "mail_unsent_idx",
        "unsent_since",
        postgresql_where=text("closed_at is null and unsent_since is not null"),
    ),
    Index(
        "mail_refused_idx",
        "refused_since",
        postgresql_where=text("closed_at is null and refused_since is not null"),
    ),
)

mail_item = Table(
    "mail_item",
    metadata,
    plain("notice_id", ID, ForeignKey("notice.id"), primary_key=True),
    plain("mail_id", ID, ForeignKey("mail.id")),
    Index("mail_item_mail_id_idx", "mail_id"),
)

mail_link = Table(
    "mail_link",
    metadata,
    plain("id", ID, primary_key=True),
    plain("notice_id", ID, ForeignKey("notice.id"), unique=True),
    plain("user_id", ID),
    plain("organization_id", ID),
    plain("task_id", ID),
    plain("task_state", TEXT),
    plain("expires_at", INSTANT),
    plain("used_at", INSTANT, required=False),
)

alarm = Table(
    "alarm",
    metadata,
    plain("code", TEXT, primary_key=True),
    plain("since", INSTANT),
    plain("told_at", INSTANT, required=False),
    plain("ended_at", INSTANT, required=False),
)
