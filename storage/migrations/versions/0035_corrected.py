"""A corrected answer is one correction of what it changed, and no late work.

Revision ID: 0035
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0035_corrected")
