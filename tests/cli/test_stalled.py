"""`concert stalled`: also a referral that its source has left lying."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Run
from tests.cli.shell import start
from tests.house import House
from tests.services.scenes import refer, task_of


@pytest.fixture(scope="module")
def urls(house: House) -> dict[str, str]:
    return {
        "CONCERT_DATABASE_URL": house.settings.database_url,
        "CONCERT_ENGINE_DATABASE_URL": house.settings.engine_database_url,
    }


@pytest.fixture(scope="module")
def declined(house: House) -> Any:
    referral = refer(house, "cap", "housing")
    body = {"reason_code": "full", "reason_class": "no_capacity"}
    house.person("gwen.housing").does(f"{task_of(referral)}/decline", body)
    house.sql("update referral set due_at = now() - interval '1 hour' where id = %s", str(referral.id))
    return referral


def test_a_referral_that_waits_for_its_source_is_listed_with_what_lies_behind(
    declined: Any, tried: Run, urls: dict[str, str]
) -> None:
    status, said = tried("stalled", "--json", **urls)
    assert status == 0, said
    (item,) = json.loads(said)["items"]
    assert (item["id"], item["symptom"], item["cause"]) == (str(declined.id), "source_has_not_chosen", "no_capacity")
    status, said = tried("stalled", **urls)
    assert status == 0, said
    assert declined.reference in said
    assert "no capacity" in said


def test_only_one_kind_or_one_organization_s_turn_is_listed(declined: Any, tried: Run, urls: dict[str, str]) -> None:
    def ids(*options: str) -> list[str]:
        status, said = tried("stalled", "--json", *options, **urls)
        assert status == 0, said
        return [item["id"] for item in json.loads(said)["items"]]

    assert ids("--kind", "referral") == ids("--organization", "cap") == [str(declined.id)]
    assert ids("--kind", "task") == ids("--organization", "housing") == []


def test_a_kind_or_an_organization_that_is_none_is_told_in_words(tried: Run, urls: dict[str, str]) -> None:
    for options, word in ((("--kind", "ghost"), "action_plan"), (("--organization", "ghost"), "housing")):
        status, said = tried("stalled", *options, **urls)
        assert status == 2, said
        assert word in said


@pytest.mark.parametrize(("options", "line"), [(("--json",), '"no_capacity"'), ((), "1 stand still")])
def test_whoever_watches_sees_it_again_and_ends_with_ctrl_c(
    declined: Any, tmp_path: Path, urls: dict[str, str], options: tuple[str, ...], line: str
) -> None:
    running = start(tmp_path, "stalled", "--watch", *options, **urls)
    running.hears(line)
    running.hears_again(line)
    running.stop()
    assert running.process.returncode == 0, running.complaints
    assert running.complaints == []
    if options:
        assert [item["id"] for item in json.loads(running.lines[-1])["items"]] == [str(declined.id)]
    assert sum(bool(re.search(line, said)) for said in running.lines) >= 2
