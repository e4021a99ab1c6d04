"""Loading: all of the region or nothing, as the steward, and a repeat changes nothing."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.pool import NullPool

from seed.load import AnotherRegion, load_region
from seed.region import Region, build_region
from seed.rows import rows_of

TABLES = (
    "collaborative",
    "agenda",
    "organization",
    "partnership",
    "program",
    "taxonomy_term",
    "service",
    "location",
    "service_at_location",
    "reason",
    "indicator",
    "plan_template",
    "user_account",
    "membership",
)


@pytest.fixture(scope="module")
def engine(record: str) -> Iterator[Engine]:
    made = create_engine(record, poolclass=NullPool)
    yield made
    made.dispose()


@pytest.fixture(scope="module")
def loaded(record: str, region: Region) -> Region:
    load_region(record, region)
    return region


def _ask(engine: Engine, statement: str, **values: Any) -> list[Any]:
    with engine.begin() as connection:
        connection.execute(text("set local role concert_steward"))
        return list(connection.execute(text(statement), values).all())


def _versions(engine: Engine) -> dict[str, list[Any]]:
    """Every row and the transaction that wrote it: a rewritten row shows, even with the same values."""
    return {name: _ask(engine, f"select xmin::text, t::text from {name} t order by 2") for name in TABLES}


def test_every_row_of_the_region_arrives(engine: Engine, loaded: Region) -> None:
    for name, rows in rows_of(loaded):
        assert _ask(engine, f"select count(*) from {name}") == [(len(rows),)], name


def test_a_second_run_changes_nothing(engine: Engine, record: str, loaded: Region) -> None:
    before = _versions(engine)
    load_region(record, build_region(loaded.seed))
    assert _versions(engine) == before


def test_what_the_steward_edited_since_is_kept(engine: Engine, record: str, loaded: Region) -> None:
    edit = "update service set fees = 'Two dollars.' where id = :id returning fees"
    service = loaded.service("cap/rent-help")
    assert _ask(engine, edit, id=service.id) == [("Two dollars.",)]
    load_region(record, loaded)
    assert _ask(engine, "select fees from service where id = :id", id=service.id) == [("Two dollars.",)]


def test_another_seed_is_refused_and_leaves_nothing(engine: Engine, record: str, loaded: Region) -> None:
    before = _versions(engine)
    with pytest.raises(AnotherRegion):
        load_region(record, build_region(loaded.seed + 1))
    assert _versions(engine) == before


def test_the_shelter_has_no_place_in_the_record(engine: Engine, loaded: Region) -> None:
    places = (
        "select l.id from location l join organization o on o.id = l.organization_id where o.confidential"
        " union all select a.location_id from service_at_location a join service s on s.id = a.service_id"
        " join organization o on o.id = s.organization_id where o.confidential"
    )
    assert _ask(engine, places) == []


def test_hours_are_an_object_or_missing_never_a_json_null(engine: Engine, loaded: Region) -> None:
    kinds = "select distinct always_open, jsonb_typeof(opening_hours) from service order by 1"
    assert _ask(engine, kinds) == [(False, "object"), (True, None)]


def test_every_service_says_whom_to_phone_when_it_is_closed(engine: Engine, loaded: Region) -> None:
    assert _ask(engine, "select count(*) from service where on_call_phone is null or phone is null") == [(0,)]


def test_everybody_who_works_here_can_sign_in(engine: Engine, loaded: Region) -> None:
    signed_in = "select e.organization_slug, e.roles, e.backbone from app.enter(:subject, null, null) e"
    with engine.begin() as connection:
        for user in loaded.users:
            row = connection.execute(text(signed_in), {"subject": user.login}).one()
            assert row.organization_slug == user.login.partition(".")[2]
            assert row.backbone == (row.organization_slug == "hub")
