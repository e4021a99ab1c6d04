"""All walks of a plan: people answer, correct what they said, and edit; whatever is ready follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import graph
from domain.pathway import Step, parse_step
from domain.plan import ENDED, Next, Standing, StepState, is_over, next_steps, reordered, require_answers
from domain.refusal import NotPossible

NOW, DAY = datetime(2026, 11, 24, 12, tzinfo=UTC), timedelta(days=1)
ANSWERS = ("yes", "no", None)


@st.composite
def pathways(draw: st.DrawFn) -> dict[str, Step]:
    """Sound ones: each step comes after earlier ones, and its conditions read what must have ended before it."""
    steps: dict[str, Step] = {}
    for key in "abcdefg"[: draw(st.integers(2, 7))]:
        after = draw(st.lists(st.sampled_from(sorted(steps)), max_size=2, unique=True)) if steps else []
        order = {one.key: one.after for one in steps.values()} | {key: tuple(after)}
        earlier = sorted(graph.before(order, key))
        reads = draw(st.lists(st.sampled_from(earlier), max_size=2, unique=True)) if earlier else []
        steps[key] = _step(key, after, [(read, draw(st.sampled_from(("yes", "no")))) for read in reads])
    return steps


def _step(key: str, after: list[str], reads: list[tuple[str, str]]) -> Step:
    when = [{"step": read, "field": "x", "one_of": [answer]} for read, answer in reads]
    form = [{"key": "x", "kind": "yes_no", "label": "?", "required": False}]
    return parse_step({"key": key, "title": key, "owner": "lead", "after": after, "when": when, "form": form})


@dataclass
class Walk:
    """A plan as the record would hold it; the engine looks after each move, as it does there."""

    steps: dict[str, Standing]

    def look(self) -> None:
        was = dict(self.steps)
        found = next_steps(self.steps, NOW, NOW, DAY)
        assert not set(found.back) & set(found.skip)
        for key in found.back:
            self.steps[key] = replace(self.steps[key], state=StepState.WAITING, ended_at=None, unwanted=False)
        for key in found.skip:
            self.steps[key] = replace(self.steps[key], state=StepState.SKIPPED, ended_at=NOW, unwanted=True)
        for key in found.open:
            self.steps[key] = replace(self.steps[key], state=StepState.OPEN, closed=False)
            self.check_opened(self.steps[key].step)
        for key in found.skip:
            assert not self.holds(self.steps[key].step), (key, was)
        self.check()

    def check(self) -> None:
        assert next_steps(self.steps, NOW, NOW, DAY) == Next(), "a repeat finds nothing"
        states = {one.state for one in self.steps.values()}
        assert StepState.OPEN in states or is_over(self.steps), "no limbo"
        for one in self.steps.values():
            if one.unwanted:
                assert not self.holds(one.step), "left out by an answer that stands"

    def check_opened(self, step: Step) -> None:
        for key in (*step.after, *(read.step for read in step.when)):
            assert key not in self.steps or self.steps[key].state in ENDED
        assert self.holds(step)

    def holds(self, step: Step) -> bool:
        """Written anew: what is asked, or will be, is no answer yet, and nobody may say that it is none."""
        said = {key: one.answers if one.state is StepState.DONE else {} for key, one in self.steps.items()}
        open_questions = [key for key, one in self.steps.items() if one.state not in ENDED]
        return all(read.step in open_questions or said.get(read.step, {}).get("x") in read.one_of for read in step.when)

    def move(self, what: str, key: str, other: str, answer: str | None) -> None:
        """One that does not fit how the step stands, or is refused, changes nothing."""
        one = self.steps.get(key)
        before = dict(self.steps)
        match one and (what, one.state):
            case ("answer", StepState.OPEN):
                said = {"x": answer} if answer else {}
                self.steps[key] = replace(self.at(key), state=StepState.DONE, ended_at=NOW, closed=True, answers=said)
            case ("correct", StepState.DONE):
                self.steps[key] = replace(self.at(key), state=StepState.OPEN, ended_at=None, closed=False, answers={})
            case ("skip", StepState.OPEN | StepState.WAITING):
                self.steps[key] = replace(self.at(key), state=StepState.SKIPPED, ended_at=NOW, closed=True)
            case ("drop", StepState.OPEN | StepState.WAITING):
                self.drop(key)
            case ("after", StepState.WAITING) if other in self.steps:
                self.place(key, other)
        try:
            require_answers(before, self.steps)
        except NotPossible:
            self.steps = before

    def at(self, key: str) -> Standing:
        return self.steps[key]

    def drop(self, key: str) -> None:
        gone = self.steps[key].step
        kept = {name: one for name, one in self.steps.items() if name != key}
        for name, one in kept.items():
            if key in one.step.after:
                after = [each for each in one.step.after if each != key] + list(gone.after)
                kept[name] = replace(one, step=replace(one.step, after=tuple(dict.fromkeys(after))))
        self.steps = kept

    def place(self, key: str, other: str) -> None:
        step = replace(self.steps[key].step, after=(other,))
        try:
            reordered([one.step for one in self.steps.values()], step)
        except NotPossible:
            return
        self.steps = self.steps | {key: replace(self.steps[key], step=step)}


MOVES: Any = st.lists(
    st.tuples(
        st.sampled_from(("answer", "answer", "correct", "skip", "drop", "after")),
        st.sampled_from("abcdefg"),
        st.sampled_from("abcdefg"),
        st.sampled_from(ANSWERS),
    ),
    max_size=25,
)


@given(steps=pathways(), moves=MOVES)
@settings(max_examples=400)
def test_however_people_answer_correct_and_edit_nothing_opens_or_ends_before_its_time(
    steps: dict[str, Step], moves: list[tuple[str, str, str, str | None]]
) -> None:
    walk = Walk({key: Standing(step) for key, step in steps.items()})
    walk.look()
    for what, key, other, answer in moves:
        walk.move(what, key, other, answer)
        walk.look()
