"""Numbers, months and the few words of a chart, in English or in the Spanish of the United States."""

from collections.abc import Mapping

from domain.groups import SENSITIVE
from services.sensitive import NAME

_MONTHS: Mapping[str, str] = {
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "es": "ene feb mar abr may jun jul ago sep oct nov dic",
}
_SPANISH: Mapping[str, str] = {
    "Baseline": "Punto de partida",
    "Target": "Meta",
    "by": "para",
    "Figure": "Cifra",
    "No figures yet": "Todavía no hay cifras",
    "no figure": "sin cifra",
    "not over yet": "en curso",
    "too few to show": "muy pocos para mostrarlos",
    "Baseline period: no target yet": "Periodo inicial: todavía no hay meta",
    "newest": "última",
    "from": "de",
    "to": "a",
    "with a figure": "con cifra",
    "periods": "periodos",
    "The same figures as a table": "Las mismas cifras en una tabla",
    "Every panel has the same scale": "Todos los cuadros tienen la misma escala",
    "more groups are in the table": "grupos más están en la tabla",
    "Who is reached": "A quién se llega",
    "Offered": "Ofrecido",
    "Acknowledged": "Visto",
    "Accepted": "Aceptado",
    "Served": "Atendido",
    "Need met": "Necesidad resuelta",
    "still open": "todavía abierto",
    "lost": "perdido",
    "held back": "reservado",
    "Everybody": "Todos",
}
_UNITS: Mapping[str, str] = {
    "referrals": "referencias",
    "offers": "ofertas",
    "needs": "necesidades",
    "clients": "personas",
    "households": "hogares",
    "business_days": "días hábiles",
    "days": "días",
    "hours": "horas",
    "steps": "pasos",
    "plans": "planes",
    "partners": "socios",
    "ratio": "porcentaje",
    "dollars": "dólares",
}
_GROUPS: Mapping[str, tuple[str, str]] = {
    "unknown": ("Unknown", "Se desconoce"),
    SENSITIVE: NAME,
    "other": ("Other", "Otro"),
    "multiple": ("More than one", "Más de una"),
    "american_indian_or_alaska_native": ("American Indian or Alaska Native", "Indígena americana o de Alaska"),
    "asian": ("Asian", "Asiática"),
    "black_or_african_american": ("Black or African American", "Negra o afroamericana"),
    "hispanic_or_latino": ("Hispanic or Latino", "Hispana o latina"),
    "not_hispanic_or_latino": ("Not Hispanic or Latino", "Ni hispana ni latina"),
    "middle_eastern_or_north_african": ("Middle Eastern or North African", "Del Medio Oriente o norte de África"),
    "native_hawaiian_or_pacific_islander": (
        "Native Hawaiian or Pacific Islander",
        "Hawaiana o de las islas del Pacífico",
    ),
    "white": ("White", "Blanca"),
    "en": ("English", "Inglés"),
    "es": ("Spanish", "Español"),
}
SHARES = frozenset({"ratio", "share"})
"""Units whose figures run from 0 to 1 and are shown as percentages."""


class Language:
    """How one person reads numbers: `Language("es")`; any other language than Spanish is English."""

    def __init__(self, code: str) -> None:
        self.code = "es" if code.startswith("es") else "en"

    def say(self, word: str) -> str:
        return _SPANISH[word] if self.code == "es" else word

    def group(self, code: str) -> str:
        """What a group is called where the record has no name for it; a code that nobody knows is said as it is."""
        both = _GROUPS.get(code)
        return both[self.code == "es"] if both else code.replace("_", " ")

    def unit(self, unit: str) -> str:
        plain = "share" if unit in SHARES else unit.replace("_", " ")
        return _UNITS.get("ratio" if unit in SHARES else unit, plain) if self.code == "es" else plain

    def number(self, value: float, unit: str = "") -> str:
        """As exactly as a reader needs it: whole numbers whole, others to one decimal, shares in percent."""
        if unit in SHARES:
            return f"{_plain(value * 100)}{self._percent()}"
        return _plain(value)

    def short(self, value: float, unit: str = "") -> str:
        """For an axis: 12K, 3.4M."""
        if unit in SHARES:
            return self.number(value, unit)
        for size, letter in ((1_000_000_000, "B"), (1_000_000, "M"), (1000, "K")):
            if abs(value) >= size * (10 if letter == "K" else 1):
                return f"{_plain(value / size)}{letter}"
        return _plain(value)

    def has_month(self, period: str) -> bool:
        """Whether it is a month, and not a year or a range."""
        return len(period) == len("2026-11")

    def period(self, period: str) -> str:
        """`2026-11` as Nov 2026, `2026-01..2026-03` with both ends; a year as its number."""
        first, dots, last = period.partition("..")
        if dots:
            return f"{self.period(first)} – {self.period(last)}"
        return f"{self.month(period)} {period[:4]}" if self.has_month(period) else period.rpartition(":")[2]

    def month(self, period: str) -> str:
        """`2026-11` as Nov; a year as its number, a range as it is told."""
        if not self.has_month(period):
            return self.period(period)
        return _MONTHS[self.code].split()[int(period[5:]) - 1]

    def day(self, day: str) -> str:
        """`2027-06-30` as Jun 30, 2027."""
        year, _, rest = day.partition("-")
        month, _, number = rest.partition("-")
        if not number:
            return self.period(day)
        name = self.month(f"{year}-{month}")
        return f"{int(number)} {name} {year}" if self.code == "es" else f"{name} {int(number)}, {year}"

    def _percent(self) -> str:
        return "\u00a0%" if self.code == "es" else "%"


def _plain(value: float) -> str:
    rounded = round(value, 1) if abs(value) < 1000 else round(value)
    return f"{int(rounded):,}" if rounded == int(rounded) else f"{rounded:,.1f}"
