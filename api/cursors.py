"""Keyset pages: an opaque, signed cursor that says after which row the next page begins."""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Depends, Request
from pydantic import BaseModel, Field

from api.problems import Refused
from api.values import Parameters, Whole

SortKey = str | int | datetime | date | UUID | None
Item = TypeVar("Item")
_SIGNATURE_BYTES = 16
_LONGEST = 2048


class Cursors:
    """Signs and reads cursors. A new key makes all cursors that are about invalid (400); callers begin
    again.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError("a cursor key has at least 16 bytes")
        self._key = key

    def encode(self, values: Sequence[SortKey], purpose: str) -> str:
        """The cursor after a row with these sort keys. It is signed, not encrypted: no personal data in the
        keys.

        `purpose` names the list with its filters and its reader; `decode` demands the same.
        """
        payload = json.dumps([_packed(value) for value in values], separators=(",", ":")).encode()
        return urlsafe_b64encode(self._sign(payload, purpose) + payload).rstrip(b"=").decode()

    def decode(self, cursor: str, purpose: str) -> tuple[Any, ...]:
        """The sort keys, in their types. Forged, cut, or made for another purpose: 400 `bad-cursor`."""
        if len(cursor) > _LONGEST:
            raise Refused("bad-cursor")
        try:
            raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        except ValueError:
            raise Refused("bad-cursor") from None
        signature, payload = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._sign(payload, purpose)):
            raise Refused("bad-cursor")
        return tuple(_unpacked(value) for value in json.loads(payload))

    def _sign(self, payload: bytes, purpose: str) -> bytes:
        return hmac.digest(self._key, purpose.encode() + b"\0" + payload, "sha256")[:_SIGNATURE_BYTES]


def _packed(value: SortKey) -> object:
    if isinstance(value, datetime):
        return ["t", value.astimezone(UTC).isoformat()]
    if isinstance(value, date):
        return ["d", value.isoformat()]
    return ["u", value.hex] if isinstance(value, UUID) else value


def _unpacked(value: Any) -> SortKey:
    if not isinstance(value, list):
        plain: SortKey = value
        return plain
    reads: dict[str, Callable[[str], SortKey]] = {"t": datetime.fromisoformat, "d": date.fromisoformat, "u": UUID}
    return reads[value[0]](value[1])


class Page(Parameters):
    """The query parameters of every list; a list with filters extends it."""

    limit: Annotated[int, Whole(1, 200, text=True)] = Field(50, description="At most so many items.")
    cursor: str | None = Field(None, description="`next_cursor` of the page before, with the same filters.")


class Listing(BaseModel, Generic[Item]):
    """A page as it is answered; without `next_cursor` it is the last one."""

    items: list[Item]
    next_cursor: str | None


async def _cursors(request: Request) -> Cursors:
    cursors: Cursors = request.app.state.cursors
    return cursors


Keyset = Annotated[Cursors, Depends(_cursors)]
