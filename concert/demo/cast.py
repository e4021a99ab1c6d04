"""Which requests of the region's stream are played, so that even a short demonstration shows every kind of ending."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, zip_longest

from seed.region import Region
from seed.story import Request, requests

KINDS = (
    "ignore",
    "complete",
    "quiet_after_accept",
    "decline_reroute",
    "question",
    "hold",
    "fail",
    "withdraw",
    "waitlist",
    "void",
    "decline_unmet",
)
"""Rather this one than the next, where there is room for a few only."""
_SLOW = frozenset({"ignore", "quiet_after_accept"})
_LOOK_AHEAD = 150


def cast(region: Region, n: int) -> list[Request]:
    """`n` requests: first one of each kind, one answered by a partner's own system, one by phone, one telephone number;
    then the stream as it comes. What takes longest arrives early, so that nobody waits for it at the end.
    """
    stream = list(requests(region, max(n, _LOOK_AHEAD)))
    chosen = {request.number: request for request in _shown(region, stream)[:n]}
    for request in stream:
        if len(chosen) >= n:
            break
        chosen.setdefault(request.number, request)
    return _slow_first(sorted(chosen.values(), key=lambda request: request.number))


def _shown(region: Region, stream: Sequence[Request]) -> list[Request]:
    tests: list[Callable[[Request], bool]] = [_of_kind(kind) for kind in KINDS]
    tests[2:2] = [lambda r: own_system(region, r.service) and r.ending.kind == "complete"]
    tests += [lambda r: r.on_behalf and r.ending.kind == "complete", lambda r: r.kind == "information"]
    found = [next((request for request in stream if test(request)), None) for test in tests]
    return list({request.number: request for request in found if request}.values())


def _of_kind(kind: str) -> Callable[[Request], bool]:
    return lambda request: request.kind == "referral" and request.ending.kind == kind


def own_system(region: Region, service: str) -> bool:
    """Whether the service's organization answers with its own system."""
    return region.organization(service.partition("/")[0]).worker


def _slow_first(chosen: Sequence[Request]) -> list[Request]:
    slow = [request for request in chosen if request.ending.kind in _SLOW]
    rest = [request for request in chosen if request.ending.kind not in _SLOW]
    pairs = zip_longest(rest, slow)
    return [request for request in chain.from_iterable(pairs) if request is not None]
