"""What a request came to is an event of its own.

Revision ID: 0033
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0033_outcomes")
