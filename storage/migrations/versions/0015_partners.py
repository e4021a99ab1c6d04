"""Figures of a partner's scorecard.

Revision ID: 0015
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0015_partners")
