"""A consent that comes later.

Revision ID: 0008
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0008_consents")
