"""Who can sign in today needs a partnership of today, by the region's day; a day on which a service is closed holds up no step.

Revision ID: 0041
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0041"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0041_partners_of_today")
