"""The diff of services: what was added, removed, changed, and what moved, since the first match wins."""

from __future__ import annotations

import random

import pytest

from reconcile.inspection.differences import differences
from reconcile.inspection.services import ServiceEntry


def entry(name: str, price: int = 10, **more: str) -> ServiceEntry:
    """A service on one host."""
    shown = {"price": str(price), "hostregexp": "^h$", "pathregexp": f"^/{name}$", "address": "up:80", "auth": "on"}
    return ServiceEntry(name, {**shown, **more})


def entries(names: str) -> list[ServiceEntry]:
    """A service for each letter."""
    return [entry(name) for name in names]


def test_equal_lists_have_no_difference() -> None:
    """Nothing to say, and false."""
    found = differences(entries("abc"), entries("abc"))
    assert not found
    assert list(found.lines()) == []
    assert found.headline == "0 added, 0 removed, 0 changed, 3 unchanged"


def test_each_difference_is_a_line_of_its_own() -> None:
    """Removed, added, then changed, each with what a person needs to judge it."""
    found = differences([entry("a"), entry("b")], [entry("b", 12, address="new:80"), entry("c", 3)])
    assert list(found.lines()) == [
        "- a: 10 sat, ^h$ ^/a$ -> up:80",
        "+ c: 3 sat, ^h$ ^/c$ -> up:80",
        "~ b: price 10 sat -> 12 sat; upstream up:80 -> new:80",
    ]
    assert found.headline == "1 added, 1 removed, 1 changed, 0 unchanged"


@pytest.mark.parametrize(
    ("before", "after", "moved"),
    [("abcd", "bcda", ["a"]), ("abcd", "dabc", ["d"]), ("ab", "ba", ["b"]), ("abc", "axbyc", []), ("axbyc", "abc", [])],
)
def test_only_what_has_to_move_has_moved(before: str, after: str, moved: list[str]) -> None:
    """A service that was taken out or put in moves no other."""
    found = differences(entries(before), entries(after))
    assert list(found.moved) == moved
    assert bool(found.moved) is any("another place" in line for line in found.lines())


def test_names_that_did_not_move_keep_their_order_and_none_moved_for_nothing() -> None:
    """Over random orders: what is left is in order, and putting any moved one back into it would break that."""
    chance = random.Random(7)
    for _ in range(100):
        before = "".join(chance.sample("abcdefgh", 8))
        after = "".join(chance.sample(before, 8))
        moved = differences(entries(before), entries(after)).moved
        for left in ([], *([name] for name in moved)):
            kept = [name for name in after if name not in moved or name in left]
            assert (sorted(kept, key=before.index) == kept) is (not left)
