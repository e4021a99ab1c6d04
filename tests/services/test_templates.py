"""Adopting pathways: a version is added, never changed; all or none; and whose they are."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest

from concert.embedded.postgres import libpq_url
from domain.pathway import Template
from seed.pathway import known_of, pathways
from seed.region import Region
from services.adopting import Adopted, adopt_templates, known_to
from services.refusals import Unprocessable
from services.templates import list_templates
from services.transaction import Call
from tests.conftest import Cluster
from tests.house import House


@pytest.fixture
def admin(cluster: Cluster) -> str:
    """A record of its own for each test."""
    return cluster.database()["admin"]


def changed(template: Template, version: int, **members: Any) -> Template:
    return Template.parse({**template.body(), "version": version, **members})


@pytest.fixture
def reentry(the_region: Region) -> Template:
    return next(one for one in pathways(the_region) if one.code == "reentry")


def versions(admin: str, code: str) -> list[tuple[int, str | None]]:
    with psycopg.connect(libpq_url(admin)) as connection:
        connection.execute("set role concert_steward")
        asked = "select version, loaded_by from plan_template where code = %s order by 1"
        return connection.execute(asked, [code]).fetchall()


def test_a_region_comes_with_its_pathways(admin: str, the_region: Region) -> None:
    adopted = adopt_templates(admin, pathways(the_region))
    assert [(one.version, one.fresh, one.problem) for one in adopted] == [(1, False, None)] * 5


def test_a_better_version_follows_and_a_repeat_changes_nothing(admin: str, reentry: Template) -> None:
    better = changed(reentry, 2, limit_days=400)
    assert adopt_templates(admin, [better], login="ruth.hub") == [Adopted("reentry", 2, fresh=True)]
    assert adopt_templates(admin, [better]) == [Adopted("reentry", 2)]
    assert adopt_templates(admin, [reentry]) == [Adopted("reentry", 1)]
    assert versions(admin, "reentry") == [(1, None), (2, "ruth.hub")]


def test_the_same_words_under_a_new_number_are_no_new_version(admin: str, reentry: Template) -> None:
    assert adopt_templates(admin, [changed(reentry, 2)]) == [Adopted("reentry", 1)]
    assert versions(admin, "reentry") == [(1, None)]


@pytest.mark.parametrize(("version", "said"), [(1, "says something else"), (3, "would leave a gap")])
def test_no_version_is_changed_in_place_or_left_out(admin: str, reentry: Template, version: int, said: str) -> None:
    (one,) = adopt_templates(admin, [changed(reentry, version, limit_days=400)])
    assert one.problem is not None
    assert said in one.problem.what
    assert (one.problem.path, one.problem.remedy) == (("version",), "Write `version: 2`.")
    assert versions(admin, "reentry") == [(1, None)]


def test_a_first_version_is_version_one(admin: str, reentry: Template) -> None:
    (one,) = adopt_templates(admin, [changed(reentry, 2, code="another")])
    assert one.problem is not None
    assert one.problem.remedy == "Write `version: 1`."


def test_all_of_them_or_none(admin: str, reentry: Template) -> None:
    good, bad = changed(reentry, 1, code="good"), changed(reentry, 9, limit_days=9)
    adopted = adopt_templates(admin, [good, bad])
    assert [one.problem is None for one in adopted] == [True, False]
    assert versions(admin, "good") == []


def test_two_who_load_at_once_make_one_version(admin: str, reentry: Template) -> None:
    better = changed(reentry, 2, limit_days=400)
    found: list[bool] = []
    barrier = threading.Barrier(4)

    def one() -> None:
        barrier.wait()
        found.append(adopt_templates(admin, [better])[0].fresh)

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(found) == [False, False, False, True]


def test_not_even_the_steward_rewrites_a_version(admin: str) -> None:
    with psycopg.connect(libpq_url(admin), autocommit=True) as connection:
        connection.execute("set role concert_steward")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="permission denied"):
            connection.execute("update plan_template set version = 7")
        connection.execute("reset role")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            connection.execute("delete from plan_template")


def test_the_record_knows_what_the_region_knows(admin: str, the_region: Region) -> None:
    assert known_to(admin) == known_of(the_region)


def test_a_collaborative_that_is_not_there_is_said_so(admin: str) -> None:
    with pytest.raises(Unprocessable):
        known_to(admin, "elsewhere")


_ELSEWHERE = """
alter table plan_template disable trigger append_only;
insert into collaborative (id, slug, name, zone, subdivision) values (uuidv7(), 'plains', 'Plains', 'UTC', 'NE');
update plan_template set collaborative_id = (select id from collaborative where slug = 'plains');
alter table plan_template enable trigger append_only;
"""


def test_nobody_reads_the_pathways_of_another_collaborative(house: House) -> None:
    caseworker = Call(house.caseworker("cap").login)
    assert list_templates(house.api, caseworker)
    with psycopg.connect(libpq_url(house.admin_url), autocommit=True) as connection:
        connection.execute(_ELSEWHERE)
    assert list_templates(house.api, caseworker) == []
