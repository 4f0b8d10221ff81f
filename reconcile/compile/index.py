"""Finding the routes that may answer a request, or lie in another's way, without looking at all of them.

Routes are held by host pattern, and within a host by what their paths begin with, so that a look-up costs the length of
the path and not the number of routes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconcile.compile.patterns import literal_prefix
from reconcile.models import HostKind, PathKind, Rule

Shape = tuple[int, ...]  # the places of a glob's literal segments


@dataclass(slots=True)
class HostGroup:
    """The routes of one host pattern, by position in match order."""

    exact: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    globs: dict[tuple[Shape, tuple[str, ...]], list[int]] = field(default_factory=lambda: defaultdict(list))
    shapes: dict[int, set[Shape]] = field(default_factory=lambda: defaultdict(set))  # by number of segments
    by_prefix: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))  # every other kind
    longest_prefix: int = 0

    def add(self, position: int, rule: Rule) -> None:
        """Take a route in."""
        if rule.path_kind is PathKind.EXACT:
            self.exact[rule.path_pattern].append(position)
        elif rule.path_kind is PathKind.GLOB:
            segments = rule.path_pattern.split("/")
            shape = tuple(place for place, segment in enumerate(segments) if "*" not in segment)
            self.shapes[len(segments)].add(shape)
            self.globs[shape, tuple(segments[place] for place in shape)].append(position)
        else:
            prefix = literal_prefix(rule.path_pattern, rule.path_kind)
            self.by_prefix[prefix].append(position)
            self.longest_prefix = max(self.longest_prefix, len(prefix))

    def candidates(self, path: str) -> Iterator[int]:
        """Positions of the routes that a request for ``path`` may be answered by."""
        yield from self.exact.get(path, ())
        yield from self.globs_like(path)
        yield from self.beginning(path)

    def globs_like(self, path: str) -> Iterator[int]:
        """The globs whose literal segments are those of ``path``, which may be a glob itself."""
        segments = path.split("/")
        for shape in self.shapes.get(len(segments), ()):
            yield from self.globs.get((shape, tuple(segments[place] for place in shape)), ())

    def beginning(self, prefix: str) -> Iterator[int]:
        """Prefixes, expressions and catch-alls whose literal beginning is one of ``prefix``."""
        for length in range(min(len(prefix), self.longest_prefix) + 1):
            yield from self.by_prefix.get(prefix[:length], ())


class RouteIndex:
    """Routes by host pattern."""

    def __init__(self, rules: tuple[Rule, ...] | list[Rule]) -> None:
        self.rules = rules
        self.groups: dict[str, HostGroup] = defaultdict(HostGroup)
        for position, rule in enumerate(rules):
            self.groups[rule.host_pattern].add(position, rule)

    def groups_for(self, host: str, kind: HostKind = HostKind.EXACT) -> Iterator[HostGroup]:
        """The groups whose host patterns cover ``host`` (a name, or a pattern of ``kind``)."""
        names = [host] if kind is not HostKind.ANY else []
        if kind is not HostKind.ANY:
            labels = host.removeprefix("*.").split(".")
            names += [f"*.{'.'.join(labels[start:])}" for start in range(1, len(labels))]
        for name in [*names, "*"]:
            group = self.groups.get(name)
            if group is not None:
                yield group
