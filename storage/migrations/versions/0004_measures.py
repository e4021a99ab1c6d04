"""Indicator definitions.

Revision ID: 0004
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0004_measures")
