"""What relay and folder count of their own work, for Prometheus: kinds and codes, never an id."""

from prometheus_client import Counter, Histogram

OUTCOMES = ("delivered", "postponed", "dead")
RELAYED = Counter("concert_relay_messages", "Messages by kind and what came of them.", ["kind", "outcome"])
BATCHES = Histogram("concert_relay_batch_seconds", "Claiming and delivering one batch that was not empty.")
FOLDED = Counter("concert_folded", "What the folder moved: ledger entries and audit rows.", ["what"])

for _outcome in OUTCOMES:
    for _kind in ("look", "complete"):
        RELAYED.labels(_kind, _outcome)
for _what in ("entries", "audit"):
    FOLDED.labels(_what)
