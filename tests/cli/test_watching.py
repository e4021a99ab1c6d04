"""`--watch`, whatever it watches."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError

from concert.commands.common import watching


def test_who_watches_is_told_that_the_record_is_away_and_sees_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([1, OperationalError("select", {}, Exception("gone")), 2, KeyboardInterrupt()])
    shown: list[object] = []

    def look() -> object:
        answer = next(answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    monkeypatch.setattr("concert.commands.common.sleep", lambda _seconds: None)
    watching(look, shown.append, shown.append)
    assert shown == [1, "The record does not answer. Run: concert doctor", 2]
