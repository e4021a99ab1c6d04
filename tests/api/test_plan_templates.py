"""Pathways over HTTP: who reads them, in which language, in which version, and what the picture shows."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from api.pathways import picture_of
from concert.diagram import diagram
from domain.pathway import Owner, Step, Template
from domain.soundness import problems
from domain.telling import Telling
from seed.pathway import known_of, pathways
from services.adopting import adopt_templates
from tests.house import House, Person

CODES = ["community_response", "early_childhood", "hospital_discharge", "housing_stability", "reentry"]
TEXT = "{http://www.w3.org/2000/svg}text"


def speaking(house: House, language: str) -> Person:
    return house.person(
        next(one.login for one in house.region.users if one.languages[0] == language and not one.service_account)
    )


def test_a_caseworker_finds_every_pathway_with_its_goals(house: House) -> None:
    listed = house.caseworker("cap").read("/v1/plan-templates")
    assert sorted(one["code"] for one in listed) == CODES
    assert all(one["goals"] and one["steps"] > 8 for one in listed)


def test_a_step_names_its_owner_and_says_in_words_when_it_happens(house: House) -> None:
    read = house.caseworker("cap").read("/v1/plan-templates/community_response")
    steps = {one["key"]: one for one in read["steps"]}
    assert steps["rent"]["owner"]["name"] == f"{house.region.organization('cap').name}, Rent Help"
    assert steps["heat"]["owner"]["name"] == "Whoever offers Help paying for heat and power"
    assert steps["listen"]["owner"]["name"] == "The plan's lead"
    assert steps["safety"]["condition"] == "Only if “Is anybody afraid of somebody at home?” was answered yes."
    assert steps["funds"]["form"][0]["unit"] == "usd"


def test_it_speaks_the_language_of_the_one_who_reads(house: House) -> None:
    spanish = speaking(house, "es")
    read = spanish.read("/v1/plan-templates/reentry")
    assert read["name"] == "Reingreso: a casa desde la cárcel"
    assert read["steps"][0]["form"][1]["choices"] == [{"code": "yes", "label": "sí"}, {"code": "no", "label": "no"}]
    assert "Quien dirige el plan" in spanish.get("/v1/plan-templates/reentry.svg").text


def test_an_earlier_version_can_still_be_read(house: House) -> None:
    (one,) = (each for each in pathways(house.region) if each.code == "reentry")
    adopt_templates(house.admin_url, [Template.parse({**one.body(), "version": 2, "limit_days": 300})])
    person = house.caseworker("cap")
    newest, first = (person.read("/v1/plan-templates/reentry", **asked) for asked in ({}, {"version": 1}))
    assert (newest["version"], newest["limit_days"]) == (2, 300)
    assert (first["version"], first["latest_version"], first["limit_days"]) == (1, 2, 365)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("no_such", 404), ("no_such.svg", 404), ("reentry?version=9", 404), ("reentry?version=0", 422),
        ("reentry.svg?version=x", 422), ("reentry?size=9", 422), ("Re%00entry", 422),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_so(house: House, path: str, status: int) -> None:
    answer = house.caseworker("cap").get(f"/v1/plan-templates/{path.partition('?')[0]}", **_asked(path))
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def _asked(path: str) -> dict[str, str]:
    name, _, value = path.partition("?")[2].partition("=")
    return {name: value} if name else {}


def test_nobody_reads_them_without_signing_in(house: House) -> None:
    assert house.http.get("/v1/plan-templates").status_code == 401
    assert house.http.get("/v1/plan-templates/reentry.svg").status_code == 401


def test_the_picture_is_one_that_a_strict_policy_shows(house: House) -> None:
    answer = house.caseworker("cap").get("/v1/plan-templates/community_response.svg")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert not re.search(r"<(script|style|image|foreignObject)\b|\son\w+=|style=|href", answer.text)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("nth", range(5))
def test_no_text_leaves_the_picture_or_lies_on_another(house: House, nth: int, language: str) -> None:
    """As wide as wide letters are; the picture is 480 wide on a phone and on a desk."""
    known = known_of(house.region)
    template = pathways(house.region)[nth]
    _is_legible(template, picture_of(template, Telling(template, known.names, known.terms, language=language)))


def fifty(parallel: int) -> Template:
    """So many steps side by side between one that begins and one that ends, again and again."""
    steps: list[Step] = []
    while len(steps) < 50:
        first, n = (steps[-1].key,) if steps else (), len(steps)
        steps.append(Step(f"s{n}", "Begin again with what was learned so far", Owner(), after=first))
        side = tuple(f"s{n + 1 + k}" for k in range(parallel))
        steps += [Step(key, "Go and see the family at home", Owner("early"), after=(f"s{n}",)) for key in side]
        steps.append(Step(f"s{n + 1 + parallel}", "Come together", Owner(), after=side))
    return Template("t", "Fifty", "Many.", "s", 90, 30, (), tuple(steps))


@pytest.mark.parametrize("parallel", [2, 9, 48])
def test_fifty_steps_are_legible_too_on_paper_and_in_a_terminal(parallel: int) -> None:
    template = fifty(parallel)
    assert problems(template) == []
    _is_legible(template, picture_of(template, Telling(template)))
    lines = diagram(template, Telling(template), 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum("●" in line for line in lines) == len(template.steps)


def _is_legible(template: Template, picture: str) -> None:
    drawn = ET.fromstring(picture)  # noqa: S314 - our own
    bottoms: list[float] = []
    for text in drawn.iter(TEXT):
        x, y, size = (float(text.attrib[name]) for name in ("x", "y", "font-size"))
        wide = size * (0.63 if text.get("font-weight") else 0.55) * len(text.text or "")
        assert x + wide <= 480, text.text
        assert not bottoms or y - size * 0.8 > bottoms[-1], text.text
        bottoms.append(y + size * 0.2)
    assert bottoms[-1] < float(drawn.attrib["viewBox"].split()[3])
    assert len(bottoms) > 2 * len(template.steps)


def test_every_step_is_drawn_once_with_a_mark_for_its_kind(house: House) -> None:
    template = pathways(house.region)[0]
    drawn = ET.fromstring(picture_of(template, Telling(template)))  # noqa: S314
    marks = [one for one in drawn.iter() if one.tag.endswith("polygon") or one.get("r") == "7"]
    assert len(marks) == len(template.steps)
