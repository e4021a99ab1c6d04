"""What completing work records, where no form says it: numbers, true or false, codes; never text about anybody."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_CODE = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+([._-][a-z0-9]+)*")
_MOST = 10**12


def refuse_plain(outputs: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(name, what is wrong) for each, without the answer; as `Step.refuse` says it of a form."""
    names = [(key, "a code such as months_of_rent names an answer") for key in outputs if not _CODE.fullmatch(key)]
    wrong = [key for key, answer in outputs.items() if not _is_plain(answer)]
    return names + [(key, "a number, true, false or a code is needed") for key in wrong]


def _is_plain(answer: object) -> bool:
    if isinstance(answer, str):
        return bool(_CODE.fullmatch(answer))
    return isinstance(answer, bool) or (isinstance(answer, int | float) and -_MOST <= answer <= _MOST)


def written(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of answers that fit: null is an answer that was left out."""
    return {key: answer for key, answer in outputs.items() if answer is not None}
