"""What a service has room for, and requests that several are asked for at once.

Revision ID: 0013
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0013_capacity")
