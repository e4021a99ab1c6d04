"""The demonstration: a region's partners at work for a minute, and the proof that nothing was lost.

Simulated caseworkers act through the HTTP API alone, each with a token of their own. Deadlines are compressed, so that
reminders, escalations and expiries happen while one watches.
"""

from concert.demo.main import run_demo

__all__ = ["run_demo"]
