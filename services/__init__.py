"""Use cases. One public function is one transaction and one thing that a person or the engine does.

What a person or a workflow decides goes through `transaction.py`; what relay, monitor and steward keep opens its own
short transaction. A function that takes a `Tx` works in its caller's. No HTTP, no Temporal: the API and the activities
translate.
"""
