"""What the engine is compared with: the same six requests on FastAPI, SQLAlchemy Core and PostgreSQL.

Nothing more: no engine, row security, identity, idempotency, events, audit or counting; a status column and two
tables. The caller's organization is believed (`X-Organization`). Start it with PLAIN_DATABASE_URL set:
`uvicorn --factory bench.plain.app:create`.
"""

import os
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import sqlalchemy as sa
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel

OPEN = ("requested", "accepted", "in_progress")
metadata = sa.MetaData()


def columns(*own: sa.Column[Any]) -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.text("uuidv7()")),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        *own,
    ]


referral = sa.Table(
    "referral",
    metadata,
    *columns(
        sa.Column("reference", sa.Text, nullable=False, server_default=sa.text("left(md5(random()::text), 8)")),
        sa.Column("priority", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        *(sa.Column(f"{name}_id", sa.Uuid, nullable=False) for name in ("client", "service")),
        *(sa.Column(f"{name}_organization_id", sa.Uuid, nullable=False, index=True) for name in ("source", "target")),
    ),
)
task = sa.Table(
    "task",
    metadata,
    *columns(
        sa.Column("referral_id", sa.ForeignKey("referral.id"), nullable=False, index=True),
        sa.Column("organization_id", sa.Uuid, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
    ),
)
sa.Index("inbox", task.c.organization_id, task.c.due_at, task.c.id, postgresql_where=task.c.state.in_(OPEN))


class Task(BaseModel):
    id: UUID
    kind: Literal["offer"] = "offer"
    title: str
    state: str
    organization_id: UUID
    referral_id: UUID
    outcome: str | None
    due_at: datetime
    created_at: datetime
    version: int
    allowed_actions: list[str]


class NewReferral(BaseModel):
    client_id: UUID
    service_id: UUID
    target_organization_id: UUID
    priority: Literal["routine", "urgent"] = "routine"
    reason: str


class Referral(NewReferral):
    id: UUID
    reference: str
    state: str
    source_organization_id: UUID
    tasks: list[Task]
    outcome: str | None
    created_at: datetime
    version: int
    allowed_actions: list[str]


class Inbox(BaseModel):
    items: list[Task]
    next_cursor: str | None


class Ended(BaseModel):
    outcome: Literal["need_met", "partly_met", "unmet"]


MOVES = {
    "accept": ("requested", "accepted"),
    "start": ("accepted", "in_progress"),
    "complete": ("in_progress", "completed"),
}
NEXT = {"requested": ["accept"], "accepted": ["start"], "in_progress": ["complete"]}
Me = Annotated[UUID, Header(alias="X-Organization")]


def engine_of(request: Request) -> sa.Engine:
    engine: sa.Engine = request.app.state.engine
    return engine


Database = Annotated[sa.Engine, Depends(engine_of)]


def task_view(row: sa.RowMapping) -> Task:
    return Task(**row, allowed_actions=NEXT.get(row["state"], []))


def referral_view(row: sa.RowMapping, tasks: list[Task]) -> Referral:
    actions = ["confirm"] if row["state"] == "active" else []
    return Referral(**row, tasks=tasks, allowed_actions=actions)


def create_referral(body: NewReferral, me: Me, database: Database) -> Referral:
    with database.begin() as connection:
        values = body.model_dump() | {"source_organization_id": me, "state": "active"}
        made = connection.execute(sa.insert(referral).values(values).returning(referral)).mappings().one()
        offer = {
            "referral_id": made["id"],
            "organization_id": body.target_organization_id,
            "state": "requested",
            "title": "Answer the request",
            "due_at": datetime.now(UTC) + timedelta(days=1),
        }
        offered = connection.execute(sa.insert(task).values(offer).returning(task)).mappings().one()
    return referral_view(made, [task_view(offered)])


def move(task_id: UUID, verb: str, me: UUID, database: sa.Engine, **ended: str) -> Task:
    before, after = MOVES[verb]
    mine = sa.and_(task.c.id == task_id, task.c.organization_id == me)
    change = sa.update(task).where(mine, task.c.state == before).returning(task)
    with database.begin() as connection:
        changed = change.values(state=after, version=task.c.version + 1, **ended)
        row = connection.execute(changed).mappings().one_or_none()
        if row is None:
            found = connection.execute(sa.select(task.c.state).where(mine)).scalar()
            raise HTTPException(409 if found else 404, found)
    return task_view(row)


def accept_task(task_id: UUID, me: Me, database: Database) -> Task:
    return move(task_id, "accept", me, database)


def start_task(task_id: UUID, me: Me, database: Database) -> Task:
    return move(task_id, "start", me, database)


def complete_task(task_id: UUID, body: Ended, me: Me, database: Database) -> Task:
    return move(task_id, "complete", me, database, outcome=body.outcome)


def confirm_referral(referral_id: UUID, body: Ended, me: Me, database: Database) -> Referral:
    done = sa.exists().where(task.c.referral_id == referral.c.id, task.c.state == "completed")
    mine = sa.and_(referral.c.id == referral_id, referral.c.source_organization_id == me)
    change = sa.update(referral).where(mine, referral.c.state == "active", done).returning(referral)
    with database.begin() as connection:
        values = {"state": "completed", "outcome": body.outcome, "version": referral.c.version + 1}
        row = connection.execute(change.values(values)).mappings().one_or_none()
        if row is None:
            raise HTTPException(409)
        tasks = connection.execute(sa.select(task).where(task.c.referral_id == referral_id)).mappings().all()
    return referral_view(row, [task_view(found) for found in tasks])


def inbox(me: Me, database: Database, limit: int = 50) -> Inbox:
    mine = sa.select(task).where(task.c.organization_id == me, task.c.state.in_(OPEN))
    with database.connect() as connection:
        rows = connection.execute(mine.order_by(task.c.due_at, task.c.id).limit(limit)).mappings().all()
    return Inbox(items=[task_view(row) for row in rows], next_cursor=None)


def create() -> FastAPI:
    """The application on PLAIN_DATABASE_URL, an SQLAlchemy URL of a login that may create tables."""
    app = FastAPI()
    app.state.engine = sa.create_engine(os.environ["PLAIN_DATABASE_URL"], pool_size=16, max_overflow=0)
    metadata.create_all(app.state.engine)
    app.post("/v1/referrals", status_code=201)(create_referral)
    app.post("/v1/referrals/{referral_id}/confirm")(confirm_referral)
    app.post("/v1/tasks/{task_id}/accept")(accept_task)
    app.post("/v1/tasks/{task_id}/start")(start_task)
    app.post("/v1/tasks/{task_id}/complete")(complete_task)
    app.get("/v1/tasks")(inbox)
    return app
