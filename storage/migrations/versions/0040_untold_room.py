"""Of a sensitive request the backbone does not read that nobody was left to ask; a plan's partner reads that a fault never rests.

Revision ID: 0040
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0040_untold_room")
