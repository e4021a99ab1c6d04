"""Each benchmark that fills a record by SQL, once and small: whether it still runs, not how fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bench import partners, scorecard, stalled
from concert.embedded import EmbeddedPostgres
from seed.agreement import agenda
from tests.conftest import Cluster

Side = dict[str, Any]
Prepare = Callable[[EmbeddedPostgres, int], Side]


def _partners(server: EmbeddedPostgres, size: int) -> Side:
    side = scorecard.prepare(server, size, agenda().scorecards["figures"])
    partners.add_tasks(server.admin_url.removesuffix("/concert") + f"/events_{size}", size, 100)
    return side


@pytest.mark.parametrize(
    ("prepare", "measure", "size"),
    [
        (stalled.prepare, stalled.measure, 2_000),
        (scorecard.prepare, scorecard.measure, 400),
        (_partners, partners.measure, 500),
    ],
    ids=["stalled", "scorecard", "partners"],
)
def test_it_fills_a_record_and_asks_it(
    cluster: Cluster,
    prepare: Prepare,
    measure: Callable[[dict[int, Side], int], dict[str, dict[int, float]]],
    size: int,
) -> None:
    side = prepare(cluster.server, size)
    medians = measure({size: side}, 1)
    side["record"].database.dispose()
    assert medians
    assert all(by[size] > 0 for by in medians.values())
