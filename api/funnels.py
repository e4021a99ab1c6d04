"""The equity funnel as a picture: for each group five bars, one below the other, and what is lost between."""

from collections.abc import Mapping

from api.svg import BLUE, PALE, WIDTH, cut, element, picture, words
from api.wording import Language
from services.measure_shapes import Funnel, FunnelGroup, FunnelStage

MOST_GROUPS = 40
_STAGES = {
    "offered": "Offered",
    "acknowledged": "Acknowledged",
    "accepted": "Accepted",
    "served": "Served",
    "met": "Need met",
}
_LEFT, _BAR, _ROW = 176.0, 140.0, 22


def draw(funnel: Funnel, language: Language, names: Mapping[str, str]) -> str:
    """Bars are shares of what was offered to the group itself, so that small groups can be compared with large ones."""
    title = f"{language.say('Who is reached')}, {language.period(funnel.start)} – {language.period(funnel.end)}"
    parts, y = [words(12, 26, cut(title, 44), 18, font_weight="bold", full=title)], 34.0
    for group in funnel.groups[:MOST_GROUPS]:
        drawn, y = _group(group, _name(group, language, names), y, language)
        parts += drawn
    if len(funnel.groups) > MOST_GROUPS:
        y += 22
        more = f"{len(funnel.groups) - MOST_GROUPS} {language.say('more groups are in the table')}"
        parts.append(words(12, y, more, 14, fill=PALE))
    told = [_told(group, _name(group, language, names), language) for group in funnel.groups]
    table = f"{language.say('The same figures as a table')}: /v1/equity/funnel"
    return picture(title, ". ".join([*told, table]), y + 16, parts)


def _name(group: FunnelGroup, language: Language, names: Mapping[str, str]) -> str:
    if group.group is None:
        return language.say("Everybody")
    return names.get(group.group) or language.group(group.group)


def _group(group: FunnelGroup, name: str, y: float, language: Language) -> tuple[list[str], float]:
    y += 26
    parts = [words(12, y, cut(name, 46), 16, font_weight="bold", full=name)]
    for stage in group.stages:
        y += _ROW
        parts.append(_bar(stage, y, language))
    return parts, y + 8


def _bar(stage: FunnelStage, y: float, language: Language) -> str:
    """The number stands right of the bar; what was lost before the next stage at the end of the row."""
    width = _BAR * (stage.share or 0.0)
    count = language.say("held back") if stage.held_back else language.number(stage.requests or 0)
    return element(
        "g",
        words(12, y, cut(language.say(_STAGES[stage.stage]), 19), 14),
        element("rect", x=_LEFT, y=y - 12, width=_BAR, height=14, fill="#f0f0f0"),
        element("rect", x=_LEFT, y=y - 12, width=width, height=14, fill=BLUE),
        words(_LEFT + _BAR + 8, y, count, 14, font_weight="bold"),
        words(WIDTH - 12, y, _after(stage, language), 13, text_anchor="end", fill=PALE),
    )


def _after(stage: FunnelStage, language: Language) -> str:
    """`12% lost`: of those that came so far and are not open any more."""
    if stage.lost_share is None or not stage.lost:
        return ""
    return f"{language.number(round(stage.lost_share, 2), 'ratio')} {language.say('lost')}"


def _told(group: FunnelGroup, name: str, language: Language) -> str:
    said = []
    for stage in group.stages:
        count = language.say("held back") if stage.held_back else language.number(stage.requests or 0)
        open_ = f" ({language.number(stage.still_open)} {language.say('still open')})" if stage.still_open else ""
        said.append(f"{language.say(_STAGES[stage.stage])} {count}{open_}")
    return f"{name}: {', '.join(said)}"
