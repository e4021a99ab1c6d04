"""Links between records of one person.

Revision ID: 0006
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0006_links")
