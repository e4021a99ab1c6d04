"""Proposing another service for a referral: by the backbone, or by who was asked. Its source decides."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from domain import referral as rules
from domain.moves import Happened
from domain.task import Side
from domain.taxonomy import akin
from services import shapes
from services.happenings import about_referral, happened
from services.holders import is_watcher
from services.messages import say, tell
from services.offers import Offered, find_service
from services.proposals import is_proposed
from services.refusals import Conflict, Forbidden, Unprocessable
from services.rows import save_referral, sides_of
from services.transaction import Answer, Call, Record, Tx
from services.watching import WatchedReferral, watch_referral


def propose_reroute(
    record: Record, call: Call, referral_id: UUID, service_id: UUID, words: str | None = None
) -> Answer[shapes.Referral]:
    """The source sees it as long as the round lasts, and takes it up with a re-route. The need stays the same."""

    def act(tx: Tx, watched: WatchedReferral) -> None:
        _permit(tx, watched)
        offered = find_service(tx, service_id)
        _require_fit(tx, watched, offered)
        _say(tx, watched, offered)
        if words and is_watcher(tx):
            tell(tx, "referral", watched.row, words)
        elif words:
            say(tx, watched.row, "note", words)

    return watch_referral(record, call, referral_id, act)


def _permit(tx: Tx, watched: WatchedReferral) -> None:
    f, referral = watched.row, watched.locked.referral
    asked = sides_of(tx, f["source_organization_id"], f["target_organization_id"], False) == {Side.TARGET}
    if not is_watcher(tx) and not asked:
        raise Forbidden("The backbone proposes, and who was asked. You asked for it: re-route it.")
    if is_watcher(tx) and f["sensitive"]:
        raise Forbidden("What it asks for is known to those who work on it only: one of them proposes another service.")
    if referral.state not in rules.OPEN or referral.reported:
        raise Conflict(
            "It is not looking for a service: it was served, or is over.",
            code="wrong-state",
            current={"state": referral.state.value, "version": referral.version},
        )


def _require_fit(tx: Tx, watched: WatchedReferral, offered: Offered) -> None:
    """Without saying which need it is: who was asked may have been asked for another category."""
    f = watched.row
    if f["term"] is not None and (offered.term is None or not akin(offered.term, f["term"])):
        raise Unprocessable("That service answers another need than this request.", pointer="/service_id")
    if offered.confidential and is_watcher(tx):
        raise Unprocessable(
            "A confidential provider is proposed by who works with the family, never by the backbone.",
            pointer="/service_id",
        )
    if f["service_id"] == offered.service_id and watched.locked.referral.state is rules.State.ACTIVE:
        raise Unprocessable("That service is asked already.", pointer="/service_id")
    if offered.service_id and is_proposed(tx, f["id"], offered.service_id):
        raise Conflict(
            "That service was proposed already; the source decides.",
            code="proposed-already",
            current={"state": watched.state, "version": watched.version},
        )


def _say(tx: Tx, watched: WatchedReferral, offered: Offered) -> None:
    """A confidential provider's name stays behind its wall."""
    f, referral = watched.row, watched.locked.referral
    after = replace(referral, version=referral.version + 1)
    save_referral(tx, watched.locked, after)
    about = about_referral(f)
    about["restricted"] = about["restricted"] or offered.confidential
    facts = {"service_id": str(offered.service_id), "round": f["round"]}
    happened(tx, about, Happened(f"{referral.noun}_reroute_proposed", None, None, facts=facts), version=after.version)
    tx.audit("referral.propose-reroute", "referral", f["id"], after.version)
