"""A message that can never be delivered stands aside; the others pass it."""

from __future__ import annotations

from tests.faults.test_network import close_one, statuses
from tests.faults.town import Town, wrong
from tests.house import eventually

LAST = 5
"""Attempts after which the next failure is the last: the six take a quarter of a minute."""
POISON = {
    "an id that no workflow may have": ("look", "referral-" + "x" * 2000),
    "an id of nothing": ("look", "nothing-at-all"),
}


def test_a_poison_message_is_set_aside_with_its_reason_and_the_others_flow(town: Town) -> None:
    town.quiet()
    for kind, workflow_id in POISON.values():
        town.house.sql("insert into outbox (kind, workflow_id, attempts) values (%s, %s, %s)", kind, workflow_id, LAST)
    finished = close_one(town)
    try:
        eventually(lambda: dead(town) == len(POISON))
        eventually(lambda: statuses(town, [finished]) == ["COMPLETED"], pause=0.2)
        town.quiet()
        said = wrong(town)
        assert len(said) == len(POISON), said
        assert all("a message was given up" in sentence for sentence in said)
        assert town.house.sql("select count(*) from outbox where dead and error is null") == [(0,)]
        assert town.roles["relay"].running
    finally:
        town.house.sql("delete from outbox where workflow_id = any(%s)", [each[1] for each in POISON.values()])
    assert wrong(town) == []


def dead(town: Town) -> int:
    found: int = town.house.sql("select count(*) from outbox where dead")[0][0]
    return found
