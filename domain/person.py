"""Who is one person: records that links join, directly or over others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

LINKED, REVOKED = "clients_linked", "link_revoked"


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Each person that a pair names, with the least of all persons that it is joined with."""
    least: dict[str, str] = {}

    def find(person: str) -> str:
        while least.setdefault(person, person) != person:
            person = least[person]
        return person

    for pair in pairs:
        one, other = sorted(map(find, pair))
        least[other] = one
    return {person: find(person) for person in least}


class Links:
    """The links that hold after some events, told in their order."""

    def __init__(self) -> None:
        self._held: dict[str, tuple[str, bool, tuple[str, str]]] = {}

    def hear(self, collaborative_id: str, kind: str, restricted: bool, facts: Mapping[str, str]) -> None:
        """One event of kind LINKED or REVOKED; its facts name the link and its two persons."""
        if kind == LINKED:
            self._held[facts["link"]] = (collaborative_id, restricted, (facts["one"], facts["other"]))
        else:
            self._held.pop(facts["link"], None)

    def aliases(self) -> dict[tuple[str, bool, str], str]:
        """(collaborative, for confidential work, person) → who stands for them.

        Open figures know the links of open organizations only, confidential work knows all (ADR 13).
        """
        found: dict[tuple[str, bool, str], str] = {}
        for place in sorted({where for where, _, _ in self._held.values()}):
            for side in (False, True):
                pairs = [pair for where, hidden, pair in self._held.values() if where == place and (side or not hidden)]
                found |= {(place, side, person): canonical for person, canonical in joined(pairs).items()}
        return found
