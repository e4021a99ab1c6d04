"""Traces go through the outbox; a case may have several troubles; open work by its next look.

Revision ID: 0016
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0016_traces")
