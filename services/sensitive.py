"""Sensitive needs in the live numbers: the backbone reads them as one line, of which kind it sees in what is published
(ADR 14).

It sees which request is of a sensitive need, and not of which one. A number by kind of need, or that there is one at
all, would tell it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from domain.rule import Rule
from services.transaction import Tx

NAME = ("Sensitive needs", "Necesidades sensibles")
"""What their one line is called, in English and in Spanish."""


def told_as_one(tx: Tx) -> frozenset[str]:
    """The kinds of need of which the backbone is told together; partners of none, but of small numbers nothing.
    In the caller's transaction.
    """
    return terms(tx) if tx.here.backbone else frozenset()


def terms(tx: Tx) -> frozenset[str]:
    """All kinds of need that say too much about a person. In the caller's transaction."""
    return frozenset(row.code for row in tx.rows(_SENSITIVE))


def reads_exactly(tx: Tx, one: Any, sensitive: frozenset[str]) -> bool:
    """The backbone, unless to be counted at all by this version says that somebody's need is one of the sensitive.

    Which needs a rule by steps counts no agenda says, since pathways do: what it has counted does.
    """
    selectors = Rule.parse(one.rule).selectors.values()
    if not tx.here.backbone or any(chosen.terms and sensitive.issuperset(chosen.terms) for chosen in selectors):
        return False
    by_steps = bool(sensitive) and any(chosen.feeds or chosen.steps or chosen.templates for chosen in selectors)
    return not by_steps or tx.row(_COUNTS_ANOTHER, id=one.id) is not None


_SENSITIVE = text("select code from taxonomy_term where sensitive")
_COUNTS_ANOTHER = text(
    """
select r.id from indicator_entry n join event e on e.id = n.event_id join referral r on r.id = e.referral_id
 where n.indicator_id = :id and not r.sensitive group by r.id having sum(n.value) <> 0 limit 1
"""
)
