"""Short names that people read out on the phone."""

from __future__ import annotations

import secrets

_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without look-alikes (0 O, 1 I L, U V)."""


def reference(letter: str) -> str:
    """A new one: R for a referral, P for a plan."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"{letter}-{letters[:4]}-{letters[4:]}"
