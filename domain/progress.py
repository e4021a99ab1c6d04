"""What the engine and the record tell each other. Ids and codes only: all of it may be read in Temporal's history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that a partner works on. `own_queue`: the partner runs a worker of its own."""

    id: str
    queue: str
    own_queue: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the record stands. `look_in`: seconds until the next look, None for never; `over`: nothing is left."""

    state: str
    over: bool
    look_in: float | None = None
    open: list[OpenTask] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Step:
    """What a partner's worker is asked to do; it reads the rest through the API."""

    task_id: str


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended. `recorded`: the record has it already (so the relay says); a partner's worker leaves it False.

    `state` completed (with `outcome`, and `outputs` that answer the task's form), declined or failed (with `reason`, a
    code of the agenda's list).
    """

    state: str
    recorded: bool = False
    outcome: str | None = None
    reason: str | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, said: object) -> StepResult:
        """From whatever a partner's worker returned; what cannot be read has the state `unknown`."""
        if not isinstance(said, Mapping):
            return cls("unknown")
        state, outcome, reason = (_text(said.get(name)) for name in ("state", "outcome", "reason"))
        return cls(state or "unknown", said.get("recorded") is True, outcome, reason, _answers(said.get("outputs")))


def _answers(value: object) -> dict[str, Any]:
    """As they came: the record checks each. What is no set of answers is one that no form asks for."""
    if value is None:
        return {}
    return {str(key): each for key, each in value.items()} if isinstance(value, Mapping) else {"": None}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
