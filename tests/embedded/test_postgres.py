"""A PostgreSQL that starts by itself, survives kills and refuses what would harm the data."""

import asyncio
import os
import socket
import stat
import subprocess
import threading
from pathlib import Path

import psycopg
import pytest

from concert.embedded import CannotStart, EmbeddedPostgres
from concert.embedded.directory import leftovers
from concert.embedded.postgres import libpq_url
from tests.embedded.conftest import ask


def test_the_database_is_there_with_unicode_order_that_no_library_changes(postgres: EmbeddedPostgres) -> None:
    assert ask(postgres, "SELECT current_database()") == "concert"
    assert ask(postgres, "SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = 'concert'") == "UTF8"
    assert ask(postgres, "SELECT datlocale FROM pg_database WHERE datname = 'concert'") == "C.UTF-8"
    assert ask(postgres, "SELECT upper('ñandú')") == "ÑANDÚ"
    assert ask(postgres, "SHOW TimeZone") == "UTC"


def test_it_listens_on_this_machine_only_and_asks_for_the_password(postgres: EmbeddedPostgres) -> None:
    assert ask(postgres, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(postgres, "SHOW unix_socket_directories") == ""
    methods = ask(postgres, "SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules")
    assert methods == "scram-sha-256"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(libpq_url(postgres.admin_url).replace(postgres.password("admin"), "guess"))


def test_nobody_else_can_read_passwords_or_logs(postgres: EmbeddedPostgres) -> None:
    for name in ("passwords.json", "postgres.log"):
        assert stat.S_IMODE((postgres.data_dir / name).stat().st_mode) == 0o600, name
    assert stat.S_IMODE(postgres.cluster.stat().st_mode) == 0o700
    assert not (postgres.data_dir / "password").exists()


def test_a_failing_statement_leaves_no_name_in_the_log(postgres: EmbeddedPostgres) -> None:
    ask(postgres, "CREATE TABLE person (name text UNIQUE)")
    ask(postgres, "INSERT INTO person VALUES ('Rosalinda Quevedo')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        ask(postgres, "INSERT INTO person VALUES ('Rosalinda Quevedo')")
    log = (postgres.data_dir / "postgres.log").read_text()
    assert "duplicate key" in log
    assert "Rosalinda" not in log


def test_a_killed_server_comes_back_with_its_data_at_the_same_address(postgres: EmbeddedPostgres) -> None:
    ask(postgres, "CREATE TABLE kept (number integer)")
    for number in range(3):
        ask(postgres, f"INSERT INTO kept VALUES ({number})")
        url = postgres.admin_url
        asyncio.run(postgres.kill())
        assert not postgres.running
        asyncio.run(postgres.start())
        assert postgres.admin_url == url
    assert ask(postgres, "SELECT count(*) FROM kept") == 3


def test_starting_what_runs_changes_nothing(postgres: EmbeddedPostgres) -> None:
    before = postgres.pid
    asyncio.run(postgres.start())
    assert postgres.pid == before


def test_a_pid_file_that_names_a_stranger_does_not_keep_it_down(postgres: EmbeddedPostgres) -> None:
    owner = postgres.cluster.stat()
    asyncio.run(postgres.kill())
    identity = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    with subprocess.Popen(["/bin/sleep", "60"], **identity) as stranger:  # type: ignore[call-overload]  # a dict of options
        pid_file = postgres.cluster / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        asyncio.run(postgres.start())
        assert stranger.poll() is None
        stranger.kill()
    assert ask(postgres, "SELECT 1") == 1


def test_a_second_instance_is_told_who_has_the_directory(postgres: EmbeddedPostgres) -> None:
    second = EmbeddedPostgres(postgres.data_dir)
    with pytest.raises(CannotStart, match=rf"Process {os.getpid()} is using .*CONCERT_DATA_DIR"):
        asyncio.run(second.start())
    assert ask(postgres, "SELECT 1") == 1


def test_it_lives_on_when_the_thread_that_started_it_ends(home: Path) -> None:
    server = EmbeddedPostgres(home, durable=False)
    thread = threading.Thread(target=lambda: asyncio.run(server.start()))
    thread.start()
    thread.join()
    try:
        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(server.ended(), 0.5))
        assert ask(server, "SELECT 1") == 1
    finally:
        asyncio.run(server.stop())
    assert leftovers(server.cluster, "postgres") == []


def test_a_set_up_that_was_killed_is_begun_again(home: Path) -> None:
    (home / "postgres.new").mkdir()
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(home, durable=False)
    asyncio.run(server.start())
    try:
        assert ask(server, "SELECT 1") == 1
        assert not (home / "postgres.new").exists()
    finally:
        asyncio.run(server.stop())


def test_data_of_another_major_version_are_refused_and_left_alone(home: Path) -> None:
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("17\n")
    (home / "passwords.json").write_text("{}")
    with pytest.raises(CannotStart, match=r"PostgreSQL 17; this Concert brings PostgreSQL 18\. .*pg_dump"):
        asyncio.run(EmbeddedPostgres(home).start())
    assert [path.name for path in (home / "postgres").iterdir()] == ["PG_VERSION"]


def test_a_cluster_without_its_passwords_is_refused(home: Path) -> None:
    (home / "postgres").mkdir()
    with pytest.raises(CannotStart, match=r"passwords\.json is missing"):
        asyncio.run(EmbeddedPostgres(home).start())


def test_a_port_that_was_asked_for_and_is_taken_is_named(postgres: EmbeddedPostgres) -> None:
    asyncio.run(postgres.stop())
    with socket.create_server(("127.0.0.1", 0)) as occupied:
        port = occupied.getsockname()[1]
        with pytest.raises(CannotStart, match=f"did not start on port {port}: another program has it") as refused:
            asyncio.run(EmbeddedPostgres(postgres.data_dir, port).start())
    assert "CONCERT_POSTGRES_PORT" in str(refused.value.remedy)
    asyncio.run(postgres.start())


def test_being_cancelled_in_mid_start_leaves_nothing_running(home: Path) -> None:
    server = EmbeddedPostgres(home)
    with pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(server.start(), 0.3))
    assert not server.running
    assert not any(leftovers(folder, name) for folder in (home, server.cluster) for name in ("initdb", "postgres"))
    asyncio.run(server.start())
    asyncio.run(server.stop())


def test_no_password_stands_among_its_arguments(postgres: EmbeddedPostgres) -> None:
    arguments = Path(f"/proc/{postgres.pid}/cmdline").read_text()
    assert str(postgres.cluster) in arguments
    assert postgres.password("admin") not in arguments
