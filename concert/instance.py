"""How other commands find the servers that `concert up` runs: a private note in its data directory."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from concert.embedded.directory import holder, write_private
from concert.failures import Failed
from concert.settings import Settings

UP = "Run: concert up"


@dataclass(frozen=True)
class Instance:
    """What runs here. The URLs hold passwords; the note is readable by its owner alone."""

    pid: int
    http_url: str
    database_url: str
    engine_database_url: str
    admin_database_url: str
    temporal_address: str
    temporal_namespace: str


@contextmanager
def noted(settings: Settings, http_url: str) -> Iterator[None]:
    """The note lies in the data directory for as long as the block runs; a killed process leaves a stale one."""
    path = note_of(settings)
    instance = Instance(
        os.getpid(),
        http_url,
        settings.database_url,
        settings.engine_database_url,
        settings.admin_database_url,
        settings.temporal_address,
        settings.temporal_namespace,
    )
    write_private(path, json.dumps(asdict(instance)))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def find(settings: Settings) -> Instance | None:
    """What runs in the data directory now; a note whose writer no longer holds the lock counts for nothing."""
    with suppress(OSError, ValueError, TypeError):
        instance = Instance(**json.loads(note_of(settings).read_text()))
        if holder(directory_of(settings) / "lock") == instance.pid:
            return instance
    return None


def note_of(settings: Settings) -> Path:
    return directory_of(settings) / "running.json"


def directory_of(settings: Settings) -> Path:
    return settings.data_dir.expanduser().absolute()


def reached(settings: Settings, *needed: str) -> Settings:
    """The settings, with the running instance's addresses where they name none. Raises Failed if `needed` ones lack."""
    if settings.embeds_postgres or settings.embeds_temporal:
        settings = _filled(settings)
    for name in needed:
        if getattr(settings, name):
            continue
        if settings.embeds_postgres or (name == "temporal_address"):
            raise Failed(f"Nothing runs in {directory_of(settings)}.", f"{UP} (or set CONCERT_{name.upper()}).")
        raise Failed(f"CONCERT_{name.upper()} is not set.", "Set it beside the other database addresses, then repeat.")
    return settings


def _filled(settings: Settings) -> Settings:
    instance = find(settings)
    if instance is None:
        return settings
    found: dict[str, str] = {}
    if settings.embeds_postgres:
        for name in ("database_url", "engine_database_url", "admin_database_url"):
            found[name] = getattr(instance, name)
    if settings.embeds_temporal:
        found |= {"temporal_address": instance.temporal_address, "temporal_namespace": instance.temporal_namespace}
    return settings.model_copy(update=found)
