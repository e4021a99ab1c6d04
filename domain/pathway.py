"""A plan template, called pathway by those who agree on it: which steps, whose, in which order, under which condition.

Data only. `Template.body()` is what the record keeps and what a file says; `Template.parse` reads it back. Whether the
steps make sense together is `domain.soundness`; whether the owners and indicators exist, the services ask the record.

A step opens when all that it comes after are done or skipped. It is skipped when one of its conditions does not hold:
also when the step that would have answered was itself skipped. What follows a skipped step goes on without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from hashlib import sha256
from typing import Any

from domain.clock import Clock
from domain.limit import Limit

Answers = Mapping[str, Mapping[str, Any]]
"""Step key → what completing it recorded: `{"screening": {"housing_risk": "yes"}}`."""
YES_NO = ("yes", "no")
_MOST = 10**12


class FieldKind(StrEnum):
    """There is no free text on purpose: answers are counted, and travel where no personal data may."""

    CHOICE = "choice"
    YES_NO = "yes_no"
    NUMBER = "number"
    DATE = "date"


class StepKind(StrEnum):
    STEP = "step"
    REFERRAL = "referral"


class Policy(StrEnum):
    """What happens when the owner declines, or cannot do it after all."""

    OTHER_PROVIDER = "other_provider"
    LEAD = "lead"
    SKIP = "skip"
    STOP = "stop"


MONEY = "usd"
"""The unit of amounts of money. One that came back is entered in error, and not recorded as one below 0."""


@dataclass(frozen=True, slots=True)
class Choice:
    code: str
    label: str
    es: str | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One question of the small form that completes a step. `yes_no` is answered with "yes" or "no"."""

    key: str
    kind: FieldKind
    label: str
    es: str | None = None
    choices: tuple[Choice, ...] = ()
    required: bool = True
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None

    @property
    def codes(self) -> tuple[str, ...]:
        """The answers that there are; empty for a number or a date."""
        return YES_NO if self.kind is FieldKind.YES_NO else tuple(choice.code for choice in self.choices)

    def refuse(self, answer: object) -> str | None:
        """What is wrong with the answer, without repeating it; None if it is one."""
        if self.kind is FieldKind.NUMBER:
            return self._refuse_number(answer)
        if self.kind is FieldKind.DATE:
            return None if _is_date(answer) else "a date such as 2026-11-24 is needed"
        return None if answer in self.codes else f"one of {', '.join(self.codes)} is needed"

    def _refuse_number(self, answer: object) -> str | None:
        if isinstance(answer, bool) or not isinstance(answer, int | float) or not -_MOST < answer < _MOST:
            return "a number is needed"
        if self.minimum is not None and answer < self.minimum:
            return f"at least {self.minimum:g} is needed"
        if self.maximum is not None and answer > self.maximum:
            return f"at most {self.maximum:g} is needed"
        if self.unit == MONEY and Decimal(str(round(answer, 6))) % Decimal("0.01"):
            return "an amount has whole cents"
        if self.unit == MONEY and answer < 0:
            return "an amount is not below 0"
        return None


@dataclass(frozen=True, slots=True)
class Owner:
    """Who does the step: an organization, a service of one, whoever offers the term, or (all None) the plan's lead."""

    organization: str | None = None
    service: str | None = None
    term: str | None = None

    @property
    def is_lead(self) -> bool:
        return self.organization is None and self.term is None

    @property
    def may_be_replaced(self) -> bool:
        """Another provider can be looked for, because what is needed has a name."""
        return self.service is not None or self.term is not None


@dataclass(frozen=True, slots=True)
class Condition:
    """On the answer to `field` of the earlier step `step`. Exactly one of `one_of` and the two limits is given."""

    step: str
    field: str
    one_of: tuple[str, ...] = ()
    at_least: float | None = None
    at_most: float | None = None

    def holds(self, answers: Answers) -> bool:
        """An answer that nobody gave makes no condition hold."""
        answer = answers.get(self.step, {}).get(self.field)
        if answer is None:
            return False
        if self.one_of:
            return answer in self.one_of
        return (self.at_least is None or answer >= self.at_least) and (self.at_most is None or answer <= self.at_most)


@dataclass(frozen=True, slots=True)
class Goal:
    """What the family wants, as a need: one term, with an outcome of its own when the plan closes."""

    key: str
    name: str
    term: str
    es: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """`kind` referral: an offer that the partner may decline and that the lead confirms; step: done when completed.

    `opens_after_days`: so many days after the last step before it ended, as for a follow-up.
    """

    key: str
    title: str
    owner: Owner
    es: str | None = None
    kind: StepKind = StepKind.STEP
    after: tuple[str, ...] = ()
    when: tuple[Condition, ...] = ()
    form: tuple[Field, ...] = ()
    clocks: Mapping[Clock, Limit] = field(default_factory=dict)
    feeds: tuple[str, ...] = ()
    may_skip: bool = False
    on_decline: Policy = Policy.LEAD
    on_failure: Policy = Policy.LEAD
    goal: str | None = None
    opens_after_days: int = 0

    def question(self, key: str) -> Field | None:
        return next((one for one in self.form if one.key == key), None)

    def refuse(self, outputs: Mapping[str, Any]) -> list[tuple[str, str]]:
        """(field, what is wrong) for each answer that does not fit the form."""
        wrong = [(key, "the form of this step does not ask for it") for key in outputs if self.question(key) is None]
        for one in self.form:
            answer = outputs.get(one.key)
            if answer is None:
                wrong += [(one.key, "an answer is needed")] if one.required else []
            elif said := one.refuse(answer):
                wrong.append((one.key, said))
        return wrong

    def limits(self) -> dict[str, dict[str, dict[str, float]]]:
        """A layer for `domain.clock.Limits.of`: the same limits whatever the priority."""
        own: dict[str, dict[str, float]] = {str(clock): dict(limit.as_json()) for clock, limit in self.clocks.items()}
        return {"routine": own, "urgent": own}


