"""Mail, against a real SMTP server: what is sent when, what is never in it, and the link that answers by itself."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from functools import partial
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.links import Links
from concert.parts import links_of
from concert.post import ANSWER_SECONDS, LONGEST_SECONDS
from concert.postman import HANDS, Postman
from concert.running import beside_relay, together
from domain.pulse import Queue
from seed.compressed import adopt_hours
from services.engine import take_pulse
from services.mails import LEASE_SECONDS, PERHAPS_BEFORE_CLOSED, REFUSALS_BEFORE_CLOSED, mail_event
from services.noticing import notice_event
from tests.house import House, Loop, eventually
from tests.post import FULL, NOBODY, Box, opened, post_of, text_of, token_of
from tests.services.scenes import at_once, task_of
from tests.services.test_notices import append, tell, user

SECRETS = ("Rosalind", "Featherstonehaugh", "Gwen", "Maria", "Rent and deposit")


class Mailroom:
    """The house with its teller and a postman who work when they are told to."""

    def __init__(self, house: House, loop: Loop, box: Box) -> None:
        self.house, self.loop, self.box = house, loop, box
        self.links = links_of(house.settings)
        self.postman = Postman(house.engine, post_of(house, box), self.links, str(house.http.base_url).rstrip("/"))

    def deliver(self) -> None:
        tell(self.house)
        while self.loop.run(self.postman.deliver()):
            pass

    def got(self, login: str, reference: str) -> list[EmailMessage]:
        """The letters to that person that name the reference, oldest first."""
        return [
            m for to, m in self.box.got if to.startswith(f"{login}@") and reference in f"{m['Subject']}{text_of(m)}"
        ]

    def token(self, made: Any, login: str = "gwen.housing") -> str:
        """Of the one-use link in the first letter about the referral."""
        self.deliver()
        token = token_of(self.got(login, made["reference"])[0])
        assert token is not None
        return token

    def page(self, token: str) -> httpx.Response:
        return self.house.http.get(f"/act/{token}")

    def answer(self, token: str, **form: str) -> httpx.Response:
        return self.house.http.post(f"/act/{token}", data=form)


@pytest.fixture(scope="module")
def box() -> Iterator[Box]:
    with opened(Box()) as one:
        yield one


@pytest.fixture(scope="module")
def room(house: House, loop: Loop, box: Box) -> Iterator[Mailroom]:
    """Nothing is quiet here, whatever the clock shows. At the end every letter that was sent is searched for names."""
    adopt_hours(house.admin_url, house.region, "00:00", "00:00")
    room = Mailroom(house, loop, box)
    yield room
    sent = room.box.words()
    assert "R-" in sent
    for secret in SECRETS:
        assert secret not in sent, secret


def state(house: House, made: Any) -> str:
    found: str = house.person("maria.cap").read(task_of(made))["state"]
    return found


def test_a_request_comes_by_mail_at_once_with_reference_limit_and_link_and_nothing_else(
    house: House, room: Mailroom
) -> None:
    made = house.refer("cap", "housing")
    room.deliver()
    (letter,) = room.got("gwen.housing", made["reference"])
    assert letter["Subject"] == f"Request {made['reference']} waits for your answer."
    assert re.search(r"Due: [A-Z][a-z]{2} \d{1,2}, 20\d\d, \d{1,2}:\d\d [AP]M M[SD]T\s", text_of(letter))
    (address,) = re.findall(r"http\S+", text_of(letter))
    assert "/act/" in address, "there is no page of Concert's that a reader without a program could open"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert len(room.got("hector.housing", made["reference"])) == 1
    assert room.got("maria.cap", made["reference"]) == []
    room.deliver()
    assert len(room.got("gwen.housing", made["reference"])) == 1


def test_the_page_says_what_is_asked_and_never_of_whom_and_opening_it_changes_nothing(
    house: House, room: Mailroom
) -> None:
    made = house.refer("cap", "housing", priority="urgent")
    token = room.token(made)
    shown = [room.page(token) for _ in range(3)][-1]
    assert shown.status_code == 200
    for said in (made["reference"], "Scotts Bluff", "Urgent", "Accept the request", "Answer by"):
        assert said in shown.text, said
    for secret in ("Rosalind", "Featherstonehaugh", made["client_id"]):
        assert secret not in shown.text
    assert "<script" not in shown.text
    style = re.search("<style>(.*)</style>", shown.text, re.DOTALL)
    assert style is not None
    hashed = b64encode(sha256(style[1].encode()).digest()).decode()
    policy = shown.headers["content-security-policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{hashed}'; form-action 'self'")
    assert shown.headers["cache-control"] == "no-store"
    assert state(house, made) == "requested"


@pytest.mark.parametrize(("language", "due"), [("en", "Due"), ("es", "Plazo")])
def test_letter_and_page_name_the_limit_alike(house: House, room: Mailroom, language: str, due: str) -> None:
    house.sql("update user_account set language = %s where login = 'gwen.housing'", language)
    try:
        made = house.refer("cap", "housing")
        page = room.page(room.token(made))
    finally:
        house.sql("update user_account set language = 'en' where login = 'gwen.housing'")
    (said,) = re.findall(f"{due}: (.*)", text_of(room.got("gwen.housing", made["reference"])[0]))
    assert said.strip() in page.text


def test_accepting_by_link_is_the_persons_own_move_audited_and_the_link_is_used_up(
    house: House, room: Mailroom
) -> None:
    made = house.refer("cap", "housing")
    token = room.token(made)
    done = room.answer(token, deed="accept")
    assert (done.status_code, "Accepted" in done.text) == (200, True)
    assert state(house, made) == "accepted"
    event = house.sql(
        "select u.login from event e join user_account u on u.id = e.user_id"
        " where e.referral_id = %s and e.kind = 'task_accepted'",
        made["id"],
    )
    assert event == [("gwen.housing",)]
    link = str(_id(room, token))
    audited = house.sql(
        "select a.verb, u.login from audit a join user_account u on u.id = a.user_id where a.object_id = %s", link
    )
    assert audited == [("link.use", "gwen.housing")]
    over = room.page(token)
    assert (over.status_code, "This link was used" in over.text) == (410, True)


def test_the_same_answer_twice_is_one_answer_and_another_one_is_too_late(house: House, room: Mailroom) -> None:
    made = house.refer("cap", "housing")
    token = room.token(made)
    first, second = room.answer(token, deed="acknowledge"), room.answer(token, deed="acknowledge")
    assert (first.status_code, second.status_code) == (200, 200)
    assert room.answer(token, deed="accept").status_code == 410
    assert state(house, made) == "acknowledged"
    assert _count(house, made, "task_acknowledged") == 1


def test_two_browsers_at_the_same_moment_make_one_move(house: House, room: Mailroom) -> None:
    made = house.refer("cap", "housing")
    token = room.token(made)
    answers = at_once(
        *[lambda: room.answer(token, deed="accept")] * 3,
        *[lambda: room.answer(token, deed="decline", reason="full")] * 3,
    )
    assert {each.status_code for each in answers} == {200, 410}
    assert _count(house, made, "task_accepted") + _count(house, made, "task_declined") == 1


def test_declining_needs_a_reason_of_the_agenda(house: House, room: Mailroom) -> None:
    made = house.refer("cap", "housing")
    token = room.token(made)
    for reason in ("", "because"):
        asked = room.answer(token, deed="decline", reason=reason)
        assert (asked.status_code, "Choose a reason, then decline." in asked.text) == (422, True)
    assert room.answer(token, deed="decline", reason="full").status_code == 200
    assert state(house, made) == "declined"


@pytest.mark.parametrize(
    ("language", "told"), [("en", "Choose one of the answers"), ("es", "Elija una de las respuestas")]
)
@pytest.mark.parametrize("form", [{}, {"deed": "dance"}, {"reason": "full"}])
def test_without_an_answer_the_page_says_that_one_has_to_be_chosen(
    house: House, room: Mailroom, form: dict[str, str], language: str, told: str
) -> None:
    made = house.refer("cap", "housing")
    token = room.token(made)
    house.sql("update user_account set language = %s where login = 'gwen.housing'", language)
    try:
        asked = room.answer(token, **form)
    finally:
        house.sql("update user_account set language = 'en' where login = 'gwen.housing'")
    assert (asked.status_code, told in asked.text, state(house, made)) == (422, True, "requested")


def test_a_link_is_over_once_somebody_else_has_moved_the_work(house: House, room: Mailroom) -> None:
    made = house.refer("cap", "housing")
    token = room.token(made)
    house.person("hector.housing").does(f"{task_of(made)}/acknowledge")
    for answer in (room.page(token), room.answer(token, deed="accept")):
        assert (answer.status_code, "answered, assigned or withdrawn" in answer.text) == (410, True)
    assert state(house, made) == "acknowledged"


def moved(answer: httpx.Response) -> bool:
    return answer.status_code == 410 and "has moved" in answer.text and "membership" not in answer.text


def test_who_was_asked_beside_others_and_was_later_is_told_that_it_has_moved(house: House, room: Mailroom) -> None:
    service_ids = [str(house.service("housing").id), str(house.other_door().id)]
    asked = {"service_ids": service_ids, "client": {"given_name": "Rosalind", "family_name": "Featherstonehaugh"}}
    made = house.person("maria.cap").does("/v1/referrals", asked)
    token = room.token(made)
    other = next(one for one in made["tasks"] if one["organization_id"] == str(house.region.organization("faith").id))
    house.caseworker("faith").does(f"/v1/tasks/{other['id']}/accept")
    assert moved(room.page(token))
    assert moved(room.answer(token, deed="accept"))


def test_after_a_reroute_the_first_link_says_that_it_has_moved(house: House, room: Mailroom) -> None:
    made = house.refer("cap", "housing")
    token = room.token(made)
    declined = {"reason_code": "full", "reason_class": "no_capacity"}
    house.person("gwen.housing").does(f"/v1/tasks/{made['tasks'][0]['id']}/decline", declined)
    elsewhere = {"service_id": str(house.other_door().id)}
    house.person("maria.cap").does(f"/v1/referrals/{made['id']}/reroute", elsewhere)
    assert moved(room.page(token))
    assert moved(room.answer(token, deed="accept"))


def test_what_was_given_to_a_colleague_is_not_answered_by_anothers_link(house: House, room: Mailroom) -> None:
    made = house.refer("cap", "esu")
    task = made["tasks"][0]["id"]
    staff = [one.login for one in house.region.people_of("esu", "caseworker")]
    first, second = (room.token(made, login) for login in staff[:2])
    user = house.sql("select id from user_account where login = %s", staff[0])[0][0]
    house.person(staff[0]).does(f"/v1/tasks/{task}/assign", {"user_id": str(user)})
    assert moved(room.page(second))
    assert moved(room.answer(second, deed="accept"))
    assert room.page(first).status_code == 200
    assert room.answer(first, deed="accept").status_code == 200


def test_a_press_that_was_refused_does_not_use_the_link_up(house: House, room: Mailroom) -> None:
    """It was a colleague's in between; nothing had been done by the link, so it still does what it is for."""
    made = house.refer("cap", "esu")
    task = f"/v1/tasks/{made['tasks'][0]['id']}/assign"
    first, second = [one.login for one in house.region.people_of("esu", "caseworker")][:2]
    token, boss = room.token(made, second), house.person(first)
    ids = dict(house.sql("select login, id::text from user_account where login = any(%s)", [first, second]))
    boss.does(task, {"user_id": ids[first]})
    for deed in ("accept", "acknowledge"):
        assert moved(room.answer(token, deed=deed))
    boss.does(task, {"user_id": ids[second]})
    assert room.answer(token, deed="accept").status_code == 200
    assert state(house, made) == "accepted"
    assert "used" in room.answer(token, deed="decline", reason="full").text


