"""People at work: each looks into the inbox of their own organization now and then, and acts over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import httpx

from concert.demo.casebook import Casebook
from concert.demo.moves import Clock, Move, source_move, target_moves
from concert.demo.pace import Pace
from concert.demo.papers import consent_body, needs_consent
from concert.issuer import Issuer
from seed.directory import Organization
from seed.region import Region
from seed.story import Request

_STATE_THEIR_ROOM = 0.4
"""Of the partners."""
SAID_BY = "The volunteer who answered the phone"


class Refused(Exception):
    """The API said no, in whatever words. The sentence holds no personal data."""

    def __init__(self, answer: httpx.Response) -> None:
        status, request = answer.status_code, answer.request
        said = " ".join(part for part in _said(answer) if part)
        super().__init__(f"{status} {request.method} {request.url.path}" + (f": {said}" if said else ""))
        self.status = status


def _said(answer: httpx.Response) -> Iterator[str]:
    """What a problem says and where; nothing of an answer that is none."""
    try:
        problem = answer.json()
    except ValueError:
        return
    if isinstance(problem, dict):
        yield str(problem.get("detail") or problem.get("title") or "")
        yield ", ".join(str(error.get("pointer")) for error in problem.get("errors", []))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a token: what every caller of the API can do, and no more."""

    login: str
    http: httpx.AsyncClient
    token: str

    async def get(self, path: str, **params: Any) -> Any:
        return self._read(await self.http.get(path, params=params, headers=self._headers()))

    async def post(self, path: str, body: dict[str, Any], version: int | None = None) -> Any:
        """`version`: of what is edited, as it was read."""
        headers = self._headers() | {"Idempotency-Key": uuid4().hex}
        headers |= {"If-Match": f'"{version}"'} if version is not None else {}
        return self._read(await self.http.post(path, json=body, headers=headers))

    async def all(self, path: str, **params: Any) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        page = await self.get(path, limit=200, **params)
        while True:
            for item in page["items"]:
                yield item
            if page["next_cursor"] is None:
                return
            page = await self.get(path, limit=200, cursor=page["next_cursor"], **params)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @staticmethod
    def _read(answer: httpx.Response) -> Any:
        if answer.status_code >= 400:
            raise Refused(answer)
        return answer.json()


