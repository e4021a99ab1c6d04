"""Records of one organization that may be of one person: by the likeness of their names and their dates of birth.

Nobody else's records are ever offered (decision 17), and nothing is decided here: people look, and link.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from rapidfuzz.distance import JaroWinkler
from sqlalchemy import text

from services import client_shapes
from services.refusals import NotVisible
from services.rows import require_casework
from services.transaction import Call, Record, Tx, read

MOST = 20
SIMILAR = 0.86
"""Of Jaro-Winkler, which forgives a slip of the pen more readily late in a name than at its beginning."""
LIKELY = 0.7


@dataclass(frozen=True, slots=True)
class Likeness:
    """`because` in the words of the contract."""

    score: float
    because: tuple[str, ...]


def possible_duplicates(record: Record, call: Call, client_id: UUID) -> list[client_shapes.PossibleDuplicate]:
    """Likeliest first. Who is known to be the same person, by a link or a shared origin, is not offered again."""

    def look(tx: Tx) -> list[client_shapes.PossibleDuplicate]:
        mine = tx.row(_MINE, id=client_id)
        if mine is None:
            raise NotVisible
        require_casework(tx)
        found = [(likeness(mine, other), other) for other in tx.rows(_CANDIDATES, id=client_id)]
        likely = sorted((pair for pair in found if pair[0].score >= LIKELY), key=lambda pair: -pair[0].score)
        return [
            client_shapes.PossibleDuplicate.model_validate(
                {**other._mapping, "likeness": round(like.score, 2), "because": list(like.because)}
            )
            for like, other in likely[:MOST]
        ]

    return read(record, call, look)


def likeness(one: Any, other: Any) -> Likeness:
    """How likely two records are of one person. A birth date that contradicts outweighs a name that is alike."""
    name, why_name = _names(one, other)
    birth, why_birth = _births(one, other)
    score = name if birth is None else 0.6 * name + 0.4 * birth
    if birth is None:
        score *= 0.85
    return Likeness(score, (*why_name, *why_birth))


def _names(one: Any, other: Any) -> tuple[float, tuple[str, ...]]:
    straight = min(_similar(one.given_name, other.given_name), _similar(one.family_name, other.family_name))
    swapped = min(_similar(one.given_name, other.family_name), _similar(one.family_name, other.given_name))
    known_as = _similar(one.alias, other.alias)
    best = max(straight, swapped, known_as)
    if best < SIMILAR:
        return 0.0, ()
    if best == swapped > straight:
        return best * 0.95, ("names_swapped",)
    return best, ("same_name" if best == 1 else "similar_name",)


def _births(one: Any, other: Any) -> tuple[float | None, tuple[str, ...]]:
    """None: one of them is not known."""
    a, b = one.birth_date, other.birth_date
    if a and b and not (one.birth_estimated or other.birth_estimated):
        if a == b:
            return 1.0, ("same_birth_date",)
        if (a.year, a.month, a.day) == (b.year, b.day, b.month):
            return 0.9, ("birth_day_and_month_swapped",)
        return (0.5, ("same_birth_year",)) if a.year == b.year else (0.0, ())
    year, other_year = (r.birth_date.year if r.birth_date else r.birth_year for r in (one, other))
    if year is None or other_year is None:
        return None, ()
    if year == other_year:
        return 0.8, ("same_birth_year",)
    near = abs(year - other_year) <= 2 and (one.birth_estimated or other.birth_estimated)
    return (0.6 if near else 0.0), ()


def _similar(one: str | None, other: str | None) -> float:
    """Of two family names one may be left out: García is García López."""
    words, others = _words(one), _words(other)
    if not words or not others:
        return 0.0
    whole = JaroWinkler.normalized_similarity(" ".join(words), " ".join(others))
    shared = 0.95 if set(words) < set(others) or set(others) < set(words) else 0.0
    return max(whole, shared)


def _words(name: str | None) -> list[str]:
    """Without case, accents and hyphens."""
    plain = unicodedata.normalize("NFKD", (name or "").casefold())
    letters = "".join(" " if not c.isalnum() else c for c in plain if not unicodedata.combining(c))
    return letters.split()


_COLUMNS = "c.id, c.given_name, c.family_name, c.alias, c.birth_date, c.birth_year, c.birth_estimated"
_MINE = text(f"select {_COLUMNS} from client c where c.id = :id")
# Whoever has no name or was certainly born in another year cannot be likely enough. Known pairs are left out.
_CANDIDATES = text(
    f"""
with recursive mine as (select * from client where id = :id),
linked(id) as (
    select cast(:id as uuid)
     union
    select case when k.client_id = l.id then k.other_client_id else k.client_id end
      from linked l join client_link k on l.id in (k.client_id, k.other_client_id) and k.revoked_at is null)
select {_COLUMNS} from client c join mine m on c.organization_id = m.organization_id and c.person_id <> m.person_id
 where c.id not in (select id from linked) and c.identity <> 'anonymous'
   and (m.birth_estimated or c.birth_estimated
        or coalesce(extract(year from m.birth_date), m.birth_year) is not distinct from
           coalesce(extract(year from c.birth_date), c.birth_year)
        or coalesce(extract(year from m.birth_date), m.birth_year) is null
        or coalesce(extract(year from c.birth_date), c.birth_year) is null)
"""
)