def test_a_link_expires(house: House, room: Mailroom) -> None:
    made = house.refer("cap", "housing")
    token = room.token(made)
    house.sql("update mail_link set expires_at = now() where id = %s", str(_id(room, token)))
    for answer in (room.page(token), room.answer(token, deed="accept")):
        assert (answer.status_code, "expired" in answer.text) == (410, True)
    assert state(house, made) == "requested"


def test_a_letter_that_was_long_in_vain_carries_a_link_that_works_for_seven_days_from_then(
    house: House, room: Mailroom, box: Box
) -> None:
    made = house.refer("cap", "housing")
    box.answer = "451 come again"
    room.deliver()
    house.sql(
        "update mail_link set expires_at = now() - interval '1 day', task_state = 'accepted' where used_at is null"
    )
    box.answer = "250 OK"
    house.sql("update mail set due_at = now() where closed_at is null")
    token = room.token(made)
    left = "select expires_at - now() > interval '6 days 23 hours' from mail_link where id = %s"
    assert house.sql(left, str(_id(room, token))) == [(True,)]
    assert room.answer(token, deed="accept").status_code == 200


def test_a_link_that_was_used_is_used_however_often_its_letter_is_sent(house: House, room: Mailroom) -> None:
    """The server had taken the letter, and nobody wrote that down before the relay died."""
    made = house.refer("cap", "housing")
    link = str(_id(room, room.token(made)))
    house.sql("update mail_link set used_at = now(), expires_at = now() + interval '1 hour' where id = %s", link)
    house.sql("update mail set closed_at = null, due_at = now() where id in (select mail_id from mail_item i"
              " join mail_link k on k.notice_id = i.notice_id where k.id = %s)", link)  # fmt: skip
    room.deliver()
    assert len(room.got("gwen.housing", made["reference"])) == 2
    row = "select expires_at < now() + interval '2 hours', used_at is not null from mail_link where id = %s"
    assert house.sql(row, link) == [(True, True)]


