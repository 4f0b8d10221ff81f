"""Glob paths: ``*`` stands for one or more characters without a slash (COMPILE.md). Overlap and cover."""

from __future__ import annotations

from functools import lru_cache


def overlaps(left: str, right: str) -> bool:
    """True when some path matches both globs."""
    pairs = _segments(left, right)
    return pairs is not None and all(_segments_meet(a, b) for a, b in pairs)


def covers(general: str, special: str) -> bool:
    """True when every path that ``special`` matches is matched by ``general``; ``special`` may be an exact path."""
    pairs = _segments(general, special)
    return pairs is not None and all(_segment_covers(a, b) for a, b in pairs)


def _segments(left: str, right: str) -> list[tuple[str, str]] | None:
    a, b = left.split("/"), right.split("/")
    return list(zip(a, b, strict=True)) if len(a) == len(b) else None


@lru_cache(maxsize=65536)
def _segments_meet(a: str, b: str) -> bool:
    """True when one non-slash text matches both segments."""
    if "*" not in a and "*" not in b:
        return a == b
    return _meet(a, 0, b, 0, {})


def _meet(a: str, i: int, b: str, j: int, seen: dict[tuple[int, int], bool]) -> bool:
    """Whether the rests of both segments share a text; ``x*`` is read as ``x`` and then one or more characters."""
    key = (i, j)
    if key not in seen:
        seen[key] = False
        seen[key] = _meet_now(a, i, b, j, seen)
    return seen[key]


def _meet_now(a: str, i: int, b: str, j: int, seen: dict[tuple[int, int], bool]) -> bool:
    if i == len(a) or j == len(b):
        return i == len(a) and j == len(b)
    if a[i] != "*" and b[j] != "*":
        return a[i] == b[j] and _meet(a, i + 1, b, j + 1, seen)
    # A star takes one character of the other side, and then ends or goes on.
    steps_a = (i, i + 1) if a[i] == "*" else (i + 1,)
    steps_b = (j, j + 1) if b[j] == "*" else (j + 1,)
    return any(_meet(a, x, b, y, seen) for x in steps_a for y in steps_b if (x, y) != (i, j))


@lru_cache(maxsize=65536)
def _segment_covers(general: str, special: str) -> bool:
    """A star of ``special`` is a character that only a star of ``general`` takes; so nothing is claimed wrongly."""
    if general == "*":
        return bool(special)
    reachable = {0}
    for character in special:
        following: set[int] = set()
        for place in reachable:
            if place < len(general) and general[place] == "*":
                following |= {place, place + 1}
            elif place < len(general) and general[place] == character and character != "*":
                following.add(place + 1)
        reachable = following
    return len(general) in reachable
