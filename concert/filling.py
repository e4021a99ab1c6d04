"""Filling a record with the fictional region: the directory by its steward, the families by caseworkers."""

from __future__ import annotations

from seed.families import load_families
from seed.load import keys_used, load_region
from seed.region import Region
from services.transaction import Record
from storage.database import Database

CLIENTS = 60


def fill(admin_url: str, database_url: str, region: Region, clients: int = CLIENTS) -> None:
    """A repeat changes nothing, whoever left meanwhile. Raises AnotherRegion if the record holds another seed's."""
    load_region(admin_url, region)
    known = keys_used(admin_url, region)
    database = Database(database_url, pool_size=1, application="concert seed")
    try:
        load_families(Record(database), region, clients, known=known)
    finally:
        database.dispose()
