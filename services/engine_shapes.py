"""What the monitor answers about the engine itself."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from domain import pulse
from services.shapes import Shape, described


class Waiting(Shape):
    """A queue inside the engine; usually empty within a second."""

    waiting: int
    oldest_seconds: float


class Outbox(Waiting):
    """What the engine must still be told. `dead`: messages given up after several tries."""

    dead: int


class Processes(Shape):
    """`alive`: how many gave a sign of life lately."""

    role: Annotated[
        str,
        described("`sweeper`: beside the relay, alive as long as Temporal answers it.", *pulse.ROLES),
    ]
    alive: int
    last_seen_at: datetime | None


class Finding(Shape):
    """One case whose workflow is not as the record says. Confidential cases show to nobody outside their provider."""

    kind: Annotated[str, described("Of what kind the case is.", "referral", "action_plan")]
    id: UUID
    trouble: Annotated[
        str,
        described(
            "`failing`: the workflow's code fails; `missing`: none runs; `behind`: it does not wait for an open task;"
            " `stray`: it runs for what is over; `unwatched`: a deadline passed and nobody looked, or there is none.",
            pulse.Trouble,
        ),
    ]
    code: str = Field(description="Temporal's own code of the failure, or how the workflow ended.")
    since: datetime
    seen_at: datetime


class DatabaseState(Shape):
    ping_ms: float
    connections: int
    most_connections: int
    size_bytes: int


class Ailment(Shape):
    """One thing that is wrong; `code` is also the name of its alert and of its heading in the runbook."""

    code: str
    reason: str
    remedy: str
    since: datetime | None


class Engine(Shape):
    """How the engine is, from the record alone: Temporal is asked by a sweeper, never by a request."""

    state: Annotated[str, described("`unwell`: see `ailments`.", "well", "unwell")]
    at: datetime
    ailments: list[Ailment]
    outbox: Outbox
    ledger: Waiting
    audit: Waiting
    mail: Waiting = Field(
        description="Letters by which one sees that mail does not leave: tried in vain, and none has left since."
        " One full mailbox, or one wrong address, is no sign of it."
    )
    processes: list[Processes]
    findings: list[Finding] = Field(description="Oldest first, at most 200.")
    database: DatabaseState
