"""Alarms by mail tell time in the region's zone.

Revision ID: 0027
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0027"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0027_alarm_zone")
