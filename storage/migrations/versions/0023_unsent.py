"""Mail that does not leave: since when each letter is refused, and the pulse that says so.

Revision ID: 0023
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0023"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0023_unsent")
