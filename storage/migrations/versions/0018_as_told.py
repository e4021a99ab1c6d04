"""What was asked for when, as told; what each partner adopted of which version.

Revision ID: 0018
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0018_as_told")
