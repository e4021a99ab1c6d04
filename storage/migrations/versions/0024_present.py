"""Work, reminders and the watch over the engine count on those only who are there.

Revision ID: 0024
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0024_present")
