"""A full mailbox is told from a mail server that takes nothing when the pulse is taken, not when a letter is tried.

Revision ID: 0038
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0038_full_mailboxes")
