"""Temporal workflows: the stories of a referral, of a plan and of one partner's step, in the order in which it happens.

They decide what comes next and when to chase; what happened is decided in the record. Standard library and `domain`
values only: they run in a sandbox that must stay light.
"""
