"""The parts of a running Concert, each made from settings alone: they may run in one process or in many."""

from __future__ import annotations

import secrets
from hashlib import sha256

from api.links import Links
from concert.instance import directory_of
from concert.kept import kept
from concert.settings import Settings
from services.transaction import Record
from storage.database import Database
from storage.wake import Wake


def api_record(settings: Settings) -> Record:
    """People's door: login concert_api. Refuses a login that row security cannot bind."""
    database = Database(settings.database_url, pool_size=16, application="concert api")
    database.check_role(people=True)
    return Record(database, Wake(database))


def engine_record(settings: Settings, *, pool_size: int = 18) -> Record:
    """The engine's door: login concert_engine."""
    database = Database(settings.engine_database_url, pool_size=pool_size, application="concert engine")
    database.check_role(people=False)
    return Record(database, Wake(database))


def links_of(settings: Settings) -> Links | None:
    """Makes and reads the one-use links in mail; None where nothing says how."""
    secret = secret_of(settings)
    return Links(sha256(b"link" + secret).digest()) if secret else None


def secret_of(settings: Settings) -> bytes:
    """The setting, else the one that the data directory keeps: addresses change with every start of embedded servers.

    Empty for a process that knows one door only, as in production: the other door's may run elsewhere, with another
    data directory.
    """
    if settings.link_secret:
        return settings.link_secret.encode()
    if not (settings.database_url and settings.engine_database_url):
        return b""
    return kept(directory_of(settings) / "link.secret", lambda: secrets.token_urlsafe(32).encode())
