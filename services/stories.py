"""The story behind a figure: a partner tells it of its own, for itself first, for all on release (decision 34)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import text

from services import measure_shapes
from services.journal import new_id
from services.refusals import Conflict, Forbidden, NotVisible, Unprocessable
from services.transaction import Answer, Call, Record, Tx, perform, read
from storage import tables

After = tuple[Any, ...] | None
TELLS = frozenset({"caseworker", "supervisor", "agency_admin", "backbone"})
RELEASES = frozenset({"supervisor", "agency_admin", "backbone"})


def tell_story(record: Record, call: Call, code: str, period: str, words: str) -> Answer[measure_shapes.Story]:
    """About the own organization's figure in a period that has begun. Nobody else reads it before its release."""

    def act(tx: Tx, _seen: None) -> measure_shapes.Story:
        require_role(tx, TELLS)
        require_indicator(tx, code)
        if period > tx.agenda.region().local_date(tx.now).isoformat()[: len(period)]:
            raise Unprocessable("That period has not begun: there is no figure yet to tell of.", pointer="/period")
        story_id = new_id()
        row = {"id": story_id, "indicator_code": code, "period": period, "body": words}
        tx.connection.execute(tables.story.insert(), row | authored(tx))
        tx.audit("story.tell", "story", story_id, 1)
        return _view(tx, story_id)

    return perform(record, call, lambda _tx: None, act, measure_shapes.Story, fill=_filled, stores=only_id, status=201)


def revise_story(record: Record, call: Call, story_id: UUID, words: str) -> Answer[measure_shapes.Story]:
    """Other words, as long as it is a draft."""

    def act(tx: Tx, before: measure_shapes.Story) -> measure_shapes.Story:
        require_role(tx, TELLS)
        _require_draft(tx, before)
        tx.run(_REVISE, id=story_id, body=words)
        tx.audit("story.revise", "story", story_id, before.version + 1)
        return _view(tx, story_id)

    return _on(record, call, story_id, act)


def release_story(record: Record, call: Call, story_id: UUID) -> Answer[measure_shapes.Story]:
    """From now on every partner reads it, beside the figure; it stays as it was told. A supervisor's move."""

    def act(tx: Tx, before: measure_shapes.Story) -> measure_shapes.Story:
        require_role(tx, RELEASES)
        _require_draft(tx, before)
        tx.run(_RELEASE, id=story_id, at=tx.now, person=tx.here.user_id)
        tx.audit("story.release", "story", story_id, before.version + 1)
        return _view(tx, story_id)

    return _on(record, call, story_id, act)


def get_story(record: Record, call: Call, story_id: UUID) -> measure_shapes.Story:
    return read(record, call, lambda tx: _view(tx, story_id))


def list_stories(
    record: Record, call: Call, code: str, *, period: str | None = None, after: After = None, limit: int = 50
) -> list[measure_shapes.Story]:
    """Released ones of all partners and one's own drafts, newest period first; `after` is (period, id)."""

    def look(tx: Tx) -> list[measure_shapes.Story]:
        require_indicator(tx, code)
        keyset = {"after_period": after[0] if after else None, "after_id": after[1] if after else None}
        rows = tx.rows(_LIST, code=code, period=period, limit=limit, **keyset)
        return [measure_shapes.Story.model_validate(row) for row in rows]

    return read(record, call, look)


def require_role(tx: Tx, roles: frozenset[str]) -> None:
    if not tx.here.roles & roles:
        raise Forbidden(f"That is for {', '.join(sorted(roles))} to do. You may read it.")


def require_indicator(tx: Tx, code: str) -> None:
    """Raises NotVisible for a code that is on no agenda of the collaborative."""
    if tx.row(_INDICATOR, code=code) is None:
        raise NotVisible


def authored(tx: Tx) -> dict[str, Any]:
    """Whose words these are, and when."""
    return {
        "collaborative_id": tx.here.collaborative_id,
        "organization_id": tx.here.organization_id,
        "created_by": tx.here.user_id,
        "created_at": tx.now,
    }


def only_id(body: Any) -> dict[str, Any]:
    """What is kept for a replay: never people's words."""
    return {"id": str(body.id)}


def _on(record: Record, call: Call, story_id: UUID, act: Any) -> Answer[measure_shapes.Story]:
    return perform(
        record,
        call,
        lambda tx: _view(tx, story_id, lock=True),
        act,
        measure_shapes.Story,
        again=lambda tx: _view(tx, story_id),
        fill=_filled,
        stores=only_id,
        version=lambda before: before.version,
    )


def _require_draft(tx: Tx, before: measure_shapes.Story) -> None:
    if before.organization_id != tx.here.organization_id:
        raise Forbidden("A story belongs to the partner who tells it.")
    if before.released_at is not None:
        raise Conflict("It is released and stays as it was told. Tell another one.", code="released")


def _filled(tx: Tx, _seen: object, body: dict[str, Any]) -> dict[str, Any]:
    return _view(tx, UUID(body["id"])).model_dump(mode="json")


def _view(tx: Tx, story_id: UUID, *, lock: bool = False) -> measure_shapes.Story:
    row = tx.row(_LOCK, id=story_id) if lock else None
    row = row or tx.row(_GET, id=story_id)
    if row is None:
        raise NotVisible
    return measure_shapes.Story.model_validate(row)


_COLUMNS = "id, indicator_code, period, organization_id, body as text, released_at, created_at, version"
_GET = text(f"select {_COLUMNS} from story where id = :id")
_LOCK = text(f"select {_COLUMNS} from story where id = :id for update")
_REVISE = text("update story set body = :body, version = version + 1 where id = :id")
_RELEASE = text("update story set released_at = :at, released_by = :person, version = version + 1 where id = :id")
_LIST = text(
    f"""
select {_COLUMNS} from story
 where collaborative_id = app.collaborative() and indicator_code = :code
   and (cast(:period as text) is null or period = :period)
   and (cast(:after_id as uuid) is null or (period, id) < (:after_period, :after_id))
 order by period desc, id desc limit :limit
"""
)
_INDICATOR = text("select 1 from indicator where collaborative_id = app.collaborative() and code = :code limit 1")
