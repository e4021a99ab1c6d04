"""The command line with a clock that is wrong by some seconds: `python -m tests.faults.roles SECONDS worker`."""

from __future__ import annotations

import datetime as dt
import sys
import time
import uuid

from uuid_utils import compat


def shift_clock(seconds: float) -> None:
    """Every clock of this process that Python code asks for the time of day is wrong by so much."""
    real_time, real_ns, real, real_uuid7 = time.time, time.time_ns, dt.datetime, compat.uuid7

    class Shifted(dt.datetime):
        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> dt.datetime:  # type: ignore[override]
            return real.now(tz) + dt.timedelta(seconds=seconds)

        @classmethod
        def utcnow(cls) -> dt.datetime:  # type: ignore[override]
            return real.now(dt.UTC).replace(tzinfo=None) + dt.timedelta(seconds=seconds)

    def shifted_id(*, nanoseconds: int | None = None) -> uuid.UUID:
        return uuid.UUID(int=real_uuid7(nanoseconds=nanoseconds).int + (int(seconds * 1000) << 80))

    time.time = lambda: real_time() + seconds
    time.time_ns = lambda: real_ns() + int(seconds * 1e9)
    dt.datetime = Shifted  # type: ignore[misc]
    compat.uuid7 = shifted_id


if __name__ == "__main__":
    if float(sys.argv[1]):
        shift_clock(float(sys.argv[1]))
    from concert.cli import main

    sys.argv[:] = ["concert", *sys.argv[2:]]
    main()
