"""Letters in words: a reference, what kind of move, until when, a link. Never a client, a need or a person's name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from uuid import UUID

from api.act_words import when
from domain.notice import sentence
from services.mails import Letter, Line

_WORDS = {
    "en": {
        "digest": "Concert: {count} things for you",
        "one": "Concert: one thing for you",
        "due": "Due: {when}",
        "urgent": "Urgent.",
        "answer": "See what is asked, and answer without signing in (once, within seven days):",
        "more": "More in Concert, after signing in.",
        "foot": "Mail holds no names. What you hear of, and how, is yours to choose (in Concert: notices, choices).",
    },
    "es": {
        "digest": "Concert: {count} cosas para usted",
        "one": "Concert: una cosa para usted",
        "due": "Plazo: {when}",
        "urgent": "Urgente.",
        "answer": "Vea qué se pide y responda sin iniciar sesión (una vez, dentro de siete días):",
        "more": "Más en Concert, después de iniciar sesión.",
        "foot": "El correo no lleva nombres. Usted elige de qué se entera y cómo (en Concert: avisos, opciones).",
    },
}


def written(letter: Letter, sender: str, link: Callable[[UUID], str] | None) -> EmailMessage:
    """`link` makes the address of a one-use link; None: none. It holds no other address: Concert has no further page
    for people. Raises ValueError for what no header holds.
    """
    words = _WORDS.get(letter.language, _WORDS["en"])
    parts = [_said(letter, line, words, link) for line in letter.lines]
    body = "\n\n".join([*parts, words["more"], words["foot"]])
    return envelope(letter.id.hex, sender, letter.address, _subject(letter, words), body)


def envelope(name: str, sender: str, to: str, subject: str, body: str) -> EmailMessage:
    """`name` makes the Message-ID: sent again, it is the same letter. Raises ValueError for an address that no header
    holds: a line break, half an address.
    """
    message = EmailMessage(policy=SMTP)
    message["From"], message["Subject"] = f"Concert <{sender}>", subject
    try:
        message["To"] = to
    except (LookupError, AttributeError):  # so the library stumbles over `x@`, `<` or `x@[`
        raise ValueError("half an address") from None
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Message-ID"] = f"<{name}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body + "\n")
    return message


def _subject(letter: Letter, words: dict[str, str]) -> str:
    if letter.digest:
        count = len(letter.lines)
        return words["one"] if count == 1 else words["digest"].format(count=count)
    return sentence(letter.lines[0].code, letter.lines[0].reference, letter.language)


def _said(letter: Letter, line: Line, words: dict[str, str], link: Callable[[UUID], str] | None) -> str:
    said = [sentence(line.code, line.reference, letter.language)]
    if line.urgent:
        said.append(words["urgent"])
    if line.due_at:
        said.append(words["due"].format(when=when(line.due_at, letter.zone, letter.language)))
    if line.link and link:
        said += ["", words["answer"], link(line.link)]
    return "\n".join(said)
