"""A command run in this process, for all that does not need one of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from concert import logs
from concert.cli import run
from concert.embedded import temporary_directory

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """The data directory. Not pytest's own: as root, PostgreSQL's account may not enter that."""
    with temporary_directory() as directory:
        yield directory


@pytest.fixture
def tried(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command; its exit status, and what it said: what was asked for, or else what went wrong."""
    monkeypatch.chdir(home)
    monkeypatch.setattr(logs, "configure", lambda level: None)

    def trial(*arguments: str, **settings: str) -> tuple[int, str]:
        for name, value in {"CONCERT_DATA_DIR": str(home), **settings}.items():
            monkeypatch.setenv(name, value)
        status = run(list(arguments))
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        assert "secret" not in said.err
        return status, said.out if status == 0 else said.out + said.err

    return trial
