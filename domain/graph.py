"""The order of steps: who comes after whom, of a template or of a live plan. Pure, and linear in the arrows.

`After` is step key → keys of the steps that it comes after. A key that is nobody's is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

After = Mapping[str, Iterable[str]]


def circles(after: After) -> list[list[str]]:
    """Each circle as the path that walks it, `["a", "b", "a"]` when b comes after a and a after b; none twice.

    A circle begins at its member that stands first in `after`. There may be more circles among the same steps; at
    least one of each knot is told, and an order without a circle tells none.
    """
    left = _knotted(after)
    found: list[list[str]] = []
    for key in after:
        path = _round_trip(after, left, key) if key in left else None
        if path:
            found.append(path)
            left -= set(path)
    return found


def behind(after: After, keys: Iterable[str]) -> set[str]:
    """All that cannot begin before one of `keys` has ended, these not included."""
    followers = _followers(after)
    found: set[str] = set()
    waiting = list(keys)
    while waiting:
        for follower in followers.get(waiting.pop(), ()):
            if follower not in found:
                found.add(follower)
                waiting.append(follower)
    return found - set(keys)


def before(after: After, key: str) -> set[str]:
    """All that must have ended, or been skipped, before `key` opens."""
    found: set[str] = set()
    waiting = [key]
    while waiting:
        fresh = [one for one in after.get(waiting.pop(), ()) if one in after and one not in found]
        found.update(fresh)
        waiting += fresh
    return found - {key}


def layers(after: After) -> list[list[str]]:
    """What can run side by side, row by row: each step stands below all that it comes after, as high as it can.

    Within a row the order of `after` is kept. Steps in a circle, and all behind them, are in no row.
    """
    rows: dict[str, int] = {}
    for key in _in_order(after):
        rows[key] = 1 + max((rows[one] for one in after[key] if one in after), default=-1)
    return [[key for key in after if rows.get(key) == row] for row in range(1 + max(rows.values(), default=-1))]


def _in_order(after: After) -> list[str]:
    """Each step after all that it comes after; without the knotted ones."""
    followers = _followers(after)
    missing = {key: len({one for one in ones if one in after}) for key, ones in after.items()}
    ready = [key for key, count in missing.items() if not count]
    for key in ready:
        for follower in followers.get(key, ()):
            missing[follower] -= 1
            if not missing[follower]:
                ready.append(follower)
    return ready


def _knotted(after: After) -> set[str]:
    """In a circle, or between two of them."""
    backward = set(after) - set(_in_order(after))
    forward = set(_in_order(_followers({key: after[key] for key in after if key in backward}, every=True)))
    return backward - forward


def _followers(after: After, *, every: bool = False) -> dict[str, list[str]]:
    followers: dict[str, list[str]] = {key: [] for key in after} if every else {}
    for key, ones in after.items():
        for one in dict.fromkeys(ones):
            if one in after:
                followers.setdefault(one, []).append(key)
    return followers


def _round_trip(after: After, among: set[str], start: str) -> list[str] | None:
    """The shortest way from `start` through steps of `among` back to itself, in the order in which they would open."""
    came_from: dict[str, str] = {}
    waiting = [start]
    for key in waiting:
        for one in after[key]:
            if one == start:
                return _walk(came_from, key, start)
            if one in among and one not in came_from:
                came_from[one] = key
                waiting.append(one)
    return None


def _walk(came_from: Mapping[str, str], last: str, start: str) -> list[str]:
    """`came_from[x]` comes after x; so walking it from `last` goes forward in time to `start`."""
    path = [start, last] if last != start else [start]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path if len(path) > 1 else [start, start]
