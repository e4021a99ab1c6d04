"""Asked again, a request does not rest by the exception of the offer before: the engine may end it too.

Revision ID: 0020
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0020_asked_again")
