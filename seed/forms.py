"""What a hand-written file must look like: a small vocabulary of checks, each of which says all that it finds.

    _STEP = members({"key": code(), "title": text()}, {"after": listing(code())})
    _STEP(sheet, ("steps", 0), sheet.value["steps"][0])

A check never stops at the first slip and never raises; what it did not like is `sheet.spoiled(path)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any

from seed.marked import Path, Sheet

Check = Callable[[Sheet, Path, Any], None]
_CODE = re.compile(r"(?=.{1,63}$)[a-z][a-z0-9]*(_[a-z0-9]+)*")


def text(longest: int = 200, *, lines: bool = False) -> Check:
    """`lines`: it may have several."""

    def check(sheet: Sheet, path: Path, value: Any) -> None:
        if not isinstance(value, str):
            sheet.slip(path, f"`{_name(path)}` must be a text.", "Write words, in quotes if they look like a number.")
        elif not value.strip():
            sheet.slip(path, f"`{_name(path)}` is empty.", "Write what it shall say.")
        elif "\n" in value.strip() and not lines:
            sheet.slip(path, f"`{_name(path)}` has several lines.", "Write it on one.")
        elif len(value) > longest:
            sheet.slip(path, f"`{_name(path)}` is longer than {longest} characters.", "Say it shorter.")

    return _once(check)


def code(separator: str = "") -> Check:
    """`separator` "." allows codes of the taxonomy, such as health.mental."""
    parts = "letters a–z, digits and underscores" + (f", parts joined by `{separator}`" if separator else "")

    def check(sheet: Sheet, path: Path, value: Any) -> None:
        pieces = value.split(separator) if isinstance(value, str) and separator else [value]
        if not all(isinstance(piece, str) and _CODE.fullmatch(piece) for piece in pieces):
            sheet.slip(path, f"{_whole_name(path)} is no code.", f"Use {parts}, a letter first.")

    return _once(check)


def whole(least: int, most: int) -> Check:
    def check(sheet: Sheet, path: Path, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            sheet.slip(
                path,
                f"`{_name(path)}` must be a whole number from {least} to {most}.",
                "Correct the number, without quotes.",
            )

    return _once(check)


def number() -> Check:
    def check(sheet: Sheet, path: Path, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            sheet.slip(path, f"`{_name(path)}` must be a number.", "Write digits, without quotes.")

    return _once(check)


def flag() -> Check:
    def check(sheet: Sheet, path: Path, value: Any) -> None:
        if not isinstance(value, bool):
            sheet.slip(path, f"`{_name(path)}` must be true or false.", "Write true or false, without quotes.")

    return _once(check)


def day() -> Check:
    def check(sheet: Sheet, path: Path, value: Any) -> None:
        if not isinstance(value, date):
            sheet.slip(path, f"`{_name(path)}` must be a day.", "Write YYYY-MM-DD, without quotes.")

    return _once(check)


def one_of(names: Iterable[str]) -> Check:
    known = list(names)

    def check(sheet: Sheet, path: Path, value: Any) -> None:
        if value not in known:
            sheet.slip(path, f"`{_name(path)}` is none of those that there are.", _choose(value, known))

    return _once(check)


def listing(item: Check, least: int = 0, most: int = 100) -> Check:
    def check(sheet: Sheet, path: Path, value: Any) -> None:
        if not isinstance(value, list):
            sheet.slip(path, f"`{_name(path)}` must be a list.", "Write each item behind a dash, or all in [brackets].")
            return
        if not least <= len(value) <= most:
            sheet.slip(path, f"`{_name(path)}` has {len(value)} items.", f"It takes {least} to {most}.")
        for place, one in enumerate(value[: most + 1]):
            item(sheet, (*path, place), one)

    return _once(check)


def members(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    known = {**required, **(optional or {})}

    def check(sheet: Sheet, path: Path, value: Any) -> None:
        if not isinstance(value, dict):
            sheet.slip(
                path,
                f"{_whole_name(path)} must have members.",
                f"Write `name: value` lines: {', '.join(required or known)}.",
            )
            return
        for name in value.keys() - known.keys():
            half = " A text with a comma in it belongs in quotes." if value[name] is None else ""
            sheet.slip((*path, name), f"there is no member `{name}` here.", _choose(name, known) + half)
        for name in required:
            if name not in value:
                sheet.slip((*path, name), f"`{name}` is missing.", f"Add `{name}:`.")
        for name, inner in known.items():
            if name in value:
                inner(sheet, (*path, name), value[name])

    return _once(check)


def entries(names: Iterable[str], value_check: Check) -> Check:
    """A mapping whose member names are `names`, none of them required."""
    return members({}, dict.fromkeys(names, value_check))


def either(question: Callable[[Any], bool], then: Check, otherwise: Check) -> Check:
    def check(sheet: Sheet, path: Path, value: Any) -> None:
        (then if question(value) else otherwise)(sheet, path, value)

    return _once(check)


def _once(check: Check) -> Check:
    """What the reader found wrong already is not told again."""

    def checked(sheet: Sheet, path: Path, value: Any) -> None:
        if not sheet.told(path):
            check(sheet, path, value)

    return checked


def _name(path: Path) -> str:
    """The nearest member's name: an item of a list is called by the list."""
    return next((str(part) for part in reversed(path) if isinstance(part, str)), "file")


def _whole_name(path: Path) -> str:
    if not path:
        return "the file"
    return f"`{path[-1]}`" if isinstance(path[-1], str) else f"an item of `{_name(path)}`"


def _choose(value: object, known: Iterable[str]) -> str:
    names = list(known)
    close = get_close_matches(value, names, 1, 0.7) if isinstance(value, str) else []
    return f"Did you mean {close[0]}?" if close else f"There are: {', '.join(names)}."
