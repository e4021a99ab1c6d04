"""Reading what somebody wrote by hand: every slip of the pen is told with its line and what to do, and none raises."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import seed
from seed import forms
from seed.marked import DEEPEST, LARGEST, read, read_file

SLIPS = [
    ("an empty file", b"", 1, "the file is empty.", "Write its members"),
    ("comments only", b"# later\n", 1, "the file is empty.", "Write its members"),
    ("a second document", b"a: 1\n---\nb: 2\n", 2, "a second document begins here.", "one file"),
    ("an anchor", b"a: 1\nb: &x 1\n", 2, "anchors and aliases", "Write it out."),
    ("an alias", b"a: 1\nb: *x\n", 2, "anchors and aliases", "Write it out."),
    ("a merged key", b"a: 1\n<<: {b: 2}\n", 2, "merged keys", "Write it out."),
    ("a tag", b"a: !!python/object/apply:os.getcwd []\n", 1, "tags (!)", "Delete the tag."),
    ("a tab", b"a:\n\tb: 1\n", 2, "a tab stands where spaces belong.", "Indent with spaces."),
    ("a colon in a text", b"a: 1\nb: see: here\n", 2, "a colon is not expected here.", "in quotes"),
    ("an open quotation mark", b"a: 1\nb: 'x\nc: 2\n", 2, "a quotation mark that opens here", "Close it"),
    ("an open bracket", b"a: 1\nb: [1, 2\nc: 3\n", 2, "a bracket that opens here", "Close it"),
    ("a question before a slip", b"a: 1\nb: {c: why?}\nd: [\n", 2, "a question mark ends a text", "in quotes"),
    ("a word without a colon", b"a: 1\nbb\n", 2, "a member has no colon.", "`name: value`"),
    ("crooked indentation", b"a:\n  - 1\n - 2\n", 3, "the indentation does not fit", "Align it"),
    ("a text that begins with a sign", b"a: 1\nb: @home\n", 2, "a sign that YAML keeps", "in quotes"),
    ("something else that is not YAML", b'a: 1\nb: "\\x"\n', 2, "this is not YAML:", "Look at quotes"),
    ("the same member twice", b"a: 1\nb: 2\na: 3\n", 3, "`a` stands twice; first on line 1.", "Keep one."),
    ("a list as a member's name", b"a: 1\n? [b]\n: 2\n", 2, "a member's name is a list", "`name: value`"),
    ("Latin-1", b"a: 1\nb: ni\xf1o\n", 2, "this is not UTF-8.", "Save the file as UTF-8."),
    ("a control character", b"a: 1\nb: \x01\n", 2, "a character that no text has.", "Delete it"),
    ("a NUL in disguise", b'a: 1\nb: "\\0"\n', 2, "the text holds a control character.", "Delete it"),
    ("half of an emoji", b'a: 1\nb: "\\ud83d"\n', 2, "the text holds a control character.", "Delete it"),
    ("a day that is none", b"a: 1\nb: 2026-02-30\n", 2, "there is no such day.", "YYYY-MM-DD"),
    ("too large", b"a: " + b"x" * LARGEST, 1, "it is larger than 256 KiB.", "Split it"),
    ("a cellar of brackets", b"[" * 100_000, 1, "nested too deep.", "Nothing here needs such depth."),
    ("a cellar of dashes", b"- " * 100_000, 1, "nested too deep.", "Nothing here needs such depth."),
]  # fmt: skip


def test_a_question_inside_brackets_is_a_text() -> None:
    sheet = read(b"a: 1\nb: {c: why?, d: 1}\n", "plan.yaml")
    assert (sheet.slips, sheet.value) == ([], {"a": 1, "b": {"c": "why?", "d": 1}})


@pytest.mark.parametrize(("situation", "data", "line", "what", "remedy"), SLIPS, ids=[one[0] for one in SLIPS])
def test_a_slip_is_told_with_its_line_and_its_remedy(
    situation: str, data: bytes, line: int, what: str, remedy: str
) -> None:
    slip = read(data, "plan.yaml").slips[0]
    assert (slip.file, slip.line) == ("plan.yaml", line)
    assert what in slip.what
    assert remedy in slip.remedy
    assert str(slip).startswith(f"plan.yaml:{line}: ")


def test_several_slips_are_told_at_once_and_by_line() -> None:
    sheet = read(b"a: &x 1\nb: *x\na: 2\nc: !t 3\n", "plan.yaml")
    assert [slip.line for slip in sheet.slips] == [1, 2, 3, 4]


def test_aliases_that_would_grow_without_end_are_not_followed() -> None:
    rows = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 60)]
    sheet = read("\n".join(rows).encode(), "bomb.yaml")
    assert sheet.value["a59"] == [None] * 9


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("yes", "yes"), ("no", "no"), ("true", True), ("false", False), ("~", None), ("12", 12), ("-1.5", -1.5),
        ("08:00", "08:00"), ("007", "007"), ("1e3", "1e3"), (".nan", ".nan"), ("9" * 16, "9" * 16), ("'12'", "12"),
    ],
)  # fmt: skip
def test_a_plain_value_is_what_it_looks_like(written: str, read_as: object) -> None:
    value = read(f"a: {written}".encode(), "plan.yaml").value["a"]
    assert value == read_as
    assert type(value) is type(read_as)


FILES = sorted(Path(seed.__file__).parent.rglob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_every_file_of_the_region_reads_as_any_reader_of_yaml_reads_it(file: Path) -> None:
    sheet = read_file(file)
    assert sheet.slips == []
    if "pathways" not in file.parts:  # where yes and no are answers, written without quotes
        assert sheet.value == yaml.safe_load(file.read_text())


def test_every_line_is_remembered() -> None:
    sheet = read(b"# plan\nsteps:\n  - key: a\n    after:\n      - b\n      - c\n  - {key: d}\n", "plan.yaml")
    lines = [
        sheet.line(path) for path in [("steps", 0), ("steps", 0, "after", 1), ("steps", 1, "key"), ("steps", 1, "no")]
    ]
    assert lines == [3, 6, 7, 7]


@given(st.one_of(st.binary(max_size=200), st.text(alphabet="ab:-[]{}&*!?|>'\"%@ \n\t#0.", max_size=80).map(str.encode)))
def test_whatever_is_in_a_file_it_is_read_or_told(data: bytes) -> None:
    sheet = read(data, "any.yaml")
    assert sheet.value is not None or sheet.slips
    assert all(1 <= slip.line <= data.count(b"\n") + data.count(b"\r") + 2 for slip in sheet.slips)


@pytest.mark.parametrize(
    ("situation", "name", "what"),
    [("no file", "nothing.yaml", "there is no such file."), ("a directory", ".", "this is a directory.")],
)
def test_a_file_that_is_none_is_told(tmp_path: Path, situation: str, name: str, what: str) -> None:
    assert [slip.what for slip in read_file(tmp_path / name).slips] == [what]


STEP = forms.members(
    {"key": forms.code(), "title": forms.text(20), "days": forms.whole(1, 9)},
    {"term": forms.code("."), "kind": forms.one_of(["step", "referral"]), "skip": forms.flag(),
     "amount": forms.number(), "on": forms.day(), "after": forms.listing(forms.code(), most=2)},
)  # fmt: skip
WRONG = [
    ("key: A\ntitle: x\ndays: 1", 1, "`key` is no code.", "a letter first"),
    ("key: a\ntitle: 12\ndays: 1", 2, "`title` must be a text.", "in quotes"),
    ("key: a\ntitle: ''\ndays: 1", 2, "`title` is empty.", "what it shall say"),
    (f"key: a\ntitle: {'x' * 21}\ndays: 1", 2, "longer than 20 characters", "shorter"),
    ('key: a\ntitle: "x\\ny"\ndays: 1', 2, "`title` has several lines.", "on one"),
    ("key: a\ntitle: x\ndays: 10", 3, "`days` must be a whole number from 1 to 9.", "Correct the number"),
    ("key: a\ntitle: x\ndays: true", 3, "`days` must be a whole number", "Correct the number"),
    ("key: a\ntitle: x", 1, "`days` is missing.", "Add `days:`."),
    ("key: a\ntitle: x\ndays: 1\ntitel: y", 4, "there is no member `titel` here.", "Did you mean title?"),
    ("key: a\ntitle: x\ndays: 1\nterm: health..x", 4, "`term` is no code.", "joined by `.`"),
    ("key: a\ntitle: x\ndays: 1\nkind: referal", 4, "`kind` is none of those", "Did you mean referral?"),
    ("key: a\ntitle: x\ndays: 1\nkind: 7", 4, "`kind` is none of those", "There are: step, referral."),
    ("key: a\ntitle: x\ndays: 1\nskip: no", 4, "`skip` must be true or false.", "without quotes"),
    ("key: a\ntitle: x\ndays: 1\namount: '7'", 4, "`amount` must be a number.", "without quotes"),
    ("key: a\ntitle: x\ndays: 1\non: today", 4, "`on` must be a day.", "YYYY-MM-DD"),
    ("key: a\ntitle: x\ndays: 1\nafter: b", 4, "`after` must be a list.", "[brackets]"),
    ("key: a\ntitle: x\ndays: 1\nafter: [b, c, d]", 4, "`after` has 3 items.", "0 to 2"),
    ("key: a\ntitle: x\ndays: 1\nafter:\n- b\n- C", 6, "an item of `after` is no code.", "a letter first"),
    ("[a]", 1, "the file must have members.", "key, title, days"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "what", "remedy"), WRONG, ids=[f"{w[2]}" for w in WRONG])
def test_what_does_not_fit_the_form_is_told_where_it_stands(text: str, line: int, what: str, remedy: str) -> None:
    sheet = read(text.encode(), "step.yaml")
    STEP(sheet, (), sheet.value)
    assert [(slip.line, what in slip.what, remedy in slip.remedy) for slip in sheet.slips] == [(line, True, True)]


def test_what_fits_the_form_is_left_alone() -> None:
    sheet = read(
        b"{key: a, title: x, days: 1, term: a.b, skip: true, amount: 0.5, on: 2026-01-02, after: [b]}", "step.yaml"
    )
    STEP(sheet, (), sheet.value)
    assert sheet.slips == []
    assert DEEPEST > 10
