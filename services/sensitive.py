"""Sensitive needs in the live numbers: the backbone reads them as one line, of which kind it sees in what is published
(ADR 14).

It sees which request is of a sensitive need, and not of which one. A number by kind of need, or that there is one at
all, would tell it.
"""

from __future__ import annotations

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


def reads_exactly(tx: Tx, rule: Rule, sensitive: frozenset[str]) -> bool:
    """The backbone, unless to be counted at all says that somebody's need is one of the sensitive."""
    only = any(one.terms and sensitive.issuperset(one.terms) for one in rule.selectors.values())
    return tx.here.backbone and not only


_SENSITIVE = text("select code from taxonomy_term where sensitive")
