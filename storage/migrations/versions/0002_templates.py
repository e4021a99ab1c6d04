"""Plan templates.

Revision ID: 0002
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0002_templates")
