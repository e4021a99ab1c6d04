"""Alarms by mail tell time in the region's zone.

Revision ID: 0025
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0025_alarm_zone")
