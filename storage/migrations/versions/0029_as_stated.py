"""Of a confidential provider's room others see what it stated, not what is left.

Revision ID: 0029
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0029_as_stated")
