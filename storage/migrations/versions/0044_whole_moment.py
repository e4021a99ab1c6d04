"""Publishing may ask up to which event the record is complete.

Revision ID: 0044
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0044_whole_moment")
