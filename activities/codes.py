"""Every exception leaves an activity as a code only:
a database message with a client's name was once found in history.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

from prometheus_client import Histogram
from temporalio.exceptions import ApplicationError

from services.refusals import Refusal

SECONDS = Histogram(
    "concert_activity_seconds", "What the engine asked of the record, by activity and outcome.", ["activity", "outcome"]
)
F = TypeVar("F", bound=Callable[..., Any])


def coded(function: F) -> F:
    """Refusals will not change by trying again; everything else is retried by the engine's policy."""

    @functools.wraps(function)
    def wrapper(*args: Any) -> Any:
        begun, outcome = perf_counter(), "failed"
        try:
            result = function(*args)
            outcome = "done"
            return result
        except Refusal as refusal:
            raise _error(refusal.code, non_retryable=True) from None
        except Exception as error:  # noqa: BLE001 - whatever it is, it leaves as a code only
            state = getattr(getattr(error, "orig", None), "sqlstate", None)
            raise _error(state or type(error).__name__, non_retryable=False) from None
        finally:
            SECONDS.labels(function.__name__, outcome).observe(perf_counter() - begun)

    return wrapper  # type: ignore[return-value]  # functools.wraps keeps the signature that Temporal reads


def _error(code: str, *, non_retryable: bool) -> ApplicationError:
    return ApplicationError(code, type=code, non_retryable=non_retryable)
