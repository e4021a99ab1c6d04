"""The folder dies again and again while people complete, take back, link and lose transactions: no figure is wrong.

`python -m bench.ledger` is the same at full size.
"""

from __future__ import annotations

import pytest

from bench.ledger import Rush, run
from tests.house import House


@pytest.mark.timeout(300)
def test_no_completion_is_lost_under_eight_writers_while_the_folder_is_killed_three_times(house: House) -> None:
    settings = house.settings
    asked = Rush(completions=56, writers=8, kills=3, processes=1)
    rush = run(asked, house.region, settings.database_url, settings.engine_database_url)
    done = rush.done
    print(f"{dict(done)}, killed {rush.caught} times, {rush.seconds:.0f} s")  # noqa: T201
    assert rush.verified["differences"] == []
    assert rush.verified["marked"]
    assert done["completions"] == asked.completions
    assert rush.caught == asked.kills
    assert min(done[what] for what in ("voided", "rolled back", "linked", "parted")) > 0
    ((folded, left),) = house.sql(
        "select (select count(*) from indicator_total), (select count(*) from entry_unfolded)"
    )
    assert folded > 0
    assert left == 0
