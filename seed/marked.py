"""Reads a YAML file that somebody wrote by hand, and remembers the line on which everything stands.

A narrow YAML: one document of mappings, lists and plain values. Anchors, tags and merged keys are refused, so that what
is read is what is seen; `yes` and `no` are words, `true` and `false` truth values; 08:00 and 007 are words as well.
Nothing here raises for what a file says: whatever is wrong becomes a slip, as many as can be found at once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path as File
from typing import Any

import yaml

Path = tuple[str | int, ...]
"""Where a value stands: `("steps", 3, "after", 0)`."""
LARGEST = 256 * 1024
DEEPEST = 24
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,14})")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}
_NOT_A_VALUE = object()
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the direction of what follows: a text would read otherwise than it is."""


@dataclass(frozen=True, slots=True, order=True)
class Slip:
    """One thing that is wrong in a file. `place` says whose line it is: `step screening`."""

    file: str
    line: int
    what: str
    remedy: str
    place: str | None = None

    def __str__(self) -> str:
        place = f"{self.place}: " if self.place else ""
        return f"{self.file}:{self.line}: {place}{self.what} {self.remedy}"


@dataclass(slots=True)
class Sheet:
    """A file as it was read; `value` is None if it could not be read at all, and `slips` say why.

    `named`: how the items of a top-level list are called in slips, and by which member: {"steps": ("step", "key")}.
    """

    file: str
    named: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    value: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    _found: list[tuple[int, Path, str, str]] = field(default_factory=list)

    def slip(self, path: Path, what: str, remedy: str, line: int | None = None) -> None:
        """Something is wrong with what stands at `path`; `what` and `remedy` are sentences."""
        self._found.append((line or self.line(path), path, what, remedy))

    @property
    def slips(self) -> list[Slip]:
        """By line, each once."""
        every = {Slip(self.file, line, what, remedy, self.place(path)) for line, path, what, remedy in self._found}
        return sorted(every, key=lambda slip: (slip.line, slip.what))

    def spoiled(self, path: Path) -> bool:
        """Something at or under `path` was found wrong."""
        return any(found[: len(path)] == path for _, found, _, _ in self._found)

    def told(self, path: Path) -> bool:
        """That what stands exactly at `path` is wrong was said already."""
        return any(found == path for _, found, _, _ in self._found)

    def line(self, path: Path) -> int:
        """Of the path, or of the nearest thing around it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def place(self, path: Path) -> str | None:
        """`step screening`, or `step 3` while it has no name of its own."""
        if len(path) < 2 or path[0] not in self.named or not isinstance(path[1], int):
            return None
        word, member = self.named[str(path[0])]
        items = self.value.get(path[0]) if isinstance(self.value, dict) else None
        item = items[path[1]] if isinstance(items, list) else None
        name = item.get(member) if isinstance(item, dict) else None
        return f"{word} {name if isinstance(name, str) else path[1] + 1}"


def read_file(path: File, named: Mapping[str, tuple[str, str]] | None = None) -> Sheet:
    """Of a file on disk; that it cannot be opened is a slip too."""
    try:
        if path.is_dir():
            return _unreadable(Sheet(str(path)), 1, "this is a directory.", "Name the files in it.")
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        return _unreadable(Sheet(str(path)), 1, "there is no such file.", "Look at the spelling of its name.")
    except OSError as error:
        return _unreadable(Sheet(str(path)), 1, f"it cannot be opened: {error.strerror}.", "Look at who may read it.")
    return read(data, str(path), named)


def read(data: bytes, file: str, named: Mapping[str, tuple[str, str]] | None = None) -> Sheet:
    sheet = Sheet(file, named or {})
    if len(data) > LARGEST:
        return _unreadable(sheet, 1, f"it is larger than {LARGEST // 1024} KiB.", "Split it into several files.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return _unreadable(sheet, line, "this is not UTF-8.", "Save the file as UTF-8.")
    try:
        _Reading(sheet).read(text)
    except _Unreadable as stop:
        return _unreadable(sheet, stop.line, stop.what, stop.remedy)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return _unreadable(sheet, line, "there is a character that no text has.", "Delete it and type the line again.")
    except yaml.MarkedYAMLError as error:
        return _unreadable(sheet, *_in_words(error))
    return sheet


class _Unreadable(Exception):
    def __init__(self, line: int, what: str, remedy: str) -> None:
        super().__init__(what)
        self.line, self.what, self.remedy = line, what, remedy


def _unreadable(sheet: Sheet, line: int, what: str, remedy: str) -> Sheet:
    sheet.value = None
    sheet.slip((), what, remedy, line)
    return sheet


_REMEDIES = (
    ("\\t", False, "a tab stands where spaces belong.", "Indent with spaces."),
    ("mapping values are not allowed", False, "a colon is not expected here.",
     "Put a text that has a colon in quotes, and look at the indentation."),
    ("end of stream", True, "a quotation mark that opens here is not closed.", "Close it on the same line."),
    ("but got '?'", False, "a question mark ends a text inside brackets.", "Put the text in quotes."),
    ("expected ',' or", True, "a bracket that opens here is not closed, or lacks a comma.",
     "Close it, or add the comma."),
    ("could not find expected ':'", True, "a member has no colon.", "Write `name: value`."),
    ("expected <block end>", False, "the indentation does not fit the lines above.", "Align it with its neighbors."),
    ("that cannot start any token", False, "a text begins with a sign that YAML keeps for itself.",
     "Put the text in quotes."),
)  # fmt: skip


def _in_words(error: yaml.MarkedYAMLError) -> tuple[int, str, str]:
    problem = error.problem or "it cannot be read"
    for sign, where_it_opened, what, remedy in _REMEDIES:
        if sign in problem:
            return _line_of(error, opened=where_it_opened), what, remedy
    return (
        _line_of(error),
        f"this is not YAML: {problem}.",
        "Look at quotes, colons and indentation here and one line up.",
    )


def _line_of(error: yaml.MarkedYAMLError, *, opened: bool = False) -> int:
    first, second = (error.context_mark, error.problem_mark) if opened else (error.problem_mark, error.context_mark)
    mark = first or second
    return mark.line + 1 if mark else 1


def _events(text: str) -> Iterator[Any]:
    """Where the quick parser gives up, the other one says why, in words that people understand."""
    try:
        return iter(list(_shallow(yaml.parse(text, Loader=yaml.CSafeLoader))))
    except yaml.YAMLError:
        return iter(yaml.parse(text, Loader=yaml.SafeLoader))


def _shallow(events: Iterable[Any]) -> Iterator[Any]:
    """Up to where it is nested too deep: nobody reads on from there, and a cellar of brackets took 19 s to parse."""
    depth = 0
    for event in events:
        yield event
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST + 1:
            return


class _Reading:
    """Builds plain values from the parser's events, without recursion."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._events: Iterator[Any] = iter(())

    def read(self, text: str) -> None:
        self._events = _events(text)
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Unreadable(_line(event), "a second document begins here.", "Keep one document in one file.")
            elif isinstance(event, yaml.NodeEvent):
                self._sheet.value = self._value(event, ())
        if documents == 0 or self._sheet.value is None:
            raise _Unreadable(1, "the file is empty.", "Write its members into it, or drop it.")

    def _value(self, event: Any, path: Path) -> Any:
        """`path` is bounded by DEEPEST, and so is the stack."""
        self._sheet.lines.setdefault(path, _line(event))
        if len(path) > DEEPEST:
            raise _Unreadable(_line(event), "brackets or lists are nested too deep.", "Nothing here needs such depth.")
        if isinstance(event, yaml.AliasEvent) or event.anchor:
            self._sheet.slip(path, "anchors and aliases (& and *) are not read.", "Write it out.")
        if isinstance(event, yaml.AliasEvent):
            return None
        if event.tag and event.tag != "!":
            self._sheet.slip(path, "tags (!) are not read.", "Delete the tag.")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(path)
        return self._scalar(event, path)

    def _mapping(self, path: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, path)
            here = (*path, key)
            if key in members:
                first = self._sheet.lines[here]
                self._sheet.slip(here, f"`{key}` stands twice; first on line {first}.", "Keep one.", _line(event))
                here = (*here, "(again)")
            self._sheet.lines[here] = _line(event)
            value = self._value(next(self._events), here)
            members.setdefault(key, value)
        return members

    def _key(self, event: Any, path: Path) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            raise _Unreadable(_line(event), "a member's name is a list, a mapping or an alias.", "Write `name: value`.")
        if event.value == "<<" and event.implicit[0]:
            self._sheet.slip(path, "merged keys (<<) are not read.", "Write it out.", _line(event))
        return str(event.value)

    def _list(self, path: Path) -> list[Any]:
        items: list[Any] = []
        for event in self._events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._value(event, (*path, len(items))))
        return items

    def _scalar(self, event: Any, path: Path) -> Any:
        text = str(event.value)
        if any((sign < " " and sign != "\n") or "\ud800" <= sign <= "\udfff" or sign in _TURNING for sign in text):
            self._sheet.slip(path, "the text holds a control character.", "Delete it, and type the text again.")
            return ""
        if not event.implicit[0]:
            return text
        value = _plain(text)
        if value is _NOT_A_VALUE:
            self._sheet.slip(path, "there is no such day.", "Write YYYY-MM-DD, or put a text in quotes.")
            return text
        return value


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _DATE.fullmatch(text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            return _NOT_A_VALUE
    return text


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
