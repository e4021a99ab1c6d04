"""Published snapshots.

Revision ID: 0005
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0005_publications")
