"""Every event says of whom it is, in codes; and a figure by group shows those of whom it is not known."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.groups import DIMENSIONS
from services.clients import NewClient, Residence
from tests.house import OUTCOME, House
from tests.services.scenes import numbers, proven, refer, series, task_of

LUISA = NewClient(
    given_name="Luisa",
    family_name="Featherstonehaugh",
    birth_date=date(1991, 3, 5),
    language="es",
    demographics={"races": ["hispanic_or_latino", "white"], "gender": "female"},
    residence=Residence("fixed", county="31157"),
)


def dimensions(house: House, referral: Any) -> list[dict[str, str]]:
    return [row[0] for row in house.sql("select dimensions from event where referral_id = %s", str(referral.id))]


def test_every_event_carries_all_dimensions_and_none_of_them_is_a_date(house: House) -> None:
    referral = refer(house, "cap", "housing", client=LUISA)
    gwen = house.person("gwen.housing")
    gwen.does(f"{task_of(referral)}/accept")
    gwen.does(f"{task_of(referral)}/complete", OUTCOME)
    found = dimensions(house, referral)
    assert len(found) >= 5
    for each in found:
        term = each.pop("term")
        assert term != "unknown"
        assert each == {
            "county": "31157", "age_band": "35-44", "race": "multiple", "ethnicity": "hispanic_or_latino",
            "language": "es",
        }  # fmt: skip
        assert "1991" not in json.dumps(each)
    proven(house)


def test_of_whom_nothing_is_known_is_unknown_in_every_group(house: House) -> None:
    referral = refer(house, "cap", "housing", client=NewClient(identity="anonymous"))
    for each in dimensions(house, referral):
        assert {name for name in DIMENSIONS if each[name] == "unknown"} == set(DIMENSIONS) - {"term"}


def test_a_household_is_counted_by_its_head_and_members_share_its_key(house: House) -> None:
    maria = house.person("maria.cap")
    ids = [
        maria.does("/v1/clients", {"given_name": name, "family_name": "Osei", "birth_year": year})["id"]
        for name, year in (("Kofi", 2019), ("Ama", 1980))
    ]
    members = [{"client_id": ids[0], "role": "child"}, {"client_id": ids[1], "role": "head"}]
    household = UUID(maria.does("/v1/households", {"members": members})["id"])
    whole = refer(house, "cap", "housing", household_id=household)
    child = refer(house, "cap", "housing", client_id=UUID(ids[0]))
    rows = house.sql(
        "select groups ->> 'age_band', household_key from referral where id in (%s, %s) order by created_at",
        str(whole.id), str(child.id),
    )  # fmt: skip
    ((head,),) = house.sql("select person_id from client where id = %s", ids[1])
    assert rows == [("45-54", head), ("05-12", head)]


def test_the_groups_of_a_request_never_change(house: House) -> None:
    referral = refer(house, "cap", "housing", client=LUISA)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="keeps its groups"):
        house.sql("update referral set groups = '{}' where id = %s", str(referral.id))


def test_a_figure_by_group_adds_up_to_the_whole_and_shows_the_unknown(house: House) -> None:
    refer(house, "cap", "housing", client=LUISA)
    refer(house, "cap", "housing", client=NewClient(identity="anonymous"))
    for _ in range(2):  # before and after the fold
        whole = sum(point["value"] for point in series(house, "referrals_sent").values())
        for name in DIMENSIONS:
            cells = series(house, "referrals_sent", by=name)
            assert sum(point["value"] for point in cells.values()) == whole, name
        assert any(label == "unknown" for _, label in series(house, "referrals_sent", by="race"))
        proven(house)


def test_totals_are_margins_and_do_not_multiply_with_the_groups(house: House) -> None:
    refer(house, "cap", "housing", client=LUISA)
    proven(house)
    widths = {
        row[0] for row in house.sql("select (select count(*) from jsonb_object_keys(dimensions)) from indicator_total")
    }
    assert widths == {0, 1}
    full = house.sql(
        "select count(*) from indicator_entry n join indicator i on i.id = n.indicator_id"
        " where i.rule ->> 'measure' <> 'distinct' and not n.dimensions ?& %s",
        list(DIMENSIONS),
    )
    assert full == [(0,)]


def test_voiding_takes_back_every_margin(house: House) -> None:
    before = numbers(house)
    cells = {name: series(house, "referrals_sent", by=name) for name in DIMENSIONS}
    referral = refer(house, "cap", "housing", client=LUISA)
    house.person("maria.cap").does(f"/v1/referrals/{referral.id}/void", {"reason": "The wrong family."})
    assert numbers(house) == before
    for name in DIMENSIONS:
        after = {key: point for key, point in series(house, "referrals_sent", by=name).items() if point["value"]}
        assert after == {key: point for key, point in cells[name].items() if point["value"]}, name
    proven(house)
