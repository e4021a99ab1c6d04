"""Mail leaves where any letter has left since; a letter that waits for the end of the night is not tried in vain.

Revision ID: 0041
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0041_mail_leaves")
