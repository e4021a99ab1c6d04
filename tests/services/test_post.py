"""What a mail server's refusal means: is another time better, and whose letters does it concern?"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from concert.letters import envelope
from concert.post import NotSent, Post
from concert.settings import Settings
from services.mails import Refusal
from tests.post import FULL, NOBODY, Box, opened

PLAIN, BEYOND = "gwen@example.org", "gwén@example.org"
REFUSALS: dict[str, tuple[dict[str, Any], str, Refusal]] = {
    "of this letter, for good": ({"answer": "554 never"}, "SMTPDataError 554", Refusal.FINAL),
    "of this letter, for now": ({"answer": "451 come again"}, "SMTPDataError 451", Refusal.AGAIN),
    "of its reader, for good": ({"refused": {PLAIN: NOBODY}}, "SMTPRecipientsRefused", Refusal.FINAL),
    "of its reader, for now": ({"refused": {PLAIN: FULL}}, "SMTPRecipientsRefused", Refusal.READER),
    "of an address beyond ASCII": ({"to": BEYOND}, "SMTPNotSupported", Refusal.FINAL),
    "of ourselves, whose own address is beyond ASCII": ({"sender": BEYOND}, "SMTPNotSupported", Refusal.AGAIN),
    "it has no TLS, and we insist": ({"query": "?tls=required"}, "SMTPException", Refusal.AGAIN),
    "it takes no password": ({"user": "concert:x@"}, "SMTPException", Refusal.AGAIN),
    "it hangs up once it has the letter": ({"answer": None}, "SMTPServerDisconnected", Refusal.PERHAPS),
}


@pytest.mark.parametrize("situation", REFUSALS)
def test_a_refusal_says_whether_another_time_is_better_and_for_whom_it_is(situation: str) -> None:
    how, code, refusal = REFUSALS[situation]
    box = Box()
    box.utf8, box.answer, box.refused = False, how.get("answer", box.answer), how.get("refused", {})
    with opened(box), pytest.raises(NotSent) as no:
        send(box, **{name: value for name, value in how.items() if name not in ("answer", "refused")})
    assert (no.value.code, no.value.refusal) == (code, refusal)


def test_a_server_that_holds_every_alphabet_takes_such_an_address() -> None:
    with opened(Box()) as box:
        send(box, to=BEYOND)
    assert len(box.to(BEYOND)) == 1


def send(box: Box, to: str = PLAIN, sender: str = "concert@example.org", query: str = "", user: str = "") -> None:
    url = f"smtp://{user}127.0.0.1:{box.port}{query}"
    post = Post.of(Settings(_env_file=None, smtp_url=url, mail_from=sender))
    assert post is not None
    asyncio.run(post.send(envelope("name", post.sender, to, "Subject", "Text")))
