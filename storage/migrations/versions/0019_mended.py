"""A notice keeps the reference it was told with; places that were given back are free again.

Revision ID: 0019
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0019_mended")
