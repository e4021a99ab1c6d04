"""Action plans.

Revision ID: 0003
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0003_plans")
