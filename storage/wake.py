"""Telling the relay that something waits: one NOTIFY after the commit, many commits sharing it (decision 3).

NOTIFY inside the caseworker's transaction would make every commit queue for one lock. A lost one costs a poll's time.
"""

from __future__ import annotations

import threading

import psycopg

from storage.database import TCP, Database
from storage.patience import Patient

CHANNEL = "concert_outbox"


class Wake:
    """Callable; returns at once. The thread lives as long as the process and survives a lost database."""

    def __init__(self, database: Database, pause_seconds: float = 0.02) -> None:
        self._url = database.psycopg_url()
        self._pause = pause_seconds
        self._due = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="wake", daemon=True)
        self._thread.start()

    def __call__(self) -> None:
        self._due.set()

    def close(self) -> None:
        self._closed = True
        self._due.set()
        self._thread.join(timeout=2)

    def _run(self) -> None:
        while not self._closed:
            try:
                with Patient.connect(self._url, autocommit=True, **TCP) as connection:
                    self._notify(connection)
            except psycopg.Error:
                threading.Event().wait(0.5)

    def _notify(self, connection: Patient) -> None:
        while True:
            self._due.wait()
            if self._closed:
                return
            self._due.clear()
            try:
                connection.execute(f"notify {CHANNEL}")
            except psycopg.Error:
                self._due.set()  # said again once the database is back
                raise
            threading.Event().wait(self._pause)
