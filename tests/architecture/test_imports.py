"""Imports point down only."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def _check(root: Path) -> subprocess.CompletedProcess[str]:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    return subprocess.run(
        [sys.executable, "-c", command], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )


def test_every_import_keeps_to_the_contracts() -> None:
    checked = _check(ROOT)
    assert checked.returncode == 0, checked.stdout[-3000:] + checked.stderr[-500:]
    assert "0 broken" in checked.stdout


def test_an_import_that_points_up_would_be_noticed(tmp_path: Path) -> None:
    for package in ("domain", "storage", "services", "activities", "workflows", "api", "seed", "concert"):
        (tmp_path / package).symlink_to(ROOT / package)
    (tmp_path / "pyproject.toml").symlink_to(ROOT / "pyproject.toml")
    (tmp_path / "domain").unlink()
    (tmp_path / "domain").mkdir()
    for file in (ROOT / "domain").glob("*.py"):
        (tmp_path / "domain" / file.name).symlink_to(file)
    (tmp_path / "domain" / "upward.py").write_text("import services.transaction\n")
    checked = _check(tmp_path)
    assert checked.returncode == 1
    assert "domain.upward -> services.transaction" in checked.stdout


@pytest.mark.parametrize("package", ["services", "api", "activities", "workflows", "seed", "domain"])
def test_only_the_wrapper_commits(package: str) -> None:
    """One commit boundary: nothing outside `storage` and the tests says commit or rollback."""
    found = [
        f"{file.relative_to(ROOT)}:{node.lineno}"
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback")
    ]
    assert found == []
