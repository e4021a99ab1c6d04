"""Letters that leave late: a link that is as young as the last attempt.

Revision ID: 0023
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0023_letters")
