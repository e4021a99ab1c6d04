"""A plan's partner reads that a fault never rests, whether the request's own clock runs or its task's.

Revision ID: 0042
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0042_faults_never_rest")
