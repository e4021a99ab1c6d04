"""Who hears of what: one table from what happened to whom it is told. Read it aloud in a meeting.

A sentence names the reference and nothing else: no client, no need, no person, no organization. It may stand in a mail.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domain.clock import SOURCE_CLOCKS
from domain.task import ENDED, Side


class Topic(StrEnum):
    """What a person may choose to hear of, or how."""

    ASKED = "asked"
    REMINDED = "reminded"
    ESCALATED = "escalated"
    NUDGED = "nudged"
    REASSIGNED = "reassigned"
    PROPOSED = "proposed"
    EXCEPTED = "excepted"
    ENDED = "ended"
    EXPIRED = "expired"
    RELEASED = "released"


class Way(StrEnum):
    FEED = "feed"
    MAIL = "mail"
    DIGEST = "digest"
    NOTHING = "nothing"


ASKING = frozenset({Topic.ASKED, Topic.REMINDED, Topic.ESCALATED, Topic.NUDGED, Topic.PROPOSED})
"""They ask for work or a choice, and are gone from the feed as soon as it has moved; the others are news and stay until
read."""
ALWAYS_TOLD = frozenset({Topic.NUDGED, Topic.ESCALATED})
"""Somebody wants just this person to hear of it: at least the feed shows it."""
USUAL: Mapping[Topic, Way] = {
    **dict.fromkeys(Topic, Way.FEED),
    Topic.ASKED: Way.MAIL,
    Topic.NUDGED: Way.MAIL,
    Topic.REASSIGNED: Way.MAIL,
    Topic.REMINDED: Way.DIGEST,
    Topic.ESCALATED: Way.DIGEST,
}
"""Until somebody chooses: whoever does not look in every day hears of a request all the same."""


def ways(kind: Topic) -> tuple[Way, ...]:
    return tuple(way for way in Way if way is not Way.NOTHING or kind not in ALWAYS_TOLD)


class Whom(StrEnum):
    """In words of one piece of work. The recorder stands in for a partner that has no login."""

    TARGET = "target"  # whoever it is assigned to there, else everybody who works there
    SOURCE = "source"  # who follows it at the source, or at the plan's lead; else everybody who works there
    OTHER = "other"  # of the two, the one that did not do it
    BACKBONE = "backbone"  # everybody of the backbone; never of confidential work
    RUNG = "rung"  # the rung of the ladder that the event names
    NAMED = "named"  # exactly the person whom the event names, else everybody who works there
    NEW_HOLDER = "new_holder"
    FORMER_HOLDER = "former_holder"
    HOLDER = "holder"  # who has the ball


class About(StrEnum):
    """What has to move, or to end, for the notice to be over."""

    TASK = "task"
    REFERRAL = "referral"
    PLAN = "plan"


@dataclass(frozen=True, slots=True)
class Rule:
    """`code` names the sentence. `loop`: only where somebody confirms, so not for a plain step of a plan. `choice`:
    only the source's, where it is to choose what comes next.
    """

    kind: Topic
    whom: Whom
    code: str
    about: About = About.TASK
    loop: bool = False
    choice: bool = False


def _each(names: str, *rules: Rule) -> dict[str, tuple[Rule, ...]]:
    return dict.fromkeys(names.split(), rules)


_R, _P = About.REFERRAL, About.PLAN
HEARS: Mapping[str, tuple[Rule, ...]] = {
    "task_requested": (Rule(Topic.ASKED, Whom.TARGET, "requested"),),
    "task_info_requested": (Rule(Topic.ASKED, Whom.SOURCE, "question"),),
    "task_answered": (Rule(Topic.ASKED, Whom.TARGET, "answered"),),
    "task_completed": (Rule(Topic.ASKED, Whom.SOURCE, "to_confirm", _R, loop=True),),
    "task_corrected": (Rule(Topic.ENDED, Whom.OTHER, "corrected", _R),),
    "plan_stop_asked": (Rule(Topic.ASKED, Whom.SOURCE, "stop_asked", _P),),
    "task_overdue": (Rule(Topic.REMINDED, Whom.RUNG, "overdue"),),
    **_each("referral_overdue step_overdue", Rule(Topic.REMINDED, Whom.RUNG, "overdue", _R)),
    "plan_overdue": (Rule(Topic.REMINDED, Whom.RUNG, "plan_overdue", _P),),
    **_each("task_escalated task_reminded", Rule(Topic.ESCALATED, Whom.RUNG, "escalated")),
    **_each(
        "referral_escalated referral_reminded step_escalated step_reminded",
        Rule(Topic.ESCALATED, Whom.RUNG, "escalated", _R),
    ),
    **_each("plan_escalated plan_reminded", Rule(Topic.ESCALATED, Whom.RUNG, "plan_escalated", _P)),
    "task_nudged": (Rule(Topic.NUDGED, Whom.NAMED, "nudged"),),
    "referral_nudged": (Rule(Topic.NUDGED, Whom.NAMED, "nudged", _R),),
    "plan_nudged": (Rule(Topic.NUDGED, Whom.NAMED, "plan_nudged", _P),),
    "task_assigned": (
        Rule(Topic.REASSIGNED, Whom.NEW_HOLDER, "yours"),
        Rule(Topic.REASSIGNED, Whom.FORMER_HOLDER, "not_yours"),
    ),
    "referral_assigned": (
        Rule(Topic.REASSIGNED, Whom.NEW_HOLDER, "yours", _R),
        Rule(Topic.REASSIGNED, Whom.FORMER_HOLDER, "not_yours", _R),
    ),
    "plan_assigned": (
        Rule(Topic.REASSIGNED, Whom.NEW_HOLDER, "plan_yours", _P),
        Rule(Topic.REASSIGNED, Whom.FORMER_HOLDER, "plan_not_yours", _P),
    ),
    **_each(
        "referral_reroute_proposed step_reroute_proposed", Rule(Topic.PROPOSED, Whom.SOURCE, "reroute_proposed", _R)
    ),
    "task_excepted": (Rule(Topic.EXCEPTED, Whom.HOLDER, "excepted"),),
    "referral_excepted": (Rule(Topic.EXCEPTED, Whom.HOLDER, "excepted", _R),),
    "plan_excepted": (Rule(Topic.EXCEPTED, Whom.HOLDER, "plan_excepted", _P),),
    "task_declined": (Rule(Topic.ASKED, Whom.SOURCE, "declined", _R, choice=True),),
    "task_failed": (Rule(Topic.ASKED, Whom.SOURCE, "failed", _R, choice=True),),
    **_each("referral_unplaced step_unplaced", Rule(Topic.ASKED, Whom.SOURCE, "unplaced", _R)),
    "task_cancelled": (
        Rule(Topic.ASKED, Whom.OTHER, "failed", _R, choice=True),
        Rule(Topic.ENDED, Whom.OTHER, "cancelled", _R),
    ),
    "task_released": (Rule(Topic.RELEASED, Whom.TARGET, "released"),),
    "task_expired": (
        Rule(Topic.EXPIRED, Whom.TARGET, "expired"),
        Rule(Topic.ASKED, Whom.SOURCE, "expired_choose", _R, choice=True),
        Rule(Topic.EXPIRED, Whom.BACKBONE, "expired", _R),
    ),
}

SENTENCES: Mapping[str, tuple[str, str]] = {
    "requested": ("Request {reference} waits for your answer.", "La solicitud {reference} espera su respuesta."),
    "question": (
        "There is a question about request {reference}. Please answer it.",
        "Hay una pregunta sobre la solicitud {reference}. Por favor, respóndala.",
    ),
    "answered": (
        "Your question about request {reference} was answered. Please decide.",
        "Su pregunta sobre la solicitud {reference} tiene respuesta. Por favor, decida.",
    ),
    "to_confirm": (
        "The service of request {reference} was given. Please confirm what came of it.",
        "El servicio de la solicitud {reference} se prestó. Por favor, confirme el resultado.",
    ),
    "corrected": (
        "What was recorded of {reference} was corrected.",
        "Se corrigió lo que se había registrado de {reference}.",
    ),
    "stop_asked": (
        "Plan {reference} asks to be stopped. Please decide how it goes on.",
        "El plan {reference} pide detenerse. Por favor, decida cómo sigue.",
    ),
    "overdue": ("{reference} has passed its limit.", "{reference} ha pasado su plazo."),
    "plan_overdue": ("Plan {reference} has passed its date.", "El plan {reference} ha pasado su fecha."),
    "escalated": (
        "{reference} has passed its limit, and nobody has moved it.",
        "{reference} ha pasado su plazo y nadie lo ha movido.",
    ),
    "plan_escalated": (
        "Plan {reference} has passed its date, and nobody has moved it.",
        "El plan {reference} ha pasado su fecha y nadie lo ha movido.",
    ),
    "nudged": (
        "Somebody waits for you: {reference} is yours to move.",
        "Alguien le espera: le toca a usted mover {reference}.",
    ),
    "plan_nudged": (
        "Somebody waits for you: plan {reference} is yours to move.",
        "Alguien le espera: le toca a usted mover el plan {reference}.",
    ),
    "yours": ("{reference} is yours now.", "{reference} le corresponde ahora a usted."),
    "not_yours": ("{reference} is somebody else's now.", "{reference} le corresponde ahora a otra persona."),
    "plan_yours": ("Plan {reference} is yours now.", "El plan {reference} le corresponde ahora a usted."),
    "plan_not_yours": (
        "Plan {reference} is somebody else's now.",
        "El plan {reference} le corresponde ahora a otra persona.",
    ),
    "reroute_proposed": (
        "For {reference} another provider was proposed. It is yours to choose.",
        "Para {reference} se propuso otro proveedor. A usted le toca elegir.",
    ),
    "excepted": (
        "{reference} may rest for a while; nobody is reminded meanwhile.",
        "{reference} puede esperar un tiempo; mientras tanto no hay recordatorios.",
    ),
    "plan_excepted": (
        "Plan {reference} may rest for a while; nobody is reminded meanwhile.",
        "El plan {reference} puede esperar un tiempo; mientras tanto no hay recordatorios.",
    ),
    "declined": (
        "{reference} was declined. Please choose what comes next.",
        "{reference} fue rechazada. Por favor, elija cómo sigue.",
    ),
    "failed": (
        "{reference} ended without service. Please choose what comes next.",
        "{reference} terminó sin servicio. Por favor, elija cómo sigue.",
    ),
    "unplaced": (
        "For {reference} no provider was found. Please choose what comes next.",
        "Para {reference} no se encontró proveedor. Por favor, elija cómo sigue.",
    ),
    "cancelled": ("{reference} was cancelled.", "{reference} fue cancelada."),
    "released": (
        "{reference} needs no answer any more: another provider has it.",
        "{reference} ya no necesita respuesta: la tiene otro proveedor.",
    ),
    "expired": ("{reference} expired without an answer.", "{reference} venció sin respuesta."),
    "expired_choose": (
        "{reference} expired without an answer. Please choose what comes next.",
        "{reference} venció sin respuesta. Por favor, elija cómo sigue.",
    ),
}

OVER = tuple(sorted(ENDED))


def sentence(code: str, reference: str | None, language: str) -> str:
    """In English, or in Spanish for whoever reads Spanish."""
    english, spanish = SENTENCES[code]
    words = spanish if language == "es" else english
    said = words.format(reference=reference or ("Una solicitud" if language == "es" else "A request"))
    return said[0].upper() + said[1:]


def holder_side(clock: object) -> Side:
    """Who owed the move when that clock ran out."""
    return Side.SOURCE if clock in {each.value for each in SOURCE_CLOCKS} else Side.TARGET
