"""A Temporal that starts by itself and goes on from its file after a kill."""

import asyncio
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from concert.embedded import CannotStart, EmbeddedTemporal, temporary_directory
from concert.embedded.binaries import temporal_program
from concert.embedded.directory import leftovers


@pytest.fixture(scope="module")
def temporal() -> Iterator[EmbeddedTemporal]:
    with temporary_directory() as directory:
        server = EmbeddedTemporal(directory, namespaces=("concert", "elsewhere"), ui_port=0)
        asyncio.run(server.start())
        try:
            yield server
        finally:
            asyncio.run(server.stop())


def test_each_namespace_answers_as_soon_as_it_has_started(temporal: EmbeddedTemporal) -> None:
    """Over gRPC, as clients and workers ask it, right after a start."""
    asyncio.run(temporal.kill())
    asyncio.run(temporal.start())
    for name in ("concert", "elsewhere"):
        command = f"{temporal_program()} operator namespace describe {name} --address {temporal.address}"
        subprocess.run(command.split(), env={"HOME": "/nonexistent"}, stdout=subprocess.DEVNULL, check=True)


def test_its_file_is_in_the_fast_mode(temporal: EmbeddedTemporal) -> None:
    with closing(sqlite3.connect(temporal.file)) as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_nothing_of_it_is_reached_from_other_machines(temporal: EmbeddedTemporal) -> None:
    targets = [str(entry.readlink()) for entry in Path(f"/proc/{temporal.pid}/fd").iterdir()]
    sockets = {target.removeprefix("socket:[").removesuffix("]") for target in targets if "socket:" in target}
    tables = (Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6"))
    rows = [row.split() for table in tables for row in table.splitlines()]
    listening = {row[1].split(":")[0] for row in rows if row[3] == "0A" and row[9] in sockets}
    assert listening
    assert listening <= {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}


def test_a_killed_server_goes_on_from_its_file_at_the_same_address(temporal: EmbeddedTemporal) -> None:
    before, address = temporal.pid, temporal.address
    for _ in range(3):
        asyncio.run(temporal.kill())
        assert not temporal.running
        asyncio.run(temporal.start())
    assert temporal.pid != before
    assert temporal.address == address


def test_a_second_instance_is_told_who_has_the_directory(temporal: EmbeddedTemporal) -> None:
    with pytest.raises(CannotStart, match=rf"Process {os.getpid()} is using"):
        asyncio.run(EmbeddedTemporal(temporal.data_dir).start())


def test_stopped_means_that_its_process_is_gone(temporal: EmbeddedTemporal) -> None:
    pid = temporal.pid
    asyncio.run(temporal.stop())
    assert not Path(f"/proc/{pid}").exists()
    assert leftovers(temporal.directory, "temporal") == []
    asyncio.run(temporal.start())


def test_an_option_that_it_does_not_know_is_told_with_its_own_words(temporal: EmbeddedTemporal) -> None:
    with temporary_directory() as home, pytest.raises(CannotStart, match="no-such-option"):
        asyncio.run(EmbeddedTemporal(home, options=["--no-such-option"]).start())
