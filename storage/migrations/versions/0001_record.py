"""The record: tables, roles, functions and row security, together or not at all.

Revision ID: 0001
"""

from __future__ import annotations

from alembic import op

from storage.migrations import run_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for part in ("tables", "functions", "policies"):
        run_file(op.get_bind(), f"0001_{part}")
    _hand_over()


def _hand_over() -> None:
    """Functions that see more than their caller run as the one narrow role that may see it."""
    for role, functions in {
        "concert_identity": ["enter(text, uuid, text)"],
        "concert_disclosure": [
            "consent_holds(uuid, uuid)",
            "consent_covers(uuid, uuid, text)",
            "disclose(uuid, uuid)",
            "need_state(uuid)",
        ],
        "concert_counter": ["touch(uuid, jsonb)", "note_unfolded()", "note_unsealed()"],
    }.items():
        op.execute(f"grant create on schema app to {role}")
        for function in functions:
            op.execute(f"alter function app.{function} owner to {role}")
        op.execute(f"revoke create on schema app from {role}")
