"""What the client says of a need counts before what anybody else says, wherever it was said (decision 28).

Revision ID: 0030
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_file(op.get_bind(), "0030_clients_word")
