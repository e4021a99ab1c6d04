"""What the backbone reads when Concert is unwell, in the reader's language.

English has its numbers from the pulse; Spanish says the same without them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from api.act_words import when
from domain.pulse import Ailment


@dataclass(frozen=True, slots=True)
class Said:
    """`since`: told between `body` and `remedy`, in the reader's zone, where it is known."""

    subject: str
    body: str
    remedy: str = ""
    since: datetime | None = None


Words = dict[str, Said]
"""By language."""
_FOOT = {
    "en": "The runbook (docs/runbook.md, Alarms) says more under each name. People's work is safe in the record.",
    "es": "El manual (docs/runbook.md, Alarms) dice más bajo cada nombre. El trabajo de las personas está a salvo.",
}
_SINCE = {"en": "Since", "es": "Desde"}
_TOLD = {"en": "Told by {who}.", "es": "Lo avisa {who}."}
SPANISH = {
    "RelaySilent": ("Ningún relay da señales de vida. Se puede seguir trabajando.", "Inicie `concert relay`."),
    "TemporalSilent": (
        "Temporal no responde. Se puede seguir trabajando.",
        "¿Funciona Temporal? Mire `concert doctor`.",
    ),
    "WorkerSilent": (
        "Ningún worker da señales de vida: no hay recordatorios y ningún plan abre su paso siguiente.",
        "Inicie `concert worker`.",
    ),
    "WorkflowFailing": (
        "El código de algunos casos falla una y otra vez: allí no hay recordatorios.",
        "Instale workers con el código corregido o con la versión anterior; los casos siguen solos.",
    ),
    "StalledUnwatched": (
        "Hay casos con un plazo que nadie vigila: allí no hay recordatorios y nada vence.",
        "Ejecute: concert reconcile --repair",
    ),
    "EngineDiffers": ("El registro y el motor no coinciden.", "Ejecute: concert reconcile --repair"),
    "OutboxOld": ("Hay mensajes que esperan demasiado.", "¿Funcionan relay y Temporal? No se pierde nada."),
    "DeadLetters": (
        "Se renunció a algunos mensajes después de varios intentos.",
        "Vea la causa en outbox.error, corríjala y ejecute: concert reconcile --repair",
    ),
    "LedgerUnfolded": (
        "Hay asientos por sumar. Las cifras son exactas, pero se leen más despacio.",
        "¿Funciona un relay? Él los suma.",
    ),
    "AuditUnsealed": ("Hay filas de auditoría que esperan su sello.", "¿Funciona un relay? Él las sella."),
    "MailStuck": (
        "El correo no sale: hay cartas que se intentan enviar en vano.",
        "Pregunte a quien cuida el servidor de correo. No se pierde nada: saldrán solas.",
    ),
    "ConnectionsScarce": (
        "Casi todas las conexiones de la base de datos están ocupadas.",
        "Use menos procesos, suba max_connections o ponga un pooler.",
    ),
    "RecordAway": (
        "La base de datos no responde. No se puede trabajar; lo hecho está a salvo.",
        "¿Funciona PostgreSQL, se puede llegar a él? Mire `concert doctor`. Todo sigue solo en cuanto responda.",
    ),
}


def unwell(each: Ailment) -> Words:
    reason, remedy = SPANISH[each.code]
    return {
        "en": Said(f"Concert is unwell: {each.code}", each.reason, f"What to do: {each.remedy}", each.since),
        "es": Said(f"Concert no está bien: {each.code}", reason, f"Qué hacer: {remedy}", each.since),
    }


def well(code: str) -> Words:
    return {
        "en": Said(f"Concert is well again: {code}", f"{code} is over. Nothing needs to be done."),
        "es": Said(f"Concert está bien otra vez: {code}", f"{code} ha terminado. No hay nada que hacer."),
    }


def letter(words: Words, language: str, zone: str, who: str) -> tuple[str, str]:
    """(subject, text); whoever reads a language that is not written here reads English."""
    spoken = language if language in words else "en"
    said = words[spoken]
    since = f"\n{_SINCE[spoken]} {when(said.since, zone, spoken)}." if said.since else ""
    body = said.body + since + (f"\n\n{said.remedy}" if said.remedy else "")
    return said.subject, f"{body}\n\n{_FOOT[spoken]}\n{_TOLD[spoken].format(who=who)}"
