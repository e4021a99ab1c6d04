"""What a mail server's refusal means: does it say the same whenever it is asked, or is another time better?"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from concert.letters import envelope
from concert.post import NotSent, Post
from concert.settings import Settings
from tests.post import FULL, NOBODY, Box, opened

PLAIN, BEYOND = "gwen@example.org", "gwén@example.org"
REFUSALS: dict[str, tuple[dict[str, Any], str, bool]] = {
    "of this letter, for good": ({"answer": "554 never"}, "SMTPDataError 554", True),
    "of this letter, for now": ({"answer": "451 come again"}, "SMTPDataError 451", False),
    "of an address beyond ASCII": ({"to": BEYOND}, "SMTPNotSupported", True),
    "of ourselves, whose own address is beyond ASCII": ({"sender": BEYOND}, "SMTPNotSupported", False),
    "it has no TLS, and we insist": ({"query": "?tls=required"}, "SMTPException", False),
    "it takes no password": ({"user": "concert:x@"}, "SMTPException", False),
}


@pytest.mark.parametrize("situation", REFUSALS)
def test_a_refusal_is_for_good_where_another_time_changes_nothing(situation: str) -> None:
    how, code, final = REFUSALS[situation]
    box = Box()
    box.utf8, box.answer = False, how.get("answer", box.answer)
    with opened(box), pytest.raises(NotSent) as no:
        send(box, **{name: value for name, value in how.items() if name != "answer"})
    assert (no.value.code, no.value.final) == (code, final)


@pytest.mark.parametrize(
    ("box", "final", "reader"),
    [
        ({"refused": {PLAIN: FULL}}, False, True),
        ({"refused": {PLAIN: NOBODY}}, True, False),
        ({"answer": "451 come again"}, False, False),
    ],
    ids=["full mailbox", "nobody of that name", "letter for now"],
)
def test_a_refusal_is_of_the_reader_alone_where_the_server_asks_to_come_again_for_them(
    box: dict[str, Any], final: bool, reader: bool
) -> None:
    one = Box()
    for name, value in box.items():
        setattr(one, name, value)
    with opened(one), pytest.raises(NotSent) as no:
        send(one)
    assert (no.value.final, no.value.reader, no.value.perhaps) == (final, reader, False)


def test_a_server_that_holds_every_alphabet_takes_such_an_address() -> None:
    with opened(Box()) as box:
        send(box, to=BEYOND)
    assert len(box.to(BEYOND)) == 1


def send(box: Box, to: str = PLAIN, sender: str = "concert@example.org", query: str = "", user: str = "") -> None:
    url = f"smtp://{user}127.0.0.1:{box.port}{query}"
    post = Post.of(Settings(_env_file=None, smtp_url=url, mail_from=sender))
    assert post is not None
    asyncio.run(post.send(envelope("name", post.sender, to, "Subject", "Text")))
