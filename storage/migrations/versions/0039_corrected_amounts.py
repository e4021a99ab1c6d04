"""A corrected amount changes no number of cases.

Revision ID: 0039
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0039_corrected_amounts")
