"""What partners say about figures.

Revision ID: 0007
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


_AGGREGATES = (
    "unmet_needs(timestamptz, timestamptz)",
    "stages_reached(uuid, uuid, boolean)",
    "still_open(timestamptz, timestamptz, text)",
)
"""They count past the walls and answer numbers only, as the one narrow role that may see so much."""


def upgrade() -> None:
    run_file(op.get_bind(), "0007_stories")
    op.execute("grant create on schema app to concert_disclosure")
    for function in _AGGREGATES:
        op.execute(f"alter function app.{function} owner to concert_disclosure")
    op.execute("revoke create on schema app from concert_disclosure")
