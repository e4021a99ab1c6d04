"""How fast one caller may ask: a token bucket for each subject, in the memory of one process."""

import time
from collections import OrderedDict
from collections.abc import Callable

_MOST_CALLERS = 10_000


class Limits:
    """`rate` requests a second on average, `burst` at once; a rate of 0 limits nobody.

    Used from the event loop only, so it needs no lock. Several API processes each keep their own count.
    """

    def __init__(self, rate: float = 50.0, burst: int = 200, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = float(max(burst, 1))
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, subject: str) -> float:
        """Seconds to wait: 0 lets the request pass and counts it; more refuses it and counts nothing."""
        if self._rate <= 0:
            return 0.0
        now = self._clock()
        left, since = self._buckets.pop(subject, (self._burst, now))
        left = min(self._burst, left + (now - since) * self._rate)
        passes = left >= 1.0
        self._buckets[subject] = (left - 1.0 if passes else left, now)
        if len(self._buckets) > _MOST_CALLERS:
            self._buckets.popitem(last=False)
        return 0.0 if passes else (1.0 - left) / self._rate
