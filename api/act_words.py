"""The words of the pages behind a mail's link, in English and in the Spanish of the United States."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from services.acting import Deed, Over

Words = Mapping[str, str]
PAGE: Mapping[str, Words] = {
    "en": {
        "title": "Concert: a request for you",
        "heading": "A request waits for your answer",
        "reference": "Request", "asked_by": "Asked by", "service": "Kind of service", "county": "County",
        "urgency": "Urgency", "urgent": "Urgent", "routine": "Routine", "due": "Answer by",
        "once": "You can answer once from this page. Whom it is for you see in Concert after accepting, if there is"
        " consent.",
        "accept": "Accept the request", "acknowledge": "I have seen it, and will decide later",
        "acknowledge_hint": "Then you decide in Concert: this link is used up.",
        "reason": "If you cannot help, why not?", "choose": "Choose a reason", "decline": "Decline the request",
        "reason_missing": "Choose a reason, then decline.",
        "deed_missing": "No answer was chosen, and nothing was changed. Choose one of the answers below.",
        "footer": "Concert is not for emergencies. In an emergency, phone.",
    },
    "es": {
        "title": "Concert: una solicitud para usted",
        "heading": "Una solicitud espera su respuesta",
        "reference": "Solicitud", "asked_by": "La pide", "service": "Tipo de servicio", "county": "Condado",
        "urgency": "Urgencia", "urgent": "Urgente", "routine": "Normal", "due": "Responder antes de",
        "once": "Desde esta página puede responder una vez. Para quién es lo verá en Concert después de aceptar, si hay"
        " consentimiento.",
        "accept": "Aceptar la solicitud", "acknowledge": "La he visto y decidiré más tarde",
        "acknowledge_hint": "Después decide en Concert: este enlace ya no sirve.",
        "reason": "Si no puede ayudar, ¿por qué?", "choose": "Elija un motivo", "decline": "Rechazar la solicitud",
        "reason_missing": "Elija un motivo y luego rechace.",
        "deed_missing": "No se eligió ninguna respuesta y nada cambió. Elija una de las respuestas de abajo.",
        "footer": "Concert no es para emergencias. En una emergencia, llame por teléfono.",
    },
}  # fmt: skip
Said = tuple[str, str, str]
"""Heading, what happened, what to do next."""
DONE: Mapping[str, Mapping[Deed, Said]] = {
    "en": {
        Deed.ACCEPT: (
            "Accepted",
            "Thank you. The request is yours now.",
            "Sign in to Concert: if they agreed, it shows whom to contact.",
        ),
        Deed.ACKNOWLEDGE: ("Noted", "Thank you. They know that you have seen it.", "Sign in to Concert to decide."),
        Deed.DECLINE: (
            "Declined",
            "Thank you for answering.",
            "Whoever asked can now find somebody else. You need do nothing.",
        ),
    },
    "es": {
        Deed.ACCEPT: (
            "Aceptada",
            "Gracias. La solicitud es ahora suya.",
            "Entre en Concert: si hay consentimiento, verá a quién contactar.",
        ),
        Deed.ACKNOWLEDGE: ("Anotado", "Gracias. Ya saben que la ha visto.", "Entre en Concert para decidir."),
        Deed.DECLINE: (
            "Rechazada",
            "Gracias por responder.",
            "Quien la pidió puede buscar a otra persona. No tiene que hacer nada más.",
        ),
    },
}
OVER: Mapping[str, Mapping[Over, Said]] = {
    "en": {
        Over.USED: (
            "This link was used",
            "It works once, and it has done its work.",
            "Sign in to Concert to see how the request stands.",
        ),
        Over.EXPIRED: (
            "This link has expired",
            "It worked for seven days.",
            "Sign in to Concert to answer, or phone whoever asked.",
        ),
        Over.MOVED: (
            "The request has moved",
            "This request has moved on since the mail was sent: it was answered, assigned or withdrawn.",
            "What is still open stands in your list in Concert.",
        ),
        Over.LEFT: (
            "This link does not speak for you any more",
            "The membership that it was sent to has ended or changed.",
            "Ask the administrator of your agency.",
        ),
    },
    "es": {
        Over.USED: (
            "Este enlace ya se usó",
            "Sirve una sola vez y ya hizo su trabajo.",
            "Entre en Concert para ver cómo está la solicitud.",
        ),
        Over.EXPIRED: (
            "Este enlace venció",
            "Sirvió durante siete días.",
            "Entre en Concert para responder, o llame a quien la pidió.",
        ),
        Over.MOVED: (
            "La solicitud ya se movió",
            "Esta solicitud siguió su camino después de este correo: se respondió, se asignó o se retiró.",
            "Lo que sigue pendiente está en su lista en Concert.",
        ),
        Over.LEFT: (
            "Este enlace ya no habla por usted",
            "La membresía a la que se envió terminó o cambió.",
            "Pregunte al administrador de su agencia.",
        ),
    },
}
UNKNOWN: Said = (
    "There is nothing here · Aquí no hay nada",
    "This link is not complete, or was not made by Concert. Este enlace no está completo o no es de Concert.",
    "Open it from the mail again, or sign in to Concert. Ábralo otra vez desde el correo, o entre en Concert.",
)
MANY: Said = (
    "One moment · Un momento",
    "Too many pages were opened from where you are. Se abrieron demasiadas páginas desde donde está usted.",
    "Wait a minute, then open the link again. Espere un minuto y abra el enlace otra vez.",
)
UNCLEAR: Said = (
    "That was not understood · No se entendió",
    "Nothing was changed. No se cambió nada.",
    "Open the link from the mail again, or sign in to Concert. Ábralo otra vez desde el correo, o entre en Concert.",
)
FAILED: Said = (
    "Concert cannot answer now · Concert no puede responder ahora",
    "This is not your fault. No es culpa suya.",
    "Open the link again in a few minutes. Abra el enlace otra vez en unos minutos.",
)
_MESES = ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic")


def when(at: datetime, zone: str, language: str) -> str:
    """A time as people of the region read it, in a letter as on its page. The month by name: 3/4 is read both ways."""
    local = at.astimezone(ZoneInfo(zone))
    if language == "es":
        return f"{local.day} {_MESES[local.month - 1]} {local.year}, {local:%H:%M} ({local:%Z})"
    return f"{local:%b} {local.day}, {local.year}, {local.hour % 12 or 12}{local::%M %p} {local:%Z}"
