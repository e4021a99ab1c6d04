"""Mail that does not leave: since when each letter is refused, and the pulse that says so.

Revision ID: 0021
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0021_unsent")
