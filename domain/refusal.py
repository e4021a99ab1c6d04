"""A rule says no. Services turn it into the answer that a person reads."""

from __future__ import annotations


class NotPossible(Exception):
    """`code` is stable; `sentence` tells a person what stands in the way and what would help."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence
