"""A command or a setting that the README does not tell of does not exist for those who need it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from concert.cli import app
from concert.settings import Settings

README = Path(__file__).resolve().parents[2] / "README.md"
ORDINARY = {"data_dir": ".concert"}
"""Defaults that depend on who asks, as an ordinary user has them."""


def section(title: str) -> str:
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", README.read_text(), re.DOTALL | re.MULTILINE)
    assert found, f"the README has no section {title}"
    return found[1]


def commands() -> list[str]:
    """As they are typed: `up`, `indicators show`."""
    names = [one.callback.__name__ for one in app.registered_commands if one.callback]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        inner = [one.callback.__name__ for one in group.typer_instance.registered_commands if one.callback]
        names += [str(group.name), *(f"{group.name} {name}" for name in inner)]
    return names


@pytest.mark.parametrize("command", commands())
def test_every_command_stands_in_the_readme(command: str) -> None:
    rows = [line.split("|")[1] for line in section("Commands").splitlines() if line.startswith("| `concert")]
    assert any(re.search(rf"`concert {command}( [-A-Z][^`]*)?`", row) for row in rows)


def test_the_readme_tells_of_no_command_that_is_not_there() -> None:
    first = {name.split()[0] for name in commands()}
    assert set(re.findall(r"^\| `concert ([a-z]+)", section("Commands"), re.MULTILINE)) <= first


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_stands_in_the_readme_with_its_default_and_meaning(name: str) -> None:
    field = Settings.model_fields[name]
    default = ORDINARY.get(name, field.default)
    shown = "–" if default in ("", None) else f"`{default}`"
    assert f"| `CONCERT_{name.upper()}` | {shown} | {field.description} |" in section("Settings")


def test_the_readme_tells_of_no_setting_that_is_not_there() -> None:
    known = {f"CONCERT_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"^\| `(CONCERT_[A-Z_]+)`", section("Settings"), re.MULTILINE)) <= known
