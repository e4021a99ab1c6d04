"""Why work ended without success: one list for declined, failed and cancelled (decision 27), each reason in a class."""

from __future__ import annotations

from enum import StrEnum


class ReasonClass(StrEnum):
    CLIENT = "client"
    NOT_REACHED = "not_reached"
    INELIGIBLE = "ineligible"
    NO_CAPACITY = "no_capacity"
    PROVIDER = "provider"
    SAFETY = "safety"
    CANNOT_SAY = "cannot_say"


PLACED_ELSEWHERE = "placed_elsewhere"
"""Why an offer was released: another provider that was asked at the same time has it. Nobody declined anything."""

ATTEMPTS_BEFORE_NOT_REACHED = 3
"""Contact attempts, on different days, that permit `fail` with class not_reached (decision 22)."""
