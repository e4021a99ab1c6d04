"""A server that refuses everybody for good is one where mail does not leave; no letter is lost by it.

Revision ID: 0043
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0043_refused_for_good")
