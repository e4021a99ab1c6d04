"""Pathways for tests, put into the record as the steward would, and plans that follow them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from domain.pathway import Template
from tests.house import House, Person

Body = dict[str, Any]


def step(key: str, owner: Any = "lead", **more: Any) -> Body:
    return {"key": key, "title": f"Do {key.replace('_', ' ')}", "owner": owner, **more}


def load(house: House, code: str, steps: list[Body], *, version: int = 1, **more: Any) -> None:
    """A version of a pathway; what it must be to be read is read here."""
    body: Body = {
        "code": code,
        "version": version,
        "name": code.replace("_", " ").capitalize(),
        "definition": "For a test.",
        "strategy": "whole_family",
        "limit_days": 120,
        "review_every_days": 30,
        "goals": [],
        "steps": steps,
    } | more
    body = Template.parse(body).body()
    house.sql(
        "insert into plan_template (collaborative_id, code, version, name, definition, strategy, body, digest)"
        " values (%s, %s, %s, %s, %s, %s, %s::jsonb, %s)",
        house.region.collaborative_id,
        code,
        version,
        body["name"],
        body["definition"],
        body["strategy"],
        json.dumps(body),
        hashlib.sha256(json.dumps(body).encode()).hexdigest(),
    )


class Live:
    """A plan as its lead sees it, over HTTP; edits carry the version that was read last."""

    def __init__(self, house: House, lead: Person, body: Body) -> None:
        self.house, self.lead, self.body = house, lead, body

    @classmethod
    def begin(cls, house: House, template: str, lead: str = "cap", **more: Any) -> Live:
        person = house.caseworker(lead)
        if not {"client_id", "client", "household_id"} & set(more):
            more["client"] = {
                "given_name": "Rosalind",
                "family_name": "Featherstonehaugh",
                "residence": {"kind": "fixed", "county": "31157"},
            }
        return cls(house, person, person.does("/v1/action-plans", {"template": template, **more}))

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def path(self) -> str:
        return f"/v1/action-plans/{self.id}"

    def read(self) -> Body:
        self.body = self.lead.read(self.path)
        return self.body

    def step(self, key: str) -> Body:
        found: Body = next(one for one in self.read()["steps"] if one["key"] == key)
        return found

    def state(self, key: str) -> str:
        return str(self.step(key)["state"])

    def states(self) -> dict[str, str]:
        return {one["key"]: one["state"] for one in self.read()["steps"]}

    def task(self, key: str) -> str:
        """The path of the step's task."""
        return f"/v1/tasks/{self.step(key)['task']['id']}"

    def edit(self, path: str, body: Any = None) -> Body:
        """An edit that must succeed, on the version that is there now."""
        version = self.read()["version"]
        self.body = self.lead.does(f"{self.path}{path}", body, **{"If-Match": f'"{version}"'})
        return self.body

    def works(self, key: str, slug: str, outputs: Body | None = None, outcome: str | None = None) -> None:
        """The partner's people accept the step and complete it."""
        worker, task = self.house.caseworker(slug), self.task(key)
        worker.does(f"{task}/accept")
        worker.does(f"{task}/complete", {"outputs": outputs or {}} | ({"outcome": outcome} if outcome else {}))
