"""What is declared is locked: else an environment made from the lock lacks it."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from concert import doctor

ROOT = Path(__file__).resolve().parents[2]


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_requirement_is_locked_development_tools_included() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    names = {plain(re.split(r"[\[<>=; ]", each)[0]) for each in declared}
    lock = (ROOT / "requirements.lock").read_text()
    locked = {plain(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE)}
    assert sorted(names - locked) == []


@pytest.mark.parametrize(
    ("found", "said"),
    [("3.4.1", ""), ("2.9", "lib is 2.9, not >=3.3"), ("4.0", "lib is 4.0, not <4"), (None, "lib is missing")],
)
def test_the_doctor_notices_what_is_missing_or_of_another_version(
    monkeypatch: pytest.MonkeyPatch, found: str | None, said: str
) -> None:
    def installed(name: str) -> str:
        if found is None:
            raise PackageNotFoundError(name)
        return found

    monkeypatch.setattr(doctor, "version", installed)
    monkeypatch.setattr(doctor, "requires", lambda _: ["lib[extra]>=3.3,<4", 'tool>=9; extra == "dev"'])
    (finding,) = doctor._requirements()
    assert (finding.ok, said in finding.what) == (not said, True)
