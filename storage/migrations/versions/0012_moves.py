"""What the backbone may do, and who acts for whom while they are away.

Revision ID: 0012
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0012_moves")
