"""Migrations: linted, repeatable, and no surprise for a record that is in use."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import storage.migrations
from storage.migrations import migrate
from tests.architecture import holes
from tests.architecture.conftest import Connection
from tests.conftest import Cluster

SQL = Path(storage.migrations.__file__).parent / "sql"
SQUAWK = Path(sys.executable).parent / "squawk"
ALWAYS = (
    "prefer-robust-stmts",  # each migration is one transaction: whole or not at all
    "require-lock-timeout",  # `migrate` runs while nothing else does
    "require-statement-timeout",  # the same
    "prefer-bigint-over-int",  # versions, rungs and years never reach two billion
)
FIRST = (
    "adding-foreign-key-constraint",  # the first migration makes empty tables: nothing is scanned or blocked
    "constraint-missing-not-valid",
    "require-concurrent-index-creation",
)


def _lint(*files: Path, exclude: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    command = [
        str(SQUAWK),
        "--pg-version",
        "18.0",
        "--reporter",
        "gcc",
        "--exclude",
        ",".join(exclude),
        *map(str, files),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_sql_of_every_migration_passes_the_linter() -> None:
    first = sorted(SQL.glob("0001_*.sql"))
    later = sorted(set(SQL.glob("*.sql")) - set(first))
    checked = [_lint(*first, exclude=ALWAYS + FIRST)] + ([_lint(*later, exclude=ALWAYS)] if later else [])
    for one in checked:
        assert one.returncode == 0, one.stdout + one.stderr


def test_a_dangerous_migration_would_be_noticed(tmp_path: Path) -> None:
    file = tmp_path / "0099_drop.sql"
    file.write_text("alter table client alter column given_name set not null;\nalter table task drop column title;\n")
    assert "ban-drop-column" in _lint(file, exclude=ALWAYS).stdout


@pytest.mark.parametrize("times", [2])
def test_migrating_again_changes_nothing(cluster: Cluster, urls: dict[str, str], admin: Connection, times: int) -> None:
    before = (holes.policies(admin), holes.triggers(admin), holes.marks(admin))
    for _ in range(times):
        migrate(urls["admin"], cluster.server.password("api"), cluster.server.password("engine"))
    assert (holes.policies(admin), holes.triggers(admin), holes.marks(admin)) == before
