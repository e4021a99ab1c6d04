"""Plans: a release that ends closes them to whom it named; the words of client and lead on a goal are both kept.

Revision ID: 0022
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0022_plans_mended")
