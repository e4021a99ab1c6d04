"""`concert agenda` at a terminal: check what somebody wrote, load it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import seed
from tests.cli.conftest import Run
from tests.house import House

SHIPPED = (Path(seed.__file__).parent / "agenda.yaml").read_text()


@pytest.fixture
def urls(house: House) -> dict[str, str]:
    return {"CONCERT_ADMIN_DATABASE_URL": house.settings.admin_database_url}


@pytest.fixture
def draft(home: Path) -> Path:
    file = home / "ours.yaml"
    file.write_text(SHIPPED)
    return file


def test_an_agenda_is_checked_where_nothing_runs(tried: Run, draft: Path) -> None:
    status, said = tried("agenda", "check", str(draft))
    assert (status, said.count("sound.")) == (0, 1)


def test_slips_are_told_with_their_lines(tried: Run, draft: Path) -> None:
    draft.write_text(SHIPPED.replace("p: 90", "p: 900"))
    status, said = tried("agenda", "check", "ours.yaml")
    line = SHIPPED[: SHIPPED.index("p: 90")].count("\n") + 1
    assert status == 1
    assert f"ours.yaml:{line}: indicator first_contact_p90: `rule.p`: a whole number from 1 to 99." in said
    status, said = tried("agenda", "check", "ours.yaml", "--json")
    assert json.loads(said[: said.rindex("}") + 1])["slips"][0]["line"] == line


def test_what_was_loaded_before_changes_nothing(tried: Run, draft: Path, urls: dict[str, str]) -> None:
    status, said = tried("agenda", "load", str(draft), **urls)
    assert (status, "nothing changed" in said) == (0, True)


def test_an_edited_version_is_refused_at_its_line_and_a_new_one_is_proposed(
    tried: Run, draft: Path, urls: dict[str, str]
) -> None:
    block = SHIPPED[SHIPPED.index("  - code: needs_unmet") : SHIPPED.index("  - code: clients_served")]
    draft.write_text(SHIPPED.replace(block, block.replace("outcome: unmet", "outcome: [unmet, partly_met]")))
    status, said = tried("agenda", "load", "ours.yaml", **urls)
    line = SHIPPED[: SHIPPED.index(block)].count("\n") + 2
    assert status == 1
    assert (
        f"ours.yaml:{line}: indicator needs_unmet: version 1 is in the record and says something else (rule)." in said
    )
    later = block.replace("outcome: unmet", "outcome: [unmet, partly_met]").replace("version: 1", "version: 2")
    draft.write_text(SHIPPED + later.replace("2025-07-01", "2026-01-01"))
    status, said = tried("agenda", "load", "ours.yaml", **urls)
    assert status == 0
    assert "needs_unmet, version 2: proposed" in said
    assert "concert indicators replay needs_unmet --version 2" in said


def test_what_was_agreed_on_is_shown_with_what_carries_it(tried: Run, house: House) -> None:
    status, said = tried("agenda", "--as", "ruth.hub", "--json", CONCERT_DATABASE_URL=house.settings.database_url)
    found = json.loads(said)
    assert status == 0
    carried = {one["code"]: one["indicators"] for one in found["strategies"]}
    assert "acknowledged_in_time" in carried["answer_fast"]
    assert any(one["commitments"] and one["adopted_on"] for one in found["adoptions"])
    assert {one["code"] for one in found["calendars"]} >= {"state_year", "federal_year"}


def test_an_indicator_says_whom_it_serves_and_whether_anybody_is_held_to_it(tried: Run, house: House) -> None:
    url = house.settings.database_url
    show = ("indicators", "show", "--as", "ruth.hub")
    status, said = tried(*show, "acknowledged_in_time", CONCERT_DATABASE_URL=url)
    assert status == 0
    assert "Serves safe_and_well by answer_fast" in said
    assert "Baseline 0.62 (2025-06); target 0.85 by 2027-06-30" in said
    status, said = tried(*show, "needs_met", CONCERT_DATABASE_URL=url)
    assert (status, "Baseline period: nobody is held to a target yet." in said) == (0, True)
    status, said = tried(
        *show, "clients_served", "--period", "calendar_year", "--from", "2026-03", CONCERT_DATABASE_URL=url
    )
    assert (status, "months do not add up" in said) == (2, True)
