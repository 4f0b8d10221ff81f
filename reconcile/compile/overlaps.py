"""Routes that lie in one another's way: duplicates, ambiguity, shadows (COMPILE.md, "Diagnostics").

Nothing compares every pair: candidates come from the index, so that the cost stays near linear in the number of routes.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator

from reconcile.compile import globs
from reconcile.compile.index import HostGroup, RouteIndex
from reconcile.compile.patterns import compile_re2, literal_prefix
from reconcile.models import Diagnostic, HostKind, PathKind, Rule, Severity


def find_overlaps(rules: tuple[Rule, ...]) -> list[Diagnostic]:
    """Diagnostics on ``rules``, which are in match order; at most one a route, the first that fits."""
    found = list(_duplicates(rules))
    taken = {(d.paywall_id, d.route_id) for d in found}
    for finder in (_ambiguous, _shadowed):
        for diagnostic in finder(rules):
            key = (diagnostic.paywall_id, diagnostic.route_id)
            if key not in taken:
                taken.add(key)
                found.append(diagnostic)
    return found


def _diagnostic(code: str, rule: Rule, other: Rule, message: str) -> Diagnostic:
    return Diagnostic(
        code=code,
        severity=Severity.ERROR,
        message=f"{_named(rule)} {message} {_named(other)}",
        paywall_id=rule.paywall_id,
        route_id=rule.route_id,
        related_route_id=other.route_id,
        details={"relatedPaywallId": other.paywall_id},
    )


def _named(rule: Rule) -> str:
    return f"{rule.id} ({rule.host_pattern}{rule.path_pattern})"


def _duplicates(rules: tuple[Rule, ...]) -> Iterator[Diagnostic]:
    first: dict[tuple[str, str], Rule] = {}
    for rule in rules:
        path = "/" if rule.path_kind is PathKind.CATCH_ALL else rule.path_pattern
        other = first.setdefault((rule.host_pattern, path), rule)
        if other is not rule:
            yield _diagnostic("duplicate_route", rule, other, "has the host and path of")


# --- ambiguity: same priority, same specificity, overlapping, different paths


class _Beginnings:
    """Routes of one kind, found by what their paths begin with."""

    def __init__(self) -> None:
        self.first: dict[str, Rule] = {}
        self.prefixes: list[str] = []

    def add(self, rule: Rule) -> None:
        """Take a route in; the first of a beginning stands for all of it."""
        prefix = literal_prefix(rule.path_pattern, rule.path_kind)
        if prefix not in self.first:
            self.first[prefix] = rule
            insort(self.prefixes, prefix)

    def related(self, prefix: str) -> Rule | None:
        """A route whose beginning begins ``prefix``, or the other way about."""
        for length in range(len(prefix) + 1):
            if prefix[:length] in self.first:
                return self.first[prefix[:length]]
        place = bisect_left(self.prefixes, prefix)
        if place < len(self.prefixes) and self.prefixes[place].startswith(prefix):
            return self.first[self.prefixes[place]]
        return None


class _Peers:
    """Earlier routes of one priority, host pattern and path rank."""

    def __init__(self) -> None:
        self.beginnings: dict[PathKind, _Beginnings] = defaultdict(_Beginnings)
        self.globs: dict[tuple[int, int, str], list[Rule]] = defaultdict(list)

    def add(self, rule: Rule) -> None:
        """Take a route in."""
        self.beginnings[rule.path_kind].add(rule)
        if rule.path_kind is PathKind.GLOB:
            segments = rule.path_pattern.split("/")
            for place, segment in enumerate(segments):
                self.globs[len(segments), place, "*" if "*" in segment else segment].append(rule)

    def conflict(self, rule: Rule) -> Rule | None:
        """An earlier route that ``rule`` is ambiguous with."""
        path = rule.path_pattern
        prefix = literal_prefix(path, rule.path_kind)
        if rule.path_kind is not PathKind.REGEXP:
            if rule.path_kind is PathKind.PREFIX:
                return self.beginnings[PathKind.PREFIX].related(prefix)
            clash = next((other for other in self._globs_near(path) if globs.overlaps(other.path_pattern, path)), None)
            return clash or self.beginnings[PathKind.REGEXP].related(prefix)
        return self.beginnings[PathKind.REGEXP].related(prefix) or self.beginnings[PathKind.GLOB].related(prefix)

    def _globs_near(self, path: str) -> list[Rule]:
        """The globs that agree with ``path`` in its most telling segment."""
        segments = path.split("/")
        count = len(segments)
        choices = [
            self.globs.get((count, place, segment), []) + self.globs.get((count, place, "*"), [])
            for place, segment in enumerate(segments)
            if "*" not in segment and segment
        ]
        return min(choices, key=len) if choices else self.globs.get((count, 0, ""), [])


def _rank(rule: Rule) -> PathKind:
    return PathKind.GLOB if rule.path_kind is PathKind.REGEXP else rule.path_kind


def _ambiguous(rules: tuple[Rule, ...]) -> Iterator[Diagnostic]:
    groups: dict[tuple[int, str, PathKind], _Peers] = defaultdict(_Peers)
    for rule in rules:
        rank = _rank(rule)
        if rank not in (PathKind.PREFIX, PathKind.GLOB):
            continue
        for host in _same_rank_hosts(rule):
            peers = groups.get((rule.priority, host, rank))
            other = peers.conflict(rule) if peers else None
            if other is not None and other.path_pattern != rule.path_pattern:
                yield _diagnostic("ambiguous_route", rule, other, "overlaps, with the same priority and specificity,")
                break
        groups[rule.priority, rule.host_pattern, rank].add(rule)


def _same_rank_hosts(rule: Rule) -> list[str]:
    """The host pattern and, for a wildcard, the wider ones of its kind."""
    if rule.host_kind is not HostKind.WILDCARD:
        return [rule.host_pattern]
    labels = rule.host_pattern[2:].split(".")
    return [f"*.{'.'.join(labels[start:])}" for start in range(len(labels))]


# --- shadows: an earlier, more general route always wins


def _shadowed(rules: tuple[Rule, ...]) -> Iterator[Diagnostic]:
    index = RouteIndex(rules)
    for position, rule in enumerate(rules):
        earlier = _coverer(index, position, rule)
        if earlier is not None:
            yield _diagnostic("first_match_shadowed", rule, earlier, "is never reached behind")


def _coverer(index: RouteIndex, position: int, rule: Rule) -> Rule | None:
    for group in index.groups_for(rule.host_pattern, rule.host_kind):
        for place in _places(group, rule):
            if place < position and _path_covers(index.rules[place], rule):
                return index.rules[place]
    return None


def _places(group: HostGroup, rule: Rule) -> Iterator[int]:
    """Positions of the routes that may cover ``rule``."""
    if rule.path_kind is PathKind.EXACT:
        yield from group.candidates(rule.path_pattern)
        return
    if rule.path_kind is PathKind.GLOB:
        yield from group.globs_like(rule.path_pattern)
    yield from group.beginning(literal_prefix(rule.path_pattern, rule.path_kind))


def _path_covers(general: Rule, special: Rule) -> bool:
    """True when it can be told that every path of ``special`` is one of ``general``'s."""
    kind, path = special.path_kind, special.path_pattern
    if general.path_kind is PathKind.CATCH_ALL:
        return kind is not PathKind.REGEXP or literal_prefix(path, kind).startswith("/")
    if general.path_kind is PathKind.PREFIX:
        return literal_prefix(path, kind).startswith(general.path_pattern[:-1])
    if general.path_kind is PathKind.GLOB:
        return kind in (PathKind.EXACT, PathKind.GLOB) and globs.covers(general.path_pattern, path)
    if general.path_kind is PathKind.REGEXP:
        return kind is PathKind.EXACT and compile_re2(general.path_regexp).search(path) is not None
    return kind is PathKind.EXACT and general.path_pattern == path
