"""`concert partners`: a table that fits a terminal, JSON, and files."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from domain.task import Outcome
from services.requests import Finished
from services.spans import moved
from tests.cli.conftest import Run
from tests.house import House
from tests.services.scenes import refer

PAST = moved(datetime.now(UTC).strftime("%Y-%m"), -2)


def test_the_backbone_reads_the_scorecards_at_a_terminal(house: House, tried: Run, home: Path) -> None:
    house.sql("update agenda set body = jsonb_set(body, '{scorecards,begin_on}', '\"2000-01-01\"')")
    refer(house, "cap", "cap", finished=Finished(Outcome.NEED_MET, datetime.fromisoformat(f"{PAST}-10T18:00:00Z")))
    urls = {
        "CONCERT_DATABASE_URL": house.settings.database_url,
        "CONCERT_ENGINE_DATABASE_URL": house.settings.engine_database_url,
    }
    months = ("--from", PAST, "--to", PAST)
    status, said = tried("partners", *months, **urls)
    assert status == 0, said
    table = said.split("\n\n")[0].splitlines()
    assert max(map(len, (line.rstrip() for line in table))) <= 100
    (line,) = [each for each in table if each.startswith(house.region.organization("cap").name[:20])]
    assert line.split()[-6:] == ["0", "0", "1", "1", "0", "0"], "declined, expired, done, met, open, late"
    status, said = tried("partners", *months, "--as", "maria.cap", "--json", **urls)
    assert status == 0, said
    assert [one["name"] for one in json.loads(said)["partners"]] == [house.region.organization("cap").name]
    files = home / "partners.csv", home / "partners.xlsx"
    status, said = tried("partners", *months, "--csv", str(files[0]), "--xlsx", str(files[1]), **urls)
    assert status == 0, said
    assert files[0].read_text().startswith("partner,organization_id,period,indicator,")
    assert files[1].read_bytes()[:2] == b"PK"
    for wrong in (("--from", "soon"), ("--from", "2026-11", "--to", "2026-10")):
        status, said = tried("partners", *wrong, **urls)
        assert status == 2, said
        assert "concert partners --help" in said
    status, said = tried("partners", "--csv", str(files[0]), "--xlsx", str(files[0]), **urls)
    assert (status, "the same file" in said) == (2, True)
    status, said = tried("partners", "--csv", str(home / "nowhere" / "x.csv"), **urls)
    assert status == 1
    assert "cannot be written" in said
