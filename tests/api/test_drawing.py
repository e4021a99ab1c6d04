"""The picture of an indicator over HTTP: who may see it, in which language, under a strict policy."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from tests.house import House


def test_an_indicator_is_drawn_and_its_figures_are_beside_it(house: House) -> None:
    house.refer("cap", "housing")
    ruth = house.person("ruth.hub")
    answer = ruth.get("/v1/indicators/referrals_sent.svg")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "ETag" not in answer.headers
    assert ET.fromstring(answer.text).attrib["role"] == "img"  # noqa: S314 - our own
    assert ruth.read("/v1/indicators/referrals_sent")["code"] == "referrals_sent"


def test_it_speaks_the_language_of_the_one_who_asks(house: House) -> None:
    speakers = {user.languages[0]: user.login for user in house.region.users if not user.service_account}
    assert "Referrals sent" in house.person(speakers["en"]).get("/v1/indicators/referrals_sent.svg").text
    assert "Periodo inicial" in house.person(speakers["es"]).get("/v1/indicators/referrals_sent.svg").text


def test_groups_have_names_and_unknown_is_one_of_them(house: House) -> None:
    house.refer("cap", "housing")
    by_county = house.person("ruth.hub").get("/v1/indicators/referrals_sent.svg", by="county").text
    assert "Scotts Bluff" in by_county
    assert "Unknown" in by_county
    by_partner = house.person("ruth.hub").get("/v1/indicators/referrals_sent.svg", by="organization").text
    assert house.region.organization("cap").name.split()[0] in by_partner


def test_what_the_figures_refuse_the_picture_refuses_too(house: House) -> None:
    ruth = house.person("ruth.hub")
    for code, asked, status in (
        ("no-such", {}, 404),
        ("", {}, 422),
        ("referrals_sent", {"by": "shoe_size"}, 422),
        ("referrals_sent", {"from": "2026"}, 422),
        ("needs_met", {"by": "organization"}, 422),
        ("referrals_sent", {"size": "9"}, 422),
    ):
        answer = ruth.get(f"/v1/indicators/{code}.svg", **asked)
        assert answer.status_code == status, (code, asked)
        assert answer.headers["content-type"] == "application/problem+json"
    assert house.http.get("/v1/indicators/referrals_sent.svg").status_code == 401