@dataclass(frozen=True, slots=True)
class Template:
    """`limit_days`: how long a whole plan may take; `review_every_days`: how often its goals are looked at."""

    code: str
    name: str
    definition: str
    strategy: str
    limit_days: int
    review_every_days: int
    goals: tuple[Goal, ...]
    steps: tuple[Step, ...]
    version: int = 1
    es: str | None = None

    def step(self, key: str) -> Step:
        return next(step for step in self.steps if step.key == key)

    def goal(self, key: str) -> Goal:
        return next(goal for goal in self.goals if goal.key == key)

    def order(self) -> dict[str, tuple[str, ...]]:
        """As `domain.graph` and `domain.rails` take it."""
        return {step.key: step.after for step in self.steps}

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Template:
        """From what `body()` wrote, or a file that was checked: a slip in it is a KeyError, TypeError or ValueError."""
        return cls(
            code=body["code"],
            name=body["name"],
            definition=body["definition"],
            strategy=body["strategy"],
            limit_days=body["limit_days"],
            review_every_days=body["review_every_days"],
            goals=tuple(Goal(**goal) for goal in body.get("goals", ())),
            steps=tuple(parse_step(step) for step in body["steps"]),
            version=body.get("version", 1),
            es=body.get("es"),
        )

    @property
    def digest(self) -> str:
        """The same for templates that say the same, whatever their version."""
        body = {name: said for name, said in self.body().items() if name != "version"}
        return sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def body(self) -> dict[str, Any]:
        """As JSON, without what is not said: equal templates have equal bodies, `version` apart."""
        return _said(
            code=self.code,
            version=self.version,
            name=self.name,
            es=self.es,
            definition=self.definition,
            strategy=self.strategy,
            limit_days=self.limit_days,
            review_every_days=self.review_every_days,
            goals=[_said(key=goal.key, name=goal.name, es=goal.es, term=goal.term) for goal in self.goals],
            steps=[step_body(step) for step in self.steps],
        )


def _is_date(answer: object) -> bool:
    try:
        return isinstance(answer, str) and date.fromisoformat(answer).isoformat() == answer
    except ValueError:
        return False


def _said(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in (None, (), [], {}, False)}


def parse_step(body: Mapping[str, Any]) -> Step:
    """From what `step_body` wrote."""
    return Step(
        key=body["key"],
        title=body["title"],
        es=body.get("es"),
        owner=_owner(body["owner"]),
        kind=StepKind(body.get("kind", "step")),
        after=tuple(body.get("after", ())),
        when=tuple(_condition(one) for one in body.get("when", ())),
        form=tuple(_field(one) for one in body.get("form", ())),
        clocks={Clock(clock): Limit.parse(limit) for clock, limit in body.get("clocks", {}).items()},
        feeds=tuple(body.get("feeds", ())),
        may_skip=body.get("may_skip", False),
        on_decline=Policy(body.get("on_decline", "lead")),
        on_failure=Policy(body.get("on_failure", "lead")),
        goal=body.get("goal"),
        opens_after_days=body.get("opens_after_days", 0),
    )


def _owner(body: str | Mapping[str, Any]) -> Owner:
    return Owner() if isinstance(body, str) else Owner(**body)


def _condition(body: Mapping[str, Any]) -> Condition:
    return Condition(**{**body, "one_of": tuple(body.get("one_of", ()))})


def _field(body: Mapping[str, Any]) -> Field:
    choices = tuple(Choice(**choice) for choice in body.get("choices", ()))
    return Field(**{**body, "kind": FieldKind(body["kind"]), "choices": choices})


def step_body(step: Step) -> dict[str, Any]:
    """As JSON, without what is not said."""
    owner = step.owner
    return _said(
        key=step.key,
        title=step.title,
        es=step.es,
        owner="lead"
        if owner.is_lead
        else _said(organization=owner.organization, service=owner.service, term=owner.term),
        kind=str(step.kind),
        after=list(step.after),
        when=[_condition_body(one) for one in step.when],
        form=[_field_body(one) for one in step.form],
        clocks={str(clock): limit.as_json() for clock, limit in step.clocks.items()},
        feeds=list(step.feeds),
        may_skip=step.may_skip,
        on_decline=str(step.on_decline),
        on_failure=str(step.on_failure),
        goal=step.goal,
        opens_after_days=step.opens_after_days or None,
    )


def _condition_body(one: Condition) -> dict[str, Any]:
    body = {"step": one.step, "field": one.field}
    limits = {"at_least": one.at_least, "at_most": one.at_most}
    given = {name: value for name, value in limits.items() if value is not None}
    return body | ({"one_of": list(one.one_of)} if one.one_of else given)


def _field_body(one: Field) -> dict[str, Any]:
    limits = {"minimum": one.minimum, "maximum": one.maximum}
    return (
        _said(
            key=one.key,
            kind=str(one.kind),
            label=one.label,
            es=one.es,
            choices=[_said(code=choice.code, label=choice.label, es=choice.es) for choice in one.choices],
            unit=one.unit,
        )
        | {name: value for name, value in limits.items() if value is not None}
        | ({} if one.required else {"required": False})
    )
