"""The tokens of one-use links: signed, so that nobody can try ids; what they may do is for the record to say."""

from __future__ import annotations

from uuid import UUID

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey

_LONGEST = 200


class Links:
    """Signs and reads tokens. A new key makes all links that are about invalid: people then sign in."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("a key of links has at least 32 bytes")
        self._key = OctKey.import_key(key)

    def sign(self, link_id: UUID) -> str:
        return jws.serialize_compact({"alg": "HS256"}, link_id.bytes, self._key)

    def read(self, token: str) -> UUID | None:
        """None for whatever this key did not sign."""
        if len(token) > _LONGEST or not token.isascii():
            return None
        try:
            found = jws.deserialize_compact(token, self._key, algorithms=["HS256"])
            return UUID(bytes=found.payload)
        except (JoseError, ValueError, TypeError):
            return None
