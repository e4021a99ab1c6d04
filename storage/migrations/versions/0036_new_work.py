"""New work goes to partners of today, and a partner's own system answers only as long as it is one.

Revision ID: 0036
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0036_new_work")
