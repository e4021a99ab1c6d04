"""Who hears of what: feeds, letters and alarms, through the outbox.

Revision ID: 0014
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0014_notices")
