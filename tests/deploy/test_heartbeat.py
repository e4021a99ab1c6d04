"""The health check of worker and relay: it tells those that live from those that hang, died, or are somebody else."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from concert.embedded.postgres import libpq_url
from concert.parts import engine_record
from concert.settings import Settings
from services.heartbeats import beat
from services.transaction import Record
from tests.conftest import Cluster

SCRIPT = Path(__file__).parents[2] / "deploy" / "heartbeat.py"
HERE = f"{socket.gethostname()}:4711"


@pytest.fixture(scope="module")
def urls(cluster: Cluster) -> dict[str, str]:
    return cluster.database()


@pytest.fixture
def record(urls: dict[str, str]) -> Iterator[Record]:
    opened = engine_record(Settings(engine_database_url=urls["engine"]), pool_size=1)
    yield opened
    opened.database.dispose()
    with psycopg.connect(libpq_url(urls["admin"])) as connection:
        connection.execute("delete from service_heartbeat")


@pytest.fixture
def lives(urls: dict[str, str]) -> Callable[[str], bool]:
    def ask(role: str) -> bool:
        environment = os.environ | {"CONCERT_ENGINE_DATABASE_URL": urls["engine"]}
        command = [sys.executable, str(SCRIPT), role]
        return subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0

    return ask


def test_a_worker_that_never_wrote_is_not_well(record: Record, lives: Callable[[str], bool]) -> None:
    assert not lives("worker")


def test_a_worker_that_beats_is_well_and_no_proof_of_a_relay(record: Record, lives: Callable[[str], bool]) -> None:
    beat(record, "worker", HERE)
    assert lives("worker")
    assert not lives("relay")


def test_a_worker_on_another_host_does_not_speak_for_this_one(record: Record, lives: Callable[[str], bool]) -> None:
    beat(record, "worker", "elsewhere:1")
    assert not lives("worker")


def test_a_worker_silent_for_a_minute_is_not_well(
    record: Record, lives: Callable[[str], bool], urls: dict[str, str]
) -> None:
    beat(record, "worker", HERE)
    with psycopg.connect(libpq_url(urls["admin"])) as connection:
        connection.execute("update service_heartbeat set at = at - interval '1 minute'")
    assert not lives("worker")


def test_without_the_database_nobody_is_well(lives: Callable[[str], bool], urls: dict[str, str]) -> None:
    urls["engine"] = "postgresql+psycopg://concert_engine:none@127.0.0.1:1/concert"
    assert not lives("worker")
