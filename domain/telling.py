"""A pathway in words that can be read aloud: whose a step is, when it happens, and what happens otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.pathway import Condition, Field, FieldKind, Owner, Policy, Step, StepKind, Template

_ENGLISH = {
    "lead": "The plan's lead",
    "whoever": "Whoever offers {term}",
    "only": "Only if {what}.",
    "and": " and ",
    "or": " or ",
    "said": "“{question}” was answered {answers}",
    "least": "“{question}” is at least {limit}",
    "most": "“{question}” is at most {limit}",
    "between": "“{question}” is from {low} to {high}",
    "yes": "yes",
    "no": "no",
    "referral": "referral",
    "days": "opens {days} days later",
    "may_skip": "may be skipped",
    "other_provider": "another provider is asked {verb}",
    "skip": "skipped {verb}",
    "stop": "the plan stops {verb}",
    "decline": "if declined",
    "failure": "if it fails",
    "both": "if declined or if it fails",
}
_SPANISH = {
    "lead": "Quien dirige el plan",
    "whoever": "Quien ofrezca: {term}",
    "only": "Solo si {what}.",
    "and": " y ",
    "or": " o ",
    "said": "a «{question}» se respondió {answers}",
    "least": "«{question}» es al menos {limit}",
    "most": "«{question}» es a lo más {limit}",
    "between": "«{question}» es de {low} a {high}",
    "yes": "sí",
    "no": "no",
    "referral": "referencia",
    "days": "se abre {days} días después",
    "may_skip": "se puede omitir",
    "other_provider": "se pide a otro proveedor {verb}",
    "skip": "se omite {verb}",
    "stop": "el plan se detiene {verb}",
    "decline": "si se rechaza",
    "failure": "si fracasa",
    "both": "si se rechaza o fracasa",
}


class Telling:
    """`names`: organization's slug → name; `terms`: code → name. What has no name is said by its code."""

    def __init__(
        self,
        template: Template,
        names: Mapping[str, str] | None = None,
        terms: Mapping[str, str] | None = None,
        *,
        language: str = "en",
    ) -> None:
        self._template = template
        self._names, self._terms = names or {}, terms or {}
        self._spanish = language.startswith("es")
        self._words = _SPANISH if self._spanish else _ENGLISH

    def title(self, thing: Template | Step) -> str:
        return self.either(thing.name if isinstance(thing, Template) else thing.title, thing.es)

    def either(self, english: str, spanish: str | None) -> str:
        """English where nobody has translated it."""
        return spanish or english if self._spanish else english

    def answers(self, asked: Field) -> dict[str, str]:
        """Code → label of each answer that there is; empty for a number or a date."""
        if asked.kind is FieldKind.YES_NO:
            return {code: self._words[code] for code in asked.codes}
        return {choice.code: self.either(choice.label, choice.es) for choice in asked.choices}

    def owner(self, owner: Owner) -> str:
        if owner.term is not None:
            return self._words["whoever"].format(term=self._terms.get(owner.term, owner.term))
        if owner.organization is None:
            return self._words["lead"]
        name = self._names.get(owner.organization, owner.organization)
        return f"{name}, {owner.service}" if owner.service else name

    def condition(self, step: Step) -> str | None:
        """One sentence; None if the step always happens."""
        said = [self._clause(one) for one in step.when]
        return self._words["only"].format(what=self._words["and"].join(said)) if said else None

    def manner(self, step: Step) -> list[str]:
        """What else there is to know, most of it left unsaid because it is as usual."""
        words = self._words
        said = [words["referral"]] if step.kind is StepKind.REFERRAL else []
        said += [words["days"].format(days=step.opens_after_days)] if step.opens_after_days else []
        said += [words["may_skip"]] if step.may_skip else []
        return said + list(self._otherwise(step))

    def _otherwise(self, step: Step) -> Iterable[str]:
        if step.on_decline is step.on_failure:
            if step.on_decline is not Policy.LEAD:
                yield self._policy("both", step.on_decline)
            return
        for verb, policy in (("decline", step.on_decline), ("failure", step.on_failure)):
            if policy is not Policy.LEAD:
                yield self._policy(verb, policy)

    def _policy(self, verb: str, policy: Policy) -> str:
        return self._words[str(policy)].format(verb=self._words[verb])

    def _clause(self, one: Condition) -> str:
        asked = self._template.step(one.step).question(one.field)
        assert asked is not None, "a template that was checked asks for what its conditions read"
        question = self.either(asked.label, asked.es)
        if one.one_of:
            labels = self.answers(asked)
            quoted = "{}" if asked.kind is FieldKind.YES_NO else "«{}»" if self._spanish else "“{}”"
            answers = self._words["or"].join(quoted.format(labels[code]) for code in one.one_of)
            return self._words["said"].format(question=question, answers=answers)
        low, high = (None if n is None else f"{n:g}" for n in (one.at_least, one.at_most))
        phrase = self._words["between" if low and high else "least" if low else "most"]
        return phrase.format(question=question, limit=low or high, low=low, high=high)
