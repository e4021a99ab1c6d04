"""Published amounts are coarse, and what was said of one attempt at a need does not undo another.

Revision ID: 0032
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0032_rounded")
