"""Who follows the work, and how long it may rest.

Revision ID: 0010
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0010_holders")
