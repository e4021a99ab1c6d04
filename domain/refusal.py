"""A rule says no. Services turn it into the answer that a person reads."""

from __future__ import annotations


class NotPossible(Exception):
    """`code` is stable; `sentence` tells a person what stands in the way and what would help.

    `pointer`: the field that was filled in wrongly, where it is not the state that stands in the way.
    """

    def __init__(self, code: str, sentence: str, *, pointer: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence
        self.pointer = pointer
