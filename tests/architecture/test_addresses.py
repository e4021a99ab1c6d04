"""No file names a machine: no address of a registry, no path of somebody's disk, no number of a private network."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PRIVATE = re.compile(
    r"(?<![\d.])(?:10\.\d{1,3}\.\d{1,3}\.\d{1,3}|192\.168\.\d{1,3}\.\d{1,3}|172\.(?:1[6-9]|2\d|3[01])\.\d{1,3}\.\d{1,3}"
    r"|169\.254\.\d{1,3}\.\d{1,3})(?![\d.])"
)
_INDEX = re.compile(
    r"(?:--(?:extra-)?index-url|--find-links|--trusted-host|index[-_]url\s*=|PIP_INDEX_URL\s*=)\s*\S*//", re.IGNORECASE
)
_DISK = re.compile(r"(?<![\w.~-])/(?:work|tmp/prep|root|home/[a-z]\w*)/[\w.-]+")
_WITH_PASSWORD = re.compile(
    r"\b[a-z][a-z0-9+.-]*://[^\s/:@'\"{}$<>]+:[^\s/@'\"{}$<>]+@(?!127\.0\.0\.1|localhost)[\w.-]+", re.IGNORECASE
)
ALLOWED = {
    "tests/api": _PRIVATE,  # bad input: webhook addresses that must be refused
    "tests/architecture/test_addresses.py": None,
}


def _files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a clone")
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def _found(name: str, text: str) -> list[str]:
    found = []
    for what in (_PRIVATE, _INDEX, _DISK, _WITH_PASSWORD):
        exempt = any(name.startswith(prefix) and only in (what, None) for prefix, only in ALLOWED.items())
        if not exempt:
            found += [f"{name}: {match.group(0)}" for match in what.finditer(text)]
    return found


def test_no_file_names_a_machine() -> None:
    found: list[str] = []
    for file in _files():
        if file.is_file() and not file.is_symlink():
            found += _found(str(file.relative_to(ROOT)), file.read_text(errors="replace"))
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "--index-url https://pypi.example/simple",
        "host = 10.1.2.3",
        "data in /root/concert-data",
        "postgresql://me:word@db.example/x",
    ],
)
def test_an_address_would_be_noticed(line: str) -> None:
    assert _found("README.md", line)
