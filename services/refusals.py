"""What a service says when it will not do something.
Each refusal carries its HTTP status; the API adds only the envelope.

`detail` is shown to people: it says what to do next, and it never contains a rejected value or anything about a client.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar


class Refusal(Exception):
    """Base of all expected refusals. `code` is stable and machine-readable; clients may switch on it."""

    status: ClassVar[int] = 400
    title: ClassVar[str] = "Bad request"
    default_code: ClassVar[str] = "bad-request"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        current: Mapping[str, object] | None = None,
        pointer: str | None = None,
    ) -> None:
        super().__init__(code or self.default_code)
        self.code = code or self.default_code
        self.detail = detail
        self.current = current
        self.pointer = pointer
        self.replayed = False


class Unauthenticated(Refusal):
    status, title, default_code = 401, "Not signed in", "unauthenticated"


class Forbidden(Refusal):
    """The caller may see the thing, but this move is not theirs to make."""

    status, title, default_code = 403, "Not yours to do", "forbidden"


class NotVisible(Refusal):
    """Missing and hidden look the same (contract: 404, same body as not existing)."""

    status, title, default_code = 404, "Not found", "not-found"

    def __init__(self) -> None:
        super().__init__("There is nothing here that you may see. Check the id, or ask who shared it with you.")


class Conflict(Refusal):
    """Wrong state or lost race; `current` is the state as it stands now."""

    status, title, default_code = 409, "Not possible in the current state", "conflict"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        current: Mapping[str, object] | None = None,
        leaves: Callable[[Any], None] | None = None,
    ) -> None:
        """`leaves`: what is written together with the refusal, once for each command, given its transaction."""
        super().__init__(detail, code=code, current=current)
        self.leaves = leaves


class Stale(Refusal):
    status, title, default_code = 412, "Somebody changed it first", "stale"


class Unprocessable(Refusal):
    """Well-formed but wrong; `pointer` is the JSON pointer of the field."""

    status, title, default_code = 422, "Some fields need attention", "invalid"


class KeyReused(Refusal):
    """The Idempotency-Key was used before with another body."""

    status, title, default_code = 422, "Idempotency-Key already used", "key-reused"


class PreconditionRequired(Refusal):
    status, title, default_code = 428, "If-Match required", "precondition-required"
