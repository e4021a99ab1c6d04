"""`concert templates` at a terminal: check, look, load; and what a slip of the pen is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import seed
from tests.cli.conftest import Run
from tests.house import House

SHIPPED = sorted((Path(seed.__file__).parent / "pathways").glob("*.yaml"))
REENTRY = (Path(seed.__file__).parent / "pathways" / "reentry.yaml").read_text()


@pytest.fixture
def urls(house: House) -> dict[str, str]:
    settings = house.settings
    return {
        "CONCERT_DATABASE_URL": settings.database_url,
        "CONCERT_ENGINE_DATABASE_URL": settings.engine_database_url,
        "CONCERT_ADMIN_DATABASE_URL": settings.admin_database_url,
    }


@pytest.fixture
def draft(home: Path) -> Path:
    file = home / "night_shift.yaml"
    file.write_text(REENTRY.replace("code: reentry", "code: night_shift"))
    return file


def test_the_shipped_files_are_checked_where_nothing_runs(tried: Run) -> None:
    status, said = tried("templates", "check", *map(str, SHIPPED))
    assert (status, said.count("sound.")) == (0, len(SHIPPED))


def test_slips_of_several_files_are_told_at_once(tried: Run, home: Path) -> None:
    (home / "a.yaml").write_text(REENTRY.replace("organization: housing", "organization: hosing"))
    (home / "b.yaml").write_text("code: b\n\tversion: 1\n")
    status, said = tried("templates", "check", "a.yaml", "b.yaml", "c.yaml")
    assert status == 1
    line = REENTRY[: REENTRY.index("organization: housing")].count("\n") + 1
    assert f"a.yaml:{line}: step first_night: there is no partner hosing. Did you mean housing?" in said
    assert "b.yaml:2: a tab stands where spaces belong. Indent with spaces." in said
    assert "c.yaml:1: there is no such file." in said
    assert "Correct that, then run: concert templates check a.yaml b.yaml c.yaml" in said


def test_the_same_code_in_two_files_is_a_slip(tried: Run, draft: Path, home: Path) -> None:
    (home / "twin.yaml").write_text(draft.read_text())
    status, said = tried("templates", "check", str(draft), "twin.yaml")
    assert (status, f"{draft} has this code too." in said) == (1, True)


def test_a_program_reads_slips_as_json(tried: Run, home: Path) -> None:
    (home / "a.yaml").write_text(REENTRY.replace("limit_days: 365", "limit_days: 3650"))
    status, said = tried("templates", "check", "a.yaml", "--json")
    assert status == 1
    (file,) = json.JSONDecoder().raw_decode(said)[0]["files"]
    assert [(slip["line"], slip["place"]) for slip in file["slips"]] == [(10, None)]


def test_a_draft_is_drawn_within_eighty_columns(tried: Run, draft: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("concert.console.WIDE", 80)
    status, said = tried("templates", "show", str(draft))
    assert status == 0
    drawn = said[said.index("●") :]
    assert max(map(len, drawn.splitlines())) <= 80
    assert "├─│─◆      Find work" in drawn
    assert "Only if “Served in the armed forces?” was answered yes." in drawn
    assert "Open Gate Workforce Center, Job Coach" in drawn


def test_a_picture_goes_into_a_file(tried: Run, home: Path, draft: Path) -> None:
    assert tried("templates", "show", str(draft), "--svg", "night.svg")[0] == 0
    assert (home / "night.svg").read_text().startswith("<svg")
    status, said = tried("templates", "show", str(draft), "--svg", "nowhere/night.svg")
    assert (status, "nowhere/night.svg cannot be written." in said) == (2, True)


def test_what_is_loaded_is_listed_shown_and_loaded_once(tried: Run, draft: Path, urls: dict[str, str]) -> None:
    status, said = tried("templates", "load", str(draft), "--as", "ruth.hub", **urls)
    assert (status, "night_shift, version 1: loaded." in said) == (0, True)
    assert "was there already" in tried("templates", "load", str(draft), **urls)[1]
    assert "night_shift" in tried("templates", **urls)[1]
    status, said = tried("templates", "show", "night_shift", **urls)
    assert (status, "Re-entry: home from jail (night_shift, version 1)" in said) == (0, True)
    body = json.loads(tried("templates", "show", "night_shift", "--json", **urls)[1])
    assert body["code"] == "night_shift"


def test_a_changed_file_asks_for_the_next_version(tried: Run, draft: Path, urls: dict[str, str]) -> None:
    assert tried("templates", "load", str(draft), **urls)[0] == 0
    draft.write_text(draft.read_text().replace("limit_days: 365", "limit_days: 300"))
    status, said = tried("templates", "load", str(draft), **urls)
    assert status == 1
    assert f"{draft}:3: version 1 is in the record and says something else" in said
    assert "Write `version: 2`." in said
    draft.write_text(draft.read_text().replace("version: 1", "version: 2"))
    assert "night_shift, version 2: loaded." in tried("templates", "load", str(draft), **urls)[1]
    status, said = tried("templates", "show", "night_shift", "--version", "1", **urls)
    assert (status, "version 1)" in said) == (0, True)


def test_a_file_is_checked_against_the_record_in_use(tried: Run, draft: Path, urls: dict[str, str]) -> None:
    assert tried("templates", "check", str(draft), "--record", **urls)[0] == 0
    status, said = tried("templates", "check", str(draft), "--record", "--collaborative", "elsewhere", **urls)
    assert (status, "no such collaborative" in said) == (2, True)


@pytest.mark.parametrize("command", ["templates", "templates show reentry", "templates load x.yaml"])
def test_where_nothing_runs_the_next_command_is_named(tried: Run, command: str) -> None:
    status, said = tried(*command.split())
    assert (status, "concert up" in said) == (1, True)


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("templates check", 2, "Missing argument"),
        ("templates show", 2, "Missing argument"),
        ("templates show x.yaml --version 1", 2, "A file has one version only."),
        ("templates show x.yaml", 1, "x.yaml:1: there is no such file."),
        ("templates show x.yaml --svg -", 2, "- names none"),
        ("templates show x --version 0", 2, "--version"),
    ],
)
def test_a_wrong_call_is_told(tried: Run, command: str, status: int, said: str) -> None:
    answered, heard = tried(*command.split())
    assert (answered, said in heard) == (status, True), heard


def test_a_code_that_is_not_there_names_the_list(tried: Run, urls: dict[str, str]) -> None:
    status, said = tried("templates", "show", "moonshot", **urls)
    assert (status, "Run: concert templates" in said) == (1, True)
