"""The rules ask neither clock nor chance nor machine. Temporal's sandbox lets them through."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

RULES = sorted((Path(__file__).parents[2] / "domain").glob("*.py"))
IMPURE = frozenset({"os", "random", "secrets", "socket", "subprocess", "sys", "threading", "time"})
CALLS = frozenset({"now", "utcnow", "today", "uuid1", "uuid4", "open"})


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.stem)
def test_a_rule_depends_on_what_it_is_given_alone(file: Path) -> None:
    assert impurities(file.read_text()) == set()


@pytest.mark.parametrize(
    "code", ["import time", "from random import choice", "datetime.now()", "date.today()", "x = uuid4()", "open('f')"]
)
def test_this_would_be_found(code: str) -> None:
    assert impurities(code)


def impurities(code: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Import(names):
                found |= {each.name.partition(".")[0] for each in names} & IMPURE
            case ast.ImportFrom(module, names):
                found |= {(module or "").partition(".")[0]} & IMPURE
                found |= {each.name for each in names} & CALLS
            case ast.Call(ast.Attribute(attr=name) | ast.Name(id=name)):
                found |= {name} & CALLS
    return found