GWENS = "where user_id = (select id from user_account where login = 'gwen.housing')"
GONE = {
    "revoked": ("user_account", "revoked_at", "now()", "null", "where login = 'gwen.housing'"),
    "has left": ("membership", "ends_on", "current_date - 2", "null", GWENS),
    "does no casework any more": ("membership", "role", "'auditor'", "'caseworker'", GWENS),
}


@pytest.mark.parametrize("gone", GONE)
def test_a_link_does_not_speak_for_whoever_is_gone(house: House, room: Mailroom, gone: str) -> None:
    made = house.refer("cap", "housing")
    token = room.token(made)
    table, column, value, before, whose = GONE[gone]
    house.sql(f"update {table} set {column} = {value} {whose}")
    try:
        answers = [room.page(token), room.answer(token, deed="accept")]
    finally:
        house.sql(f"update {table} set {column} = {before} {whose}")
    assert [each.status_code for each in answers] == [410, 410]
    assert "Ask the administrator" in answers[0].text
    assert state(house, made) == "requested"


def test_a_forged_link_leads_nowhere(house: House, room: Mailroom) -> None:
    made = house.refer("cap", "housing")
    token = room.token(made)
    head, payload, signature = token.split(".")
    other = Links(b"another key, of somebody else, 32+").sign(_id(room, token))
    assert room.links is not None
    for forged in (f"{head}.{payload}.{signature[:-2]}AA", f"eyJhbGciOiJub25lIn0.{payload}.", other, "x", "x" * 3000,
                   room.links.sign(uuid4())):  # fmt: skip
        for answer in (room.page(forged), room.answer(forged, deed="accept")):
            assert answer.status_code == 404
            assert answer.headers["content-type"].startswith("text/html")
    assert state(house, made) == "requested"


def browser(house: House) -> httpx.Client:
    """Asks for what the description does not promise as well."""
    return httpx.Client(base_url=house.http.base_url, timeout=20, trust_env=False)


def _refusals(http: httpx.Client) -> dict[int, list[httpx.Response]]:
    return {
        404: [http.get(path) for path in ("/act", "/act/", "/act/x", "/act/x/y")],
        405: [http.put("/act/x"), http.delete("/act/x/")],
        415: [http.post("/act/x", json={"deed": "accept"})],
        413: [http.post("/act/x", data={"deed": "a" * (1 << 20)})],
    }


def test_a_link_stands_what_mail_programs_do_to_it(house: House, room: Mailroom) -> None:
    made = house.refer("cap", "housing")
    token = room.token(made)
    plain = room.page(token)
    with browser(house) as http:
        for changed in (f"{token}/", f"{token}?utm_source=mail", f"{token}/?a=1&a=2&b=%ff"):
            shown, looked = http.get(f"/act/{changed}"), http.head(f"/act/{changed}")
            assert (shown.status_code, shown.text) == (200, plain.text), changed
            assert (looked.status_code, looked.content) == (200, b"")
            assert looked.headers["content-length"] == plain.headers["content-length"]
        assert http.head("/act/x").status_code == 404
        assert state(house, made) == "requested"
        assert http.post(f"/act/{token}/?utm_source=mail", data={"deed": "accept"}).status_code == 200
    assert state(house, made) == "accepted"


def test_whatever_is_refused_there_is_said_as_a_page(house: House) -> None:
    with browser(house) as http:
        answers = _refusals(http)
        assert http.get("/action").headers["content-type"] == "application/problem+json"
        assert http.get("/public/indicators?utm_source=mail").status_code == 422
    for status, given in answers.items():
        for answer in given:
            assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
            assert answer.text.startswith("<!doctype html>")
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src")
            assert answer.headers["x-request-id"]


def test_what_has_moved_meanwhile_is_not_sent(house: House, room: Mailroom) -> None:
    made = house.refer("cap", "housing")
    tell(house)
    house.person("hector.housing").does(f"{task_of(made)}/accept")
    room.deliver()
    assert room.got("gwen.housing", made["reference"]) == []


def test_what_moves_while_other_letters_are_sent_is_not_sent(house: House, room: Mailroom) -> None:
    first, second = house.refer("cap", "housing"), house.refer("cap", "housing")
    tell(house)
    assert room.loop.run(room.postman.deliver())
    house.person("hector.housing").does(f"{task_of(second)}/accept")
    room.deliver()
    assert len(room.got("gwen.housing", first["reference"])) == 1
    assert room.got("gwen.housing", second["reference"]) == []


