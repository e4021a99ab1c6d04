"""What the engine and the record tell each other. Ids and codes only: all of it may be read in Temporal's history."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task that a partner works on. `own_queue`: the partner runs a worker of its own."""

    id: str
    queue: str
    own_queue: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """Where the record stands. `look_in`: seconds until somebody must look again, None for never; `over`: nothing is left."""

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
    """How a step ended. `recorded`: the record has it already (the relay says so); a partner's own worker leaves it False.

    `state` completed (with `outcome`), declined or failed (with `reason`, a code of the agenda's list).
    """

    state: str
    recorded: bool = False
    outcome: str | None = None
    reason: str | None = None
