"""The backbone's people are somebody: a nudge of what only they can move reaches them.

Revision ID: 0031
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0031_watchers")
