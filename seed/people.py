"""Clients in their households: invented, and the same for the same seed.

Each household is drawn from its own chance, so the first ten clients of a thousand are the first ten of ten.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import count

from seed.home import Home
from seed.ids import id_of
from seed.person import Client, Household, Member


def clients(seed: int, n: int) -> Iterator[Client]:
    """The first `n` people, household by household, heads first."""
    for _, members in _families(seed, n):
        yield from members


def households(seed: int, n: int) -> Iterator[Household]:
    """The households of `clients(seed, n)`; the last one has only the members that are among them."""
    for household, _ in _families(seed, n):
        yield household


def _families(seed: int, n: int) -> Iterator[tuple[Household, list[Client]]]:
    home = Home(seed)
    begun = 0
    for position in count():
        if begun >= n:
            return
        members = home.members(position, begun)[: n - begun]
        begun += len(members)
        yield _household(seed, position, members), members


def _household(seed: int, position: int, members: list[Client]) -> Household:
    listed = (Member(one.id, one.role, max(one.residence.valid_from, _born(one))) for one in members)
    return Household(id_of(seed, "household", str(position)), f"household-{position}", tuple(listed))


def _born(client: Client) -> date:
    return client.birth_date or date(client.birth_year, 1, 1)
