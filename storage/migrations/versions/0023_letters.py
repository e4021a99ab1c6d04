"""Letters that leave late carry a link as young as their last attempt; those that nobody sends are forgotten.

Revision ID: 0023
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0023_letters")
