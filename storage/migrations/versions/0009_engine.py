"""How the engine is: what the sweeper saw, and the pulse.

Revision ID: 0009
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0009_engine")
