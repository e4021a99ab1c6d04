# ruff: noqa: INP001 - a script for the image, no package
"""Exit 0 if a worker or relay on this host wrote its heartbeat lately; the health check of those containers.

Usage: heartbeat.py worker|relay. Asks the record itself: a process that hangs or has lost its database is not
well.
"""

from __future__ import annotations

import os
import socket
import sys

import psycopg

LATEST = "30 seconds"
QUERY = """select 1 from service_heartbeat
    where role = %s and starts_with(instance, %s) and at > clock_timestamp() - %s::interval"""


def beats(role: str, host: str, url: str) -> bool:
    """Whether a process of `host` wrote within the last half minute; they are named HOST:PID."""
    with psycopg.connect(url.replace("+psycopg://", "://", 1), connect_timeout=3) as connection:
        return connection.execute(QUERY, (role, f"{host}:", LATEST)).fetchone() is not None


if __name__ == "__main__":
    sys.exit(not beats(sys.argv[1], socket.gethostname(), os.environ["CONCERT_ENGINE_DATABASE_URL"]))
