"""Since when a service has no room: also by the yes that took its last place.

Revision ID: 0026
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0026_full_since")
