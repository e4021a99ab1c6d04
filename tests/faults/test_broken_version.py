"""A broken release is deployed: it is named within 90 s, other cases go on, mended code finishes all of them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.faults.test_network import statuses
from tests.faults.test_temporal import open_referral
from tests.faults.town import ROOT, Role, Town, insist, wrong
from tests.house import OUTCOME, eventually
from tests.services.plans import Live, load, step

WITHIN_SECONDS = 90


class BrokenRole(Role):
    """The worker of the broken release."""

    program = "tests.faults.release"


@contextmanager
def deployed(town: Town) -> Iterator[Role]:
    """Instead of the good worker, which comes back afterwards."""
    town.roles["worker"].kill()
    broken = BrokenRole("worker", town.directory, town.environment)
    broken.start()
    try:
        yield broken
    finally:
        broken.kill()
        print(f"--- the broken worker\n{broken.last_words()}")  # noqa: T201
        town.roles["worker"].start()


@pytest.mark.timeout(240)
def test_a_broken_release_is_named_within_90_seconds_others_go_on_and_mended_code_finishes_the_cases(
    town: Town,
) -> None:
    old = open_referral(town)
    for verb in ("accept", "start"):
        moves(town, old, verb)
    load(town.house, "kept", [step("listen"), step("rent", {"organization": "housing"}, after=["listen"])])
    plan = Live.begin(town.house, "kept")
    assert wrong(town) == []
    with deployed(town) as broken:
        since = time.monotonic()
        eventually(lambda: town.beats(broken), seconds=40)
        moves(town, old, "complete")
        new = open_referral(town)
        codes = eventually(lambda: named(town, {old["id"], new["id"]}), seconds=WITHIN_SECONDS, pause=0.5)
        took = time.monotonic() - since
        assert took < WITHIN_SECONDS
        assert codes == {old["id"]: "NonDeterministicError", new["id"]: "WorkflowWorkerUnhandledFailure"}
        assert 'concert_cases{kind="referral",trouble="failing"} 2.0' in scraped(town)
        assert 'concert_ailment{code="WorkflowFailing"} 1.0' in scraped(town)
        status, told = command(town)
        assert status == 1
        assert "WorkflowFailing" in [each["code"] for each in told["ailments"]]
        plan.works("listen", "cap")
        eventually(lambda: plan.state("rent") == "open", seconds=60, pause=0.2)
        print(f"named {took:.0f} s after its deployment")  # noqa: T201
    close(town, old)
    for verb in ("accept", "start", "complete"):
        moves(town, new, verb)
    close(town, new)
    finished = [f"referral-{each['id']}" for each in (old, new)]
    eventually(lambda: set(statuses(town, finished)) == {"COMPLETED"}, seconds=90, pause=0.3)
    eventually(lambda: "WorkflowFailing" not in ailments(town), seconds=60, pause=0.5)
    town.quiet()
    assert wrong(town) == []


def moves(town: Town, referral: Any, verb: str) -> None:
    """People notice nothing."""
    path = f"/v1/tasks/{referral['tasks'][0]['id']}/{verb}"
    said = insist(town.house.caseworker("housing"), path, OUTCOME if verb == "complete" else {})
    assert said.status == 200, said.answer


def close(town: Town, referral: Any) -> None:
    said = insist(town.house.caseworker("cap"), f"/v1/referrals/{referral['id']}/confirm", OUTCOME)
    assert said.status == 200, said.answer


def monitor(town: Town) -> Any:
    return town.house.person("ruth.hub").read("/v1/monitor/engine")


def ailments(town: Town) -> list[str]:
    return [each["code"] for each in monitor(town)["ailments"]]


def named(town: Town, ids: set[str]) -> dict[str, str] | None:
    """Temporal's own code of each of these cases, once all of them are named."""
    found = {e["id"]: e["code"] for e in monitor(town)["findings"] if e["trouble"] == "failing" and e["id"] in ids}
    return found if found.keys() == ids else None


def scraped(town: Town) -> str:
    return eventually(lambda: _fresh(town), seconds=20, pause=1)


def _fresh(town: Town) -> str:
    """What a scrape says after the monitor's answer: it may be some seconds old."""
    text = town.house.http.get("/metrics").text
    return text if 'trouble="failing"} 2.0' in text else ""


def command(town: Town) -> tuple[int, Any]:
    """`concert engine`, as somebody types it."""
    line = [sys.executable, "-m", "concert", "engine", "--json"]
    done = subprocess.run(line, cwd=ROOT, env=town.environment, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout)
