"""What is left of a service for sensitive needs tells the backbone of no yes.

Revision ID: 0037
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0037_sensitive_room")
