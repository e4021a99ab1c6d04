"""Reads the YAML files of this package. They are ours: what is wrong in them is a bug, not bad input."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import yaml


def document(name: str) -> Any:
    return yaml.load(files("seed").joinpath(name).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
