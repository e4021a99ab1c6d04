"""Whom a request asks: one service, or several at once; and what happens where one of them has no room (ADR 17)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from domain.moves import Happened
from services.happenings import about_referral, happened
from services.offers import Offered, find_service, require_same_need
from services.refusals import Conflict, Unprocessable
from services.transaction import Tx

Row = Mapping[str, Any]


def addressees(tx: Tx, service_id: UUID | None, service_ids: Sequence[UUID]) -> list[Offered]:
    """One or several, in the order in which they were named. Raises Unprocessable."""
    if (service_id is None) == (not service_ids):
        raise Unprocessable(
            "Name one service as service_id, or those that you ask at once as service_ids.", pointer="/service_id"
        )
    if service_id is not None:
        return [find_service(tx, service_id)]
    asked: list[Offered] = []
    for one, pointer in ((find_service(tx, id_, _at(n)), _at(n)) for n, id_ in enumerate(service_ids)):
        _require_fit(tx, one, asked, pointer)
        asked.append(one)
    return asked


def require_needed(asked: Sequence[Offered], term: str | None) -> None:
    """Each answers this need. Raises Unprocessable."""
    for n, one in enumerate(asked):
        require_same_need(one, term, _at(n) if len(asked) > 1 else "/service_id")


def organizations(asked: Sequence[Offered]) -> list[UUID]:
    """The referral's column: those that are asked at once; nobody where there is one."""
    return [one.organization_id for one in asked] if len(asked) > 1 else []


def require_room(f: Row, asked: Sequence[Offered], *, anyway: bool) -> None:
    """Raises Conflict where one said that it has no room, unless the request is sent anyway. The demand is counted
    together with the refusal, once, at the first that has none. `f`: the request as it would have been made."""
    full = [one for one in asked if one.full]
    if anyway or not full:
        return
    about = _about(f, full[0])

    def turn_away(later: Tx) -> None:
        happened(later, about, Happened("demand_turned_away", None, None), version=1)

    raise Conflict(
        f"{' and '.join(one.name for one in full)}: no room now. Ask one that takes somebody:"
        f" GET /v1/services?taxonomy={f['term']}&taking=true. Or send it all the same with anyway: true, or record the"
        " need: POST /v1/needs.",
        code="no-capacity",
        leaves=turn_away,
    )


def _about(f: Row, one: Offered) -> dict[str, Any]:
    """Nobody's case: which service was asked, by whom, for which need. No referral came of it, no person is named."""
    about = about_referral({**f, "target_organization_id": one.organization_id})
    nothing = dict.fromkeys(("referral_id", "action_plan_id", "need_id", "person_id", "household_key"))
    return about | nothing | {"facts": about["facts"] | {"service_id": str(one.service_id)}}


def _require_fit(tx: Tx, one: Offered, before: Sequence[Offered], pointer: str) -> None:
    if one.organization_id in [each.organization_id for each in before]:
        raise Unprocessable("That organization is asked already. Name one of its services.", pointer=pointer)
    if one.organization_id == tx.here.organization_id:
        raise Unprocessable("Your own service needs no race: ask the others, or refer to it alone.", pointer=pointer)
    if one.confidential:
        raise Unprocessable(
            "A victim-service provider is asked alone: nobody else may learn of it. Send it as service_id.",
            pointer=pointer,
        )


def _at(n: int) -> str:
    return f"/service_ids/{n}"
