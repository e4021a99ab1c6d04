"""What the backbone reads when Concert is unwell, in the reader's language.

English has its numbers from the pulse; Spanish says the same without them.
"""

from __future__ import annotations

from api.act_words import when
from domain.pulse import Ailment

Words = dict[str, tuple[str, str]]
"""(subject, body) by language."""
_FOOT = {
    "en": "The runbook (docs/runbook.md, Alarms) says more under each name. People's work is safe in the record.",
    "es": "El manual (docs/runbook.md, Alarms) dice más bajo cada nombre. El trabajo de las personas está a salvo.",
}
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
    english = f"{each.reason}{_since(each, 'Since', 'en')}\n\nWhat to do: {each.remedy}"
    spanish = f"{reason}{_since(each, 'Desde', 'es')}\n\nQué hacer: {remedy}"
    return {
        "en": (f"Concert is unwell: {each.code}", english),
        "es": (f"Concert no está bien: {each.code}", spanish),
    }


def _since(each: Ailment, word: str, language: str) -> str:
    return f"\n{word} {when(each.since, 'UTC', language)}." if each.since else ""


def well(code: str) -> Words:
    return {
        "en": (f"Concert is well again: {code}", f"{code} is over. Nothing needs to be done."),
        "es": (f"Concert está bien otra vez: {code}", f"{code} ha terminado. No hay nada que hacer."),
    }


def letter(words: Words, language: str, who: str) -> tuple[str, str]:
    """(subject, text); whoever reads a language that is not written here reads English."""
    spoken = language if language in words else "en"
    subject, body = words[spoken]
    return subject, f"{body}\n\n{_FOOT[spoken]}\n{_TOLD[spoken].format(who=who)}"
