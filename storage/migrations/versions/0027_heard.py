"""A nudge that nobody would hear is refused; a supervisor for whom the owner stands in is nobody else.

Revision ID: 0027
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0027_heard")
