"""What explains a stall, by small indexes: who is away, where a consent ended, what is undecided where.

Revision ID: 0011
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0011_stalls")
