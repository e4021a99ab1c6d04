"""Who can sign in today needs a partnership of today, by the region's day; a day on which a service is closed holds up no step.

Revision ID: 0034
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0034_partners_of_today")