def test_two_postmen_send_nothing_twice_over_a_slow_server(
    house: House, room: Mailroom, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [house.refer("cap", "housing") for _ in range(5)]
    tell(house)
    monkeypatch.setattr("services.mails.LEASE_SECONDS", 4)

    async def work() -> None:
        postman = Postman(house.engine, post_of(house, box), room.links, "http://127.0.0.1")
        while await postman.deliver():
            pass

    box.pause = 1.0  # ten letters take longer than a lease
    try:
        for postman in [room.loop.start(work()) for _ in range(2)]:
            postman.result(60)
    finally:
        box.pause = 0.0
    for each in made:
        for login in ("gwen.housing", "hector.housing"):
            assert len(room.got(login, each["reference"])) == 1


def test_a_server_may_answer_late_once_it_has_the_letter_and_is_given_up_before_the_lease_ends(
    house: House, room: Mailroom, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LONGEST_SECONDS + ANSWER_SECONDS < LEASE_SECONDS
    assert ANSWER_SECONDS >= 600, "RFC 5321, 4.5.3.2.6"
    made = house.refer("cap", "housing")
    monkeypatch.setattr("concert.post.SECONDS", 0.5)
    monkeypatch.setattr("concert.post.LONGEST_SECONDS", 0.5)
    box.pause = 1.0
    try:
        room.deliver()
    finally:
        box.pause = 0.0
    for login in ("gwen.housing", "hector.housing"):
        assert len(room.got(login, made["reference"])) == 1


@pytest.mark.parametrize("pause", [0.0, 2.0])
def test_a_letter_that_perhaps_arrived_is_sent_again_ever_later_and_not_for_ever(
    house: House, room: Mailroom, box: Box, monkeypatch: pytest.MonkeyPatch, pause: float
) -> None:
    """The server takes it and says nothing: it hangs up, or we do."""
    made = house.refer("cap", "housing")
    monkeypatch.setattr("concert.post.ANSWER_SECONDS", 0.3)
    box.answer, box.pause, box.about = None, pause, made["reference"]
    waits = []
    try:
        for _ in range(PERHAPS_BEFORE_CLOSED + 2):
            room.deliver()
            waits += house.sql(
                "select max(extract(epoch from due_at - now()))::int from mail where closed_at is null and attempts > 0"
            )
            house.sql("update mail set due_at = now() where closed_at is null")
    finally:
        box.answer, box.pause, box.about = "250 OK", 0.0, ""
    known = [wait for (wait,) in waits if wait is not None]
    assert len(known) == PERHAPS_BEFORE_CLOSED - 1
    assert known[0] > 500
    assert known == sorted(set(known))
    for login in ("gwen.housing", "hector.housing"):
        letters = room.got(login, made["reference"])
        assert len(letters) == PERHAPS_BEFORE_CLOSED
        assert len({letter["Message-ID"] for letter in letters}) == 1


def test_a_slow_letter_does_not_hold_up_the_others(house: House, room: Mailroom, box: Box) -> None:
    slow, swift = house.refer("cap", "housing"), house.refer("cap", "housing")
    tell(house)
    box.pause, box.about = 3.0, slow["reference"]
    assert HANDS > 2
    running = room.loop.start(room.postman.run())
    try:
        eventually(lambda: room.got("gwen.housing", swift["reference"]), seconds=2)
        assert room.got("gwen.housing", slow["reference"]) == []
        eventually(lambda: room.got("hector.housing", slow["reference"]))
        eventually(lambda: house.sql("select count(*) from mail where closed_at is null") == [(0,)])
    finally:
        running.cancel()
        box.pause, box.about = 0.0, ""


def test_a_relay_without_a_mail_server_leaves_the_letters_to_the_one_that_has_it(house: House, room: Mailroom) -> None:
    made = house.refer("cap", "housing")
    assert not house.settings.smtp_url
    _, leave = room.loop.enter(together(*beside_relay(house.settings, house.engine)))
    try:
        eventually(lambda: house.sql("select count(*) from outbox where kind = 'event'") == [(0,)])
    finally:
        leave()
    room.deliver()
    assert len(room.got("gwen.housing", made["reference"])) == 1


LETTERS = {
    "never tried for a week": ("due_at = now() - interval '169 hours'", 0),
    "never tried for less": ("due_at = now() - interval '167 hours'", 1),
    "tried in vain for long": ("due_at = now() - interval '1 year', unsent_since = now() - interval '1 year'", 1),
    "refused before": ("due_at = now() - interval '1 year', attempts = 1", 1),
    "sent long ago": ("due_at = now() - interval '1 year', closed_at = now() - interval '1 year'", 1),
    "waiting for its digest": ("due_at = now() + interval '1 day', created_at = now() - interval '1 year'", 1),
}


@pytest.mark.parametrize("name", LETTERS)
def test_a_letter_that_nobody_tries_to_send_is_forgotten_after_a_week(house: House, room: Mailroom, name: str) -> None:
    """Where no relay has a mail server, letters do not pile up."""
    became, left = LETTERS[name]
    house.sql("delete from mail_item")
    house.sql("delete from mail")
    made = house.refer("cap", "housing")
    tell(house)
    house.sql(f"update mail set {became} where user_id = %s", user(house, "gwen.housing"))
    house.person("hector.housing").does(f"{task_of(made)}/request-info", {"question": "Since when?"})
    tell(house)
    kept = house.sql(
        "select count(*) from mail m join mail_item i on i.mail_id = m.id where m.user_id = %s",
        user(house, "gwen.housing"),
    )
    assert kept == [(left,)]
    house.sql("update mail set closed_at = now() where closed_at is null")


def test_a_confidential_provider_gets_no_link(house: House, room: Mailroom) -> None:
    made = house.refer("shelter", "shelter")
    append(house, made["id"], "task_nudged", {"to": "shelter", "person": "june.shelter"}, "carmen.shelter")
    room.deliver()
    letters = room.got("june.shelter", made["reference"])
    assert letters
    assert {token_of(letter) for letter in letters} == {None}


def test_the_server_is_away_and_nothing_is_lost(house: House, room: Mailroom, box: Box) -> None:
    made = house.refer("cap", "housing")
    for refusal in ("451 come again", "554 never"):
        box.answer = refusal
        house.sql("update mail set due_at = now() where closed_at is null")
        room.deliver()
        assert room.got("gwen.housing", made["reference"]) == []
    row = house.sql("select distinct attempts, closed_at from mail where closed_at is null")
    assert row == [(1, None)]
    box.answer = "250 OK"
    house.sql("update mail set due_at = now() where closed_at is null")
    room.deliver()
    assert len(room.got("gwen.housing", made["reference"])) == 1


def test_since_when_mail_does_not_leave_is_kept_from_the_first_vain_try_until_the_server_answers(
    house: House, room: Mailroom, box: Box
) -> None:
    def tried(refusal: str) -> Queue:
        box.answer = refusal
        house.sql("update mail set due_at = now() where closed_at is null")
        room.deliver()
        return take_pulse(house.api).mail

    room.deliver()
    house.refer("cap", "faith")
    assert take_pulse(house.api).mail == Queue(0, None)
    first, second = tried("451 come again"), tried("451 come again")
    assert (first.waiting, second) == (1, first)
    assert tried("554 never") == Queue(0, None), "it answers: the address is wrong"
    third = tried("451 come again")
    assert (third.waiting, third.since > first.since if third.since and first.since else None) == (1, True)
    assert tried("250 OK") == Queue(0, None)


Refuse = Callable[..., None]


@pytest.fixture
def refuse(house: House, room: Mailroom, box: Box) -> Iterator[Refuse]:
    """Whose letters the server does not take from now on, and what it says then. Nothing else waits; at the end it
    takes them again, and nothing waits."""
    drain(house, room)
    house.sql("update mail set closed_at = now() where closed_at is null")

    def from_now_on(*logins: str, answer: str = FULL) -> None:
        found = house.sql("select email from user_account where login = any(%s)", list(logins))
        box.refused.update({address: answer for (address,) in found})

    yield from_now_on
    box.refused.clear()
    house.sql("update mail set closed_at = now() where closed_at is null")


def waits(house: House) -> list[float]:
    """Seconds until each open letter is tried again."""
    found = house.sql("select extract(epoch from due_at - clock_timestamp()) from mail where closed_at is null")
    return [float(seconds) for (seconds,) in found]


def soon(*seconds: float) -> Any:
    """As `waits` says it on a busy machine."""
    return pytest.approx(list(seconds), abs=3)


def test_a_full_mailbox_is_no_sign_that_mail_does_not_leave_where_nobody_else_waits(
    house: House, room: Mailroom, refuse: Refuse
) -> None:
    refuse("naomi.faith")
    house.refer("cap", "faith")
    room.deliver()
    assert house.sql("select error from mail where closed_at is null") == [("SMTPRecipientsRefused",)]
    assert take_pulse(house.api).mail == Queue(0, None)


def test_a_full_mailbox_is_no_sign_that_mail_does_not_leave_where_others_get_theirs(
    house: House, room: Mailroom, refuse: Refuse
) -> None:
    refuse("gwen.housing")
    made = house.refer("cap", "housing")
    for _ in range(2):  # whichever is tried first
        drain(house, room)
    assert len(room.got("hector.housing", made["reference"])) == 1
    assert len(waits(house)) == 1
    assert take_pulse(house.api).mail == Queue(0, None)


def test_a_full_mailbox_beside_a_mistyped_address_is_no_sign_that_mail_does_not_leave(
    house: House, room: Mailroom, refuse: Refuse
) -> None:
    refuse("gwen.housing")
    refuse("hector.housing", answer=NOBODY)
    house.refer("cap", "housing")
    for _ in range(2):
        drain(house, room)
        assert take_pulse(house.api).mail == Queue(0, None)
    assert len(waits(house)) == 2


def test_two_full_mailboxes_are_a_sign_until_anybody_gets_a_letter(
    house: House, room: Mailroom, refuse: Refuse
) -> None:
    refuse("gwen.housing", "hector.housing")
    house.refer("cap", "housing")
    room.deliver()
    assert take_pulse(house.api).mail.waiting == 2
    house.refer("cap", "faith")
    room.deliver()
    assert len(waits(house)) == 2, "neither was tried again"
    assert take_pulse(house.api).mail == Queue(0, None)


def test_a_server_that_takes_no_reader_after_a_night_is_a_sign_that_mail_does_not_leave(
    house: House, room: Mailroom, refuse: Refuse
) -> None:
    """The letters are older than the last that left."""
    house.refer("cap", "housing")
    tell(house)
    house.sql("update mail set due_at = now() + interval '1 hour' where closed_at is null")
    house.refer("cap", "faith")
    room.deliver()
    refuse("gwen.housing", "hector.housing", answer="450 4.3.0 temporary lookup failure")
    drain(house, room)
    assert take_pulse(house.api).mail.waiting == 2


AGED = (
    "update mail set unsent_since = now() - interval '1 month', reason_since = now() - cast(%s as interval)"
    " where closed_at is null"
)
"""Tried in vain for a month, and refused for its reader for some of it."""


def test_a_letter_for_a_full_mailbox_is_tried_ever_later_from_its_first_refusal_on(
    house: House, room: Mailroom, refuse: Refuse
) -> None:
    refuse("naomi.faith")
    house.refer("cap", "faith")
    tell(house)
    house.sql("update mail set created_at = now() - interval '8 days' where closed_at is null")
    drain(house, room)
    assert waits(house) == soon(15)
    for refused, seconds in (("10 seconds", 15), ("2 minutes", 30), ("2 hours", 1800), ("6 days", 3600)):
        house.sql(AGED, refused)
        drain(house, room)
        assert waits(house) == soon(seconds), refused


def test_a_letter_for_a_mailbox_that_is_full_for_a_week_is_given_up(
    house: House, room: Mailroom, refuse: Refuse
) -> None:
    refuse("naomi.faith")
    house.refer("cap", "faith")
    room.deliver()
    ((letter,),) = house.sql("select id from mail where closed_at is null")
    house.sql(AGED, "8 days")
    drain(house, room)
    over = "select closed_at is not null, sent_at, error from mail where id = %s"
    assert house.sql(over, letter) == [(True, None, "SMTPRecipientsRefused")]


def test_a_letter_is_delivered_once_its_readers_mailbox_has_room(
    house: House, room: Mailroom, box: Box, refuse: Refuse
) -> None:
    refuse("naomi.faith")
    made = house.refer("cap", "faith")
    room.deliver()
    assert room.got("naomi.faith", made["reference"]) == []
    box.refused.clear()
    drain(house, room)
    assert len(room.got("naomi.faith", made["reference"])) == 1


def test_a_letter_that_outlived_an_outage_has_a_week_of_its_own_where_its_readers_mailbox_is_full(
    house: House, room: Mailroom, refuse: Refuse
) -> None:
    house.refer("cap", "faith")
    tell(house)
    long = "now() - interval '8 days'"
    house.sql(
        f"update mail set created_at = {long}, unsent_since = {long}, reason_since = {long} where closed_at is null"
    )
    refuse("naomi.faith")
    for _ in range(3):
        drain(house, room)
        assert waits(house) == soon(15)


def test_a_mailbox_that_is_full_for_days_does_not_make_a_short_outage_a_long_one(
    house: House, room: Mailroom, box: Box, refuse: Refuse
) -> None:
    refuse("naomi.faith")
    house.refer("cap", "faith")
    room.deliver()
    house.sql("update mail set unsent_since = now() - interval '3 days', reason_since = now() - interval '3 days'"
              " where closed_at is null")  # fmt: skip
    house.refer("cap", "housing")
    room.deliver()
    box.refused.clear()
    box.answer = "451 come again"
    try:
        drain(house, room)
        pulse = take_pulse(house.api)
    finally:
        box.answer = "250 OK"
    assert pulse.mail.waiting == 1
    assert pulse.age(pulse.mail) < 60


def test_an_address_that_is_refused_for_good_gets_six_tries_ever_further_apart_however_old_the_letter(
    house: House, room: Mailroom, refuse: Refuse
) -> None:
    refuse("naomi.faith", answer=NOBODY)
    house.refer("cap", "faith")
    tell(house)
    house.sql("update mail set created_at = now() - interval '8 days' where closed_at is null")
    waited = []
    for tried in range(REFUSALS_BEFORE_CLOSED):
        drain(house, room)
        assert take_pulse(house.api).mail == Queue(0, None)
        waited += waits(house)
        if tried == 0:
            house.refer("cap", "housing")
            room.deliver()
    assert waited == soon(30, 60, 120, 240, 480)


def test_a_server_that_refuses_everybody_for_good_is_a_sign_that_mail_does_not_leave_and_loses_no_letter(
    house: House, room: Mailroom, box: Box, refuse: Refuse
) -> None:
    refuse("gwen.housing", "hector.housing", answer="554 5.7.1 relay access denied")
    made = house.refer("cap", "housing")
    for _ in range(REFUSALS_BEFORE_CLOSED + 2):
        drain(house, room)
        assert take_pulse(house.api).mail.waiting == 2
    assert waits(house) == soon(3600, 3600)
    box.refused.clear()
    drain(house, room)
    assert [len(room.got(f"{name}.housing", made["reference"])) for name in ("gwen", "hector")] == [1, 1]
    assert take_pulse(house.api).mail == Queue(0, None)


def test_a_letter_that_is_refused_for_good_while_no_other_leaves_is_given_up_after_a_week(
    house: House, room: Mailroom, refuse: Refuse
) -> None:
    refuse("naomi.faith", answer=NOBODY)
    house.refer("cap", "faith")
    for _ in range(REFUSALS_BEFORE_CLOSED):
        drain(house, room)
    assert len(waits(house)) == 1
    house.sql("update mail set sent_at = sent_at - interval '9 days' where sent_at is not null")
    house.sql("update mail set refused_since = now() - interval '8 days' where closed_at is null")
    drain(house, room)
    assert waits(house) == []


@pytest.mark.parametrize(("answer", "told"), [("451 come again", False), (None, True)], ids=["in vain", "perhaps told"])
def test_who_was_never_told_that_work_was_theirs_is_not_told_that_it_is_not(
    house: House, room: Mailroom, box: Box, held: dict[str, str], answer: str | None, told: bool
) -> None:
    """Nor where the first letter was tried in vain, so that the second would be one of its own."""
    made = house.refer("health", "cap")
    jolene = house.person("jolene.cap")
    drain(house, room)
    box.answer = answer
    try:
        jolene.does(f"{task_of(made)}/assign", {"user_id": held["dale.cap"]})
        drain(house, room)
        jolene.does(f"{task_of(made)}/assign", {"user_id": held["maria.cap"]})
        drain(house, room)
    finally:
        box.answer = "250 OK"
    drain(house, room)
    assert any("somebody else's now" in text_of(m) for m in room.got("dale.cap", made["reference"])) == told
    assert [m for m in room.got("maria.cap", made["reference"]) if "is yours now" in text_of(m)]


def says(room: Mailroom, login: str, made: Any) -> list[str]:
    """What has gone over, as their letters say it, oldest first."""
    found = [re.findall(f"{made['reference']} (is yours|is somebody else's) now", text_of(m))
             for m in room.got(login, made["reference"])]  # fmt: skip
    return [said for each in found for said in each]


def test_who_heard_only_the_second_time_that_work_was_theirs_hears_that_it_went_on(
    house: House, room: Mailroom, held: dict[str, str]
) -> None:
    made, assign = handed(house, held)
    assign("dale.cap")
    assign("maria.cap")
    drain(house, room)
    assert says(room, "dale.cap", made) == []
    for login in ("dale.cap", "maria.cap"):
        assign(login)
        drain(house, room)
    assert says(room, "dale.cap", made) == ["is yours", "is somebody else's"]


def test_who_heard_that_it_was_theirs_hears_that_it_went_on_though_it_came_back_for_a_moment(
    house: House, room: Mailroom, held: dict[str, str]
) -> None:
    """Two letters had nothing to say when they were due: that it was not theirs, and that it was again."""
    made, assign = handed(house, held)
    assign("dale.cap")
    drain(house, room)
    assign("maria.cap")
    house.sql("update mail set due_at = now() + interval '1 hour' where closed_at is null")
    assign("dale.cap")
    house.sql("update mail set due_at = now() where due_at > now() + interval '30 minutes' and closed_at is null")
    room.deliver()
    house.sql("update mail set due_at = now() + interval '1 hour' where closed_at is null")
    assign("maria.cap")
    drain(house, room)
    assert says(room, "dale.cap", made) == ["is yours", "is somebody else's"]


def test_who_took_work_themselves_hears_that_it_went_on(house: House, room: Mailroom, held: dict[str, str]) -> None:
    made, assign = handed(house, held)
    house.person("dale.cap").does(f"{task_of(made)}/assign", {"user_id": held["dale.cap"]})
    assign("maria.cap")
    drain(house, room)
    assert says(room, "dale.cap", made) == ["is somebody else's"]


def test_while_a_letter_is_being_handed_over_it_counts_as_heard(
    house: House, room: Mailroom, held: dict[str, str]
) -> None:
    made, assign = handed(house, held)
    assign("dale.cap")
    lease = "update mail set due_at = now() + interval '10 minutes' where closed_at is null"
    house.sql(lease)  # another postman has it, and the server thinks
    assign("maria.cap")
    house.sql("update mail set due_at = now() where due_at < now() + interval '5 minutes' and closed_at is null")
    room.deliver()
    assert says(room, "dale.cap", made) == ["is somebody else's"]


def test_what_is_due_only_tomorrow_was_not_heard(house: House, room: Mailroom, held: dict[str, str]) -> None:
    made, assign = handed(house, held)
    assign("dale.cap")
    house.sql("update mail set due_at = now() + interval '1 day' where closed_at is null")
    assign("maria.cap")
    house.sql("update mail set due_at = now() where due_at < now() + interval '5 minutes' and closed_at is null")
    room.deliver()
    drain(house, room)
    assert says(room, "dale.cap", made) == []


def handed(house: House, held: dict[str, str]) -> tuple[Any, Callable[[str], None]]:
    """A request at cap, and how its supervisor hands it to somebody, which is told and not yet sent."""
    made, jolene = house.refer("health", "cap"), house.person("jolene.cap")

    def assign(login: str) -> None:
        jolene.does(f"{task_of(made)}/assign", {"user_id": held[login]})
        tell(house)

    return made, assign


def test_what_goes_away_and_comes_back_before_it_was_told_is_said_once_and_has_its_link(
    house: House, room: Mailroom, held: dict[str, str]
) -> None:
    made, assign = handed(house, held)
    for login in ("dale.cap", "maria.cap", "dale.cap"):
        assign(login)
    drain(house, room)
    (letter,) = [m for m in room.got("dale.cap", made["reference"]) if "is yours now" in text_of(m)]
    assert letter["Subject"] == f"{made['reference']} is yours now."
    assert says(room, "dale.cap", made) == ["is yours"]
    assert token_of(letter)
    assert says(room, "maria.cap", made) == []


def test_a_letter_that_is_sent_twice_is_the_same_letter(house: House, room: Mailroom) -> None:
    made = house.refer("cap", "housing")
    room.deliver()
    house.sql(
        "update mail set closed_at = null, sent_at = null, due_at = now()"
        " where created_at = (select max(created_at) from mail)"
    )
    room.deliver()
    letters = [m for login in ("gwen.housing", "hector.housing") for m in room.got(login, made["reference"])]
    assert len(letters) == 3
    assert len({letter["Message-ID"] for letter in letters}) == 2
    assert len({token_of(letter) for letter in letters}) == 2


def test_a_digest_gathers_a_day_and_quiet_hours_hold_what_is_not_urgent(house: House, room: Mailroom) -> None:
    hector = house.person("hector.housing")
    hector.does("/v1/notices/choices", {"kind": "asked", "way": "digest"})
    adopt_hours(house.admin_url, house.region, "00:00", "23:59:59.999999")
    try:
        two = [house.refer("cap", "housing") for _ in range(2)]
        urgent = house.refer("cap", "housing", priority="urgent")
        room.deliver()
    finally:
        adopt_hours(house.admin_url, house.region, "00:00", "00:00")
        hector.does("/v1/notices/choices", {"kind": "asked", "way": "mail"})
    assert len(room.got("gwen.housing", urgent["reference"])) == 1
    assert [room.got("gwen.housing", each["reference"]) for each in two] == [[], []]
    assert len(room.got("hector.housing", urgent["reference"])) == 1, "what is urgent waits for no digest"

    house.sql("update mail set due_at = now() where closed_at is null")
    room.deliver()
    assert [len(room.got("gwen.housing", each["reference"])) for each in two] == [1, 1]
    (digest,) = room.got("hector.housing", two[0]["reference"])
    assert digest["Subject"] == "Concert: 2 things for you"
    assert all(each["reference"] in text_of(digest) for each in two)
    assert token_of(digest) is None


def test_who_chooses_otherwise_while_a_letter_waits_is_heard(house: House, room: Mailroom) -> None:
    gwen = house.person("gwen.housing")
    made = house.refer("cap", "housing")
    tell(house)
    gwen.does("/v1/notices/choices", {"kind": "asked", "way": "feed"})
    try:
        room.deliver()
        assert room.got("gwen.housing", made["reference"]) == []
        assert len(room.got("hector.housing", made["reference"])) == 1
        assert made["id"] in str(gwen.read("/v1/notices"))
    finally:
        gwen.does("/v1/notices/choices", {"kind": "asked", "way": "mail"})


@pytest.fixture
def held(house: House) -> dict[str, str]:
    """The people of cap, whose supervisor hands work from one to another."""
    return {each["login"]: each["id"] for each in house.person("jolene.cap").read("/v1/people")["items"]}


def test_who_gets_all_the_work_of_a_colleague_gets_one_letter_a_moment_later(
    house: House, room: Mailroom, held: dict[str, str]
) -> None:
    made = [house.refer("health", "cap") for _ in range(5)]
    jolene = house.person("jolene.cap")
    for each in made:
        jolene.does(f"{task_of(each)}/assign", {"user_id": held["maria.cap"]})
    drain(house, room)
    jolene.does("/v1/tasks/reassign", {"from_user_id": held["maria.cap"], "to_user_id": held["dale.cap"]})
    drain(house, room)
    for login, says in (("dale.cap", "is yours now"), ("maria.cap", "is somebody else's now")):
        (letter,) = {m["Message-ID"]: m for each in made for m in room.got(login, each["reference"])
                     if f"{each['reference']} {says}" in text_of(m)}.values()  # fmt: skip
        assert re.fullmatch(r"Concert: \d+ things for you", str(letter["Subject"]))
        assert all(f"{each['reference']} {says}" in text_of(letter) for each in made)
        assert token_of(letter) is None


def test_what_goes_over_once_more_before_it_was_told_is_not_told(
    house: House, room: Mailroom, held: dict[str, str]
) -> None:
    drain(house, room)
    made = house.refer("health", "cap")
    drain(house, room)
    room.box.empty()
    for login in ("maria.cap", "dale.cap"):
        house.person("jolene.cap").does(f"{task_of(made)}/assign", {"user_id": held[login]})
    room.deliver()
    assert room.box.got == [], "it waits a moment"
    drain(house, room)
    (letter,) = room.got("dale.cap", made["reference"])
    assert letter["Subject"] == f"{made['reference']} is yours now."
    assert room.got("maria.cap", made["reference"]) == [], "she never heard that it was hers"


def test_who_read_in_the_feed_that_it_was_theirs_hears_that_it_is_no_more(
    house: House, room: Mailroom, held: dict[str, str]
) -> None:
    made, maria, jolene = house.refer("health", "cap"), house.person("maria.cap"), house.person("jolene.cap")
    jolene.does(f"{task_of(made)}/assign", {"user_id": held["maria.cap"]})
    drain(house, room)
    room.box.empty()
    for login in ("dale.cap", "maria.cap"):
        jolene.does(f"{task_of(made)}/assign", {"user_id": held[login]})
    room.deliver()
    maria.does("/v1/notices/read-all")
    jolene.does(f"{task_of(made)}/assign", {"user_id": held["dale.cap"]})
    drain(house, room)
    (letter,) = room.got("maria.cap", made["reference"])
    assert letter["Subject"] == f"{made['reference']} is somebody else's now."


@pytest.mark.parametrize(("answered", "links"), [("", True), ("acknowledge", True), ("accept", False)])
def test_who_is_given_a_request_that_waits_can_answer_by_its_link(
    house: House, room: Mailroom, held: dict[str, str], answered: str, links: bool
) -> None:
    made = house.refer("health", "cap")
    drain(house, room)
    room.box.empty()
    jolene = house.person("jolene.cap")
    if answered:
        jolene.does(f"{task_of(made)}/{answered}")
    jolene.does(f"{task_of(made)}/assign", {"user_id": held["dale.cap"]})
    drain(house, room)
    (letter,) = room.got("dale.cap", made["reference"])
    assert letter["Subject"] == f"{made['reference']} is yours now."
    token = token_of(letter)
    assert (token is not None) == links
    if token:
        assert "Accept the request" in room.page(token).text
        assert room.answer(token, deed="accept").status_code == 200
        assert jolene.read(task_of(made))["state"] == "accepted"


def test_who_has_no_request_any_more_gets_no_link_to_it(house: House, room: Mailroom, held: dict[str, str]) -> None:
    made = house.refer("health", "cap")
    for login in ("maria.cap", "dale.cap"):
        house.person("jolene.cap").does(f"{task_of(made)}/assign", {"user_id": held[login]})
        drain(house, room)
    (gone,) = [m for m in room.got("maria.cap", made["reference"]) if "somebody else's" in m["Subject"]]
    assert token_of(gone) is None


def test_who_is_given_work_hears_of_it_after_the_night_beside_what_else_waits(
    house: House, room: Mailroom, held: dict[str, str]
) -> None:
    """Letters of other kinds, due at the same moment, gather nothing."""
    adopt_hours(house.admin_url, house.region, "00:00", "23:59:59.999999")
    try:
        made = house.refer("health", "cap")
        house.person("jolene.cap").does(f"{task_of(made)}/assign", {"user_id": held["maria.cap"]})
        room.deliver()
    finally:
        adopt_hours(house.admin_url, house.region, "00:00", "00:00")
    kinds = house.sql(
        "select count(distinct i.mail_id), count(*) from mail_item i join mail m on m.id = i.mail_id"
        " join notice n on n.id = i.notice_id where m.closed_at is null and m.user_id = %s and n.referral_id = %s",
        held["maria.cap"],
        made["id"],
    )
    assert kinds == [(2, 2)]
    drain(house, room)


def drain(house: House, room: Mailroom) -> None:
    """All that waits is sent, whenever it is due."""
    tell(house)
    house.sql("update mail set due_at = now() where closed_at is null")
    room.deliver()


def test_mail_in_spanish_for_who_reads_spanish(house: House, room: Mailroom) -> None:
    house.sql("update user_account set language = 'es' where login = 'gwen.housing'")
    try:
        made = house.refer("cap", "housing")
        page = room.page(room.token(made))
    finally:
        house.sql("update user_account set language = 'en' where login = 'gwen.housing'")
    (letter,) = room.got("gwen.housing", made["reference"])
    assert re.search(r"Plazo: \d{1,2} [a-z]{3,4} 20\d\d, \d\d:\d\d \(M[SD]T\)\s", text_of(letter))
    assert letter["Subject"] == f"La solicitud {made['reference']} espera su respuesta."
    assert "Aceptar la solicitud" in page.text
    assert '<html lang="es">' in page.text


@pytest.mark.parametrize("broken", ["gwen.housing@x\r\nBcc: all@example.org", "gwen.housing@"])
def test_an_address_that_would_break_a_header_gets_no_mail_and_stops_nobody_elses(
    house: House, room: Mailroom, broken: str
) -> None:
    house.sql("update mail set closed_at = now() where closed_at is null")
    (address,) = house.sql("select email from user_account where login = 'gwen.housing'")[0]
    house.sql("update user_account set email = %s where login = 'gwen.housing'", broken)
    try:
        made = house.refer("cap", "housing")
        room.deliver()
    finally:
        house.sql("update user_account set email = %s where login = 'gwen.housing'", address)
    assert room.got("gwen.housing", made["reference"]) == []
    assert len(room.got("hector.housing", made["reference"])) == 1
    assert house.sql("select error, attempts from mail where closed_at is null") == [("address", 1)]


def test_the_engine_reads_no_address_but_of_whom_a_letter_waits_for(house: House) -> None:
    with house.engine.database.transaction() as connection:
        from sqlalchemy import text

        row = connection.execute(
            text("select count(*) from mail m, app.address_of(m.id) where m.closed_at is not null")
        )
        assert row.scalar_one() == 0
        with pytest.raises(Exception, match="permission denied"):
            connection.execute(text("select email from user_account"))


def _id(room: Mailroom, token: str) -> UUID:
    assert room.links is not None
    found = room.links.read(token)
    assert found is not None
    return found


def _count(house: House, made: Any, kind: str) -> int:
    found: int = house.sql("select count(*) from event where referral_id = %s and kind = %s", made["id"], kind)[0][0]
    return found


def test_a_letter_that_could_not_be_sent_before_the_quiet_hours_waits_for_their_end(
    house: House, room: Mailroom, box: Box
) -> None:
    made = house.refer("cap", "housing")
    box.answer = "451 come again"
    try:
        room.deliver()
    finally:
        box.answer = "250 OK"
    adopt_hours(house.admin_url, house.region, "00:00", "23:59:59.999999")
    try:
        house.sql("update mail set due_at = now() - interval '1 second' where closed_at is null")
        room.deliver()
        assert room.got("gwen.housing", made["reference"]) == []
        assert take_pulse(house.api).mail.waiting == 0, "nobody tries it in vain until then"
    finally:
        adopt_hours(house.admin_url, house.region, "00:00", "00:00")
    house.sql("update mail set due_at = now() - interval '1 second' where closed_at is null")
    room.deliver()
    assert len(room.got("gwen.housing", made["reference"])) == 1


def test_what_two_relays_gather_at_the_same_moment_is_one_digest(house: House, room: Mailroom) -> None:
    gwen = house.person("gwen.housing")
    gwen.does("/v1/notices/choices", {"kind": "asked", "way": "digest"})
    try:
        for _ in range(4):
            house.sql("update mail set closed_at = now() where closed_at is null")
            made = [house.refer("cap", "housing")["id"] for _ in range(3)]
            asked = [
                row[0]
                for row in house.sql(
                    "select id from event where referral_id = any(%s::uuid[]) and kind = 'task_requested'", made
                )
            ]
            for event_id in asked:
                notice_event(house.engine, event_id)
            at_once(*(partial(mail_event, house.engine, event_id) for event_id in asked))
            letters = "select count(*) from mail where user_id = %s and closed_at is null and digest"
            assert house.sql(letters, user(house, "gwen.housing")) == [(1,)]
    finally:
        gwen.does("/v1/notices/choices", {"kind": "asked", "way": "mail"})
