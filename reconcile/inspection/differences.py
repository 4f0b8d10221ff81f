"""What sets two lists of services apart, price by price. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reconcile.inspection.services import SHOWN, ServiceEntry


@dataclass(frozen=True, slots=True)
class Changed:
    """A service in both lists. ``words``: a phrase for each thing that differs."""

    name: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """From one list to another. ``moved``: names whose place among the others changed, and the first match wins."""

    added: tuple[ServiceEntry, ...]
    removed: tuple[ServiceEntry, ...]
    changed: tuple[Changed, ...]
    moved: tuple[str, ...]
    same: int  # services that are in both as they are

    def __bool__(self) -> bool:
        """True when there are any."""
        return bool(self.added or self.removed or self.changed or self.moved)

    @property
    def headline(self) -> str:
        """How many of each."""
        counts = {"added": self.added, "removed": self.removed, "changed": self.changed, "moved": self.moved}
        told = [f"{len(found)} {word}" for word, found in counts.items() if found or word != "moved"]
        return ", ".join([*told, f"{self.same} unchanged"])

    def lines(self) -> Iterator[str]:
        """A line for each, in the services' order: ``+`` added, ``-`` removed, ``~`` changed, ``^`` moved."""
        for entry in self.removed:
            yield f"- {described(entry)}"
        for entry in self.added:
            yield f"+ {described(entry)}"
        for change in self.changed:
            yield f"~ {change.name}: {'; '.join(change.words)}"
        for name in self.moved:
            yield f"^ {name}: another place in the order, and the first match wins"


def described(entry: ServiceEntry) -> str:
    """A service on one line."""
    where = f"{entry.text_of('hostregexp')} {entry.text_of('pathregexp')}"
    auth = "" if entry.shown.get("auth") == "on" else f", auth {entry.text_of('auth')}"
    return f"{entry.name}: {entry.text_of('price')}, {where} -> {entry.text_of('address')}{auth}"


def differences(before: Sequence[ServiceEntry], after: Sequence[ServiceEntry]) -> Differences:
    """What has to be done to ``before`` to have ``after``; services are told apart by their names."""
    old, new = ({entry.name: entry for entry in entries} for entries in (before, after))
    changed = [Changed(name, tuple(_words(old[name], entry))) for name, entry in new.items() if name in old]
    moved = _moved([name for name in old if name in new], [name for name in new if name in old])
    touched = {change.name for change in changed if change.words} | set(moved)
    return Differences(
        added=tuple(entry for name, entry in new.items() if name not in old),
        removed=tuple(entry for name, entry in old.items() if name not in new),
        changed=tuple(change for change in changed if change.words),
        moved=tuple(moved),
        same=len(changed) - len(touched),
    )


def _words(before: ServiceEntry, after: ServiceEntry) -> Iterator[str]:
    for key, word in SHOWN.items():
        if before.shown.get(key) != after.shown.get(key):
            yield f"{word} {before.text_of(key)} -> {after.text_of(key)}"
    for key in sorted(before.hidden.keys() | after.hidden.keys()):
        if before.hidden.get(key) != after.hidden.get(key):
            yield f"{key} differs (not shown)"


def _moved(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The fewest names that have to move: all but a longest run of names that kept their order."""
    place = {name: number for number, name in enumerate(before)}
    ends: list[str] = []  # of a run of each length, the name with the smallest place that ends one
    former: dict[str, str | None] = {}
    for name in after:
        length = bisect_left(ends, place[name], key=place.__getitem__)
        former[name] = ends[length - 1] if length else None
        ends[length : length + 1] = [name]
    kept: set[str] = set()
    step = ends[-1] if ends else None
    while step is not None:
        kept.add(step)
        step = former[step]
    return [name for name in after if name not in kept]
