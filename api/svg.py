"""Drawing by attributes alone: no script, no style sheet, no font from elsewhere, so that a strict policy shows it all.

Everything is drawn 480 wide and scales with the place that it gets: letters of 16 are 12 on a phone of 360.
"""

from collections.abc import Iterable
from html import escape

WIDTH = 480
INK, PALE, RULE = "#1b1b1b", "#565c65", "#dfe1e2"
BLUE, GREEN, GREY = "#005ea2", "#00713a", "#565c65"


def element(name: str, *children: str, **attributes: object) -> str:
    """`stroke_width=2` becomes `stroke-width="2"`, `None` is left out; children are markup already."""
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_written(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{said}>{''.join(children)}</{name}>" if children else f"<{name}{said}/>"


def words(x: float, y: float, text: str, size: float = 14, *, full: str | None = None, **more: object) -> str:
    """A line of text; `full` is what a pointer or a screen reader finds where the line was cut short."""
    inside = escape(text) if full is None or full == text else escape(text) + element("title", escape(full))
    return element("text", inside, **{"x": x, "y": y, "font_size": size, "fill": INK, **more})


def line(x1: float, y1: float, x2: float, y2: float, **more: object) -> str:
    return element("line", **{"x1": x1, "y1": y1, "x2": x2, "y2": y2, "stroke": RULE, **more})


def picture(title: str, description: str, height: float, parts: Iterable[str]) -> str:
    """The whole document. A white ground, so that it reads the same on a dark page."""
    return element(
        "svg",
        element("title", escape(title), id="title"),
        element("desc", escape(description), id="desc"),
        element("rect", width=WIDTH, height=height, fill="#ffffff"),
        *parts,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {_written(height)}",
        width="100%",
        height=height,
        preserveAspectRatio="xMinYMin meet",
        role="img",
        aria_labelledby="title desc",
        font_family="system-ui, -apple-system, Segoe UI, Roboto, DejaVu Sans, sans-serif",
    )


def cut(text: str, longest: int) -> str:
    """At most so many characters, cut at the end."""
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def wrapped(text: str, longest: int, lines: int) -> list[str]:
    """Broken between words into at most so many lines; what is left over is cut."""
    found: list[str] = []
    for word in text.split():
        if found and len(found[-1]) + 1 + len(word) <= longest:
            found[-1] += f" {word}"
        else:
            found.append(word)
    rest = " ".join(found[lines - 1 :])
    return [cut(each, longest) for each in [*found[: lines - 1], *([rest] if rest else [])]]


def _written(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
