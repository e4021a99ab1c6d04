"""Names become ids, and a seed becomes chance, the same way on every machine."""

from __future__ import annotations

import hashlib
import random
from uuid import UUID, uuid5

_NAMESPACE = UUID("8e1f7a3c-52d4-4b0e-9a57-3c6d1f0b2e94")


def id_of(seed: int, kind: str, slug: str) -> UUID:
    """The same seed, kind and slug always give the same id; nothing else gives it."""
    return uuid5(_NAMESPACE, f"{seed}/{kind}/{slug}")


def chance(seed: int, *purpose: object) -> random.Random:
    """Randomness for one purpose, untouched by how much of it other purposes use."""
    return random.Random(number(seed, *purpose))


def number(seed: int, *purpose: object) -> int:
    text = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
