"""Action plans in the demonstration: families who need several partners, and the people who do each step over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from concert.demo.pace import Pace
from concert.demo.papers import client_body
from concert.demo.people import SAID_BY, Person, Refused
from concert.demo.verification import Check
from concert.issuer import Issuer
from seed.people import clients
from seed.person import Client
from seed.region import Region

TEMPLATE = "housing_stability"
LEADS = ("cap", "family", "puente")
_NEXT = {"requested": "accept", "acknowledged": "accept", "accepted": "start", "in_progress": "complete"}
_CLOSED = frozenset({"completed", "closed_early", "entered_in_error"})
Shown = dict[str, Any]


@dataclass(slots=True)
class Family:
    """One plan: who leads it, for whom, and how it was last seen."""

    number: int
    lead: Person
    client: Client
    seen: Shown = field(default_factory=dict)


class Plans:
    """All plans of the demonstration, and everybody who works on them."""

    def __init__(self, region: Region, n: int, http: httpx.AsyncClient, issuer: Issuer, pace: Pace) -> None:
        self.refusals: list[str] = []
        self.moves = 0
        self._pace = pace
        everybody = list(clients(region.seed, 400))[-n:] if n else []
        self.families = [
            Family(number, _worker(region, LEADS[number % len(LEADS)], http, issuer), client)
            for number, client in enumerate(everybody)
        ]
        working = [one for one in region.organizations if one.mode == "connected" and not one.worker]
        slugs = [one.slug for one in working if region.people_of(one.slug, "caseworker")]
        self._workers = {str(region.organization(slug).id): _worker(region, slug, http, issuer) for slug in slugs if n}

    async def work(self) -> None:
        """Until cancelled: begin every plan, then do what is to be done, partner by partner."""
        for family in self.families:
            await self._try(self._begin(family))
        while True:
            for organization_id, worker in self._workers.items():
                await self._try(self._serve(organization_id, worker))
            for family in self.families:
                await self._try(self._follow(family))
            await asyncio.sleep(self._pace.look)

    @property
    def unfinished(self) -> int:
        return sum(not why(family.seen) or _leaves(family) for family in self.families)

    def secrets(self) -> set[str]:
        """What was typed in of the families."""
        words: set[str | None] = set()
        for client in (family.client for family in self.families):
            words |= {client.given_name, client.family_name, client.alias, client.contact.phone, client.contact.email}
            words |= {client.residence.address_1}
        return {word for word in words if word}

    def check(self) -> Check:
        """Every plan is closed, or it says itself what it waits for."""
        closed = sum(family.seen.get("state") in _CLOSED for family in self.families)
        detail = f"{closed} closed, {len(self.families) - closed - self.unfinished} open with a reason,"
        detail += f" of {len(self.families)}; {self.moves} moves"
        if self.refusals:
            detail += f"; {len(self.refusals)} refused: {self.refusals[0]}"
        return Check("Every plan is closed or explained", not self.unfinished and not self.refusals, detail)

    async def _try(self, act: Any) -> None:
        try:
            await act
        except Refused as no:
            if no.status not in (409, 412):  # somebody, or time, was faster: everyday life
                self.refusals.append(str(no))

    async def _begin(self, family: Family) -> None:
        body = {"template": TEMPLATE, "client": client_body(family.client)}
        family.seen = await family.lead.post("/v1/action-plans", body)

    async def _serve(self, organization_id: str, worker: Person) -> None:
        mine = {family.seen["id"]: family for family in self.families if family.seen}
        async for task in worker.all("/v1/tasks"):
            if family := mine.get(task["action_plan_id"]):
                by_phone = task["organization_id"] != organization_id  # who asked records what they said
                said_by = {"said_by": SAID_BY} if by_phone else {}
                await self._try(self._do(worker, task, family.number, said_by))

    async def _do(self, worker: Person, task: Shown, number: int, said_by: Shown) -> None:
        """From yes to done in one sitting, as far as the task allows."""
        while (verb := _NEXT.get(task["state"])) and verb in task["allowed_actions"]:
            body: Shown = {}
            if verb == "complete":
                body = {"outputs": answers(task["form"], number)}
                body |= {} if task["kind"] == "step" else {"outcome": "need_met"}
            task = await worker.post(f"/v1/tasks/{task['id']}/{verb}", body | said_by)
            self.moves += 1

    async def _follow(self, family: Family) -> None:
        """The lead reads the plan, confirms what came back, and closes it when every step is done."""
        if not family.seen:
            return
        path = f"/v1/action-plans/{family.seen['id']}"
        plan = family.seen = await family.lead.get(path)
        for step in plan["steps"]:
            if step["kind"] == "referral" and step["state"] == "open" and step["referral_id"]:
                await self._confirm(family, step["referral_id"])
        over = all(step["state"] in ("done", "skipped") for step in plan["steps"])
        moved_away = _leaves(family)
        if plan["state"] == "active" and (over or moved_away):
            await self._close(family, path, None if over else "moved_away")

    async def _close(self, family: Family, path: str, reason: str | None) -> None:
        """With what came of each goal."""
        outcomes = {goal["key"]: "need_met" for goal in family.seen["goals"] if goal["outcome"] is None}
        body: Shown = {"outcomes": outcomes} | ({"reason": reason} if reason else {})
        family.seen = await family.lead.post(f"{path}/close", body, version=family.seen["version"])
        self.moves += 1

    async def _confirm(self, family: Family, referral_id: str) -> None:
        referral = await family.lead.get(f"/v1/referrals/{referral_id}")
        if "confirm" in referral["allowed_actions"]:
            await family.lead.post(f"/v1/referrals/{referral_id}/confirm", {"outcome": "need_met", "by": "client"})
            self.moves += 1


def answers(form: Sequence[Shown], number: int) -> Shown:
    """What this family says: another answer for each family, always one that the form allows."""
    given: Shown = {}
    for one in form:
        if one["kind"] == "choice":
            choices = one["choices"]
            given[one["key"]] = choices[number % len(choices)]["code"]
        elif one["kind"] == "yes_no":
            given[one["key"]] = "no"
        elif one["kind"] == "number":
            given[one["key"]] = one.get("minimum") or 0
        else:
            given[one["key"]] = datetime.now(UTC).date().isoformat()
    return given


def why(plan: Shown) -> str:
    """Why a plan is where it is; empty while somebody still has something to do now."""
    if not plan:
        return ""
    if plan["state"] in _CLOSED:
        return "Closed."
    waits = [step for step in plan["steps"] if step["state"] == "waiting"]
    later = [step["opens_at"] for step in waits if step["opens_at"]]
    if later and not any(step["state"] == "open" for step in plan["steps"]):
        return f"Everything is done; the family is asked again on {min(later)[:10]}."
    return ""


def _leaves(family: Family) -> bool:
    """Every third family moves away before it is asked again, and its plan is closed early."""
    plan = family.seen
    return family.number % 3 == 2 and bool(why(plan)) and plan["state"] not in _CLOSED


def _worker(region: Region, slug: str, http: httpx.AsyncClient, issuer: Issuer) -> Person:
    login = region.people_of(slug, "caseworker")[0].login
    return Person(login, http, issuer.sign(login))
