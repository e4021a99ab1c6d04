"""A move ends the exception of the stage before, whoever writes it; where nobody works any more.

Revision ID: 0028
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0028_moved_on")
