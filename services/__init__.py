"""Use cases. One public function is one transaction and one thing that a person or the engine does.

Only `transaction.py` opens and commits transactions; a function that takes a `Tx` works in its caller's. No HTTP, no
Temporal: the API and the activities translate.
"""