class Caseworker:
    """One caseworker of one partner: answers requests, serves, and follows what the partner itself has asked for."""

    def __init__(
        self, person: Person, organization: Organization, book: Casebook, pace: Pace, place: tuple[int, int] = (0, 1)
    ) -> None:
        """`place`: which of how many colleagues; each leaves the others' requests to them for half a day."""
        self.person = person
        self.organization = organization
        self._place = place
        self._book = book
        self._pace = pace
        self._random = Random(person.login)
        self._id = str(organization.id)

    async def work(self) -> None:
        """Until cancelled."""
        await asyncio.sleep(self._random.random() * self._pace.look)
        while True:
            try:
                await self.look_at_inbox()
                await self.look_at_referrals()
            except Refused as no:
                self._book.refusals.append(str(no))
            await asyncio.sleep(self._pace.look * self._random.uniform(0.7, 1.3))

    async def look_at_inbox(self) -> None:
        async for task in self.person.all("/v1/tasks"):
            request = self._book.story_of(task)
            if request is None:
                continue
            for move in await self._moves(request, task):
                if not await self._does(f"/v1/tasks/{task['id']}", move):
                    break

    async def look_at_referrals(self) -> None:
        async for referral in self.person.all("/v1/referrals", role="source"):
            request = self._book.stories.get(referral["id"])
            if request is None:
                continue
            self._book.seen[referral["id"]] = referral
            move = source_move(request, referral, self._clock(request))
            if move is not None:
                await self._does(f"/v1/referrals/{referral['id']}", await self._addressed(request, referral, move))

    async def see_own_referrals(self) -> None:
        """Only look: what the organization has asked for, as it stands now."""
        async for referral in self.person.all("/v1/referrals", role="source"):
            if referral["id"] in self._book.stories:
                self._book.seen[referral["id"]] = referral

    async def _moves(self, request: Request, task: dict[str, Any]) -> list[Move]:
        """Only what is ours to do now; several are one sitting, so the first one says."""
        if task["state"] == "info_requested":
            return [await self._answer(request, task)] if "answer" in task["allowed_actions"] else []
        if task["organization_id"] == self._id and self.organization.worker:
            return []  # its own system answers
        moves = target_moves(request, task, self._clock(request), rerouted=self._book.is_rerouted(request, task))
        if not moves or moves[0].verb not in task["allowed_actions"]:
            return []
        if task["organization_id"] != self._id:  # by phone: we record what they said
            return [Move(move.verb, move.body | {"said_by": SAID_BY}) for move in moves]
        return moves

    async def _answer(self, request: Request, task: dict[str, Any]) -> Move:
        """Without a consent nobody could read the answer, so the client is asked for one first."""
        body: dict[str, Any] = {"text": request.ending.answer or "Yes."}
        if request.consent is None and not request.on_behalf:
            body["consent_id"] = await self.ask_consent(request, task["client_id"], task["organization_id"])
        return Move("answer", body)

    async def _addressed(self, request: Request, referral: dict[str, Any], move: Move) -> Move:
        """A re-route names the service by id, and takes a consent that names the new partner."""
        if move.verb != "reroute":
            return move
        service = self._book.region.service(move.body["service"])
        body: dict[str, Any] = {"service_id": str(service.id), "anyway": True}
        if needs_consent(request, self.organization):
            target = str(service.organization_id)
            body["consent_id"] = await self.ask_consent(request, referral["client_id"], target)
        return Move("reroute", body)

    async def state_capacity(self) -> None:
        """What the own services have room for this month; not everybody says so."""
        if self._place[0] or self._random.random() > _STATE_THEIR_ROOM:
            return
        until = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
        for service in self._book.region.services:
            if service.organization_id == self.organization.id:
                said = {"open_slots": self._random.randint(2, 12), "lapses_on": until}
                await self.person.post(f"/v1/services/{service.id}/capacity", said)

    async def ask_consent(self, request: Request, client_id: str, *recipients: str) -> str:
        client = self._book.clients[request.client]
        body = consent_body(client, request, self.organization, client_id, recipients)
        consent = await self.person.post("/v1/consents", body)
        return str(consent["id"])

    async def _does(self, path: str, move: Move) -> bool:
        """False: a colleague, or time, was faster. That is everyday life; anything else is noted."""
        try:
            await self.person.post(f"{path}/{move.verb}", move.body)
        except Refused as no:
            if no.status == 409:
                self._book.lost_races += 1
            else:
                self._book.refusals.append(str(no))
            return False
        self._book.moves[move.verb] += 1
        return True

    def _clock(self, request: Request) -> Clock:
        """Somebody who leaves it to a colleague looks at it as if it were half a day earlier."""
        mine, all_of_us = self._place
        behind = 0.0 if request.number % all_of_us == mine else self._pace.day / 2
        return Clock(datetime.now(UTC) - timedelta(seconds=behind), self._pace.day)


def caseworkers(book: Casebook, http: httpx.AsyncClient, issuer: Issuer, pace: Pace) -> list[Caseworker]:
    """All who do casework at a partner that the cast asks or sends: one, or two who share an inbox."""
    involved = {request.source for request in book.cast}
    for request in book.cast:
        involved |= {slug.partition("/")[0] for slug in (request.service, request.reroute_to) if slug}
    found = []
    for slug in sorted(involved):
        organization = book.region.organization(slug)
        users = book.region.people_of(slug, "caseworker")
        for place, user in enumerate(users):
            person = Person(user.login, http, issuer.sign(user.login))
            found.append(Caseworker(person, organization, book, pace, (place, len(users))))
    return found


def backbone(region: Region, http: httpx.AsyncClient, issuer: Issuer) -> Person:
    """Somebody of the backbone, who watches."""
    login = region.people_of(region.agenda.collaborative.backbone, "backbone")[0].login
    return Person(login, http, issuer.sign(login))
