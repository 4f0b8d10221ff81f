"""Which route answers a request: the first, in match order, whose expressions match (APERTURE.md, "Config")."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconcile.compile.index import RouteIndex
from reconcile.compile.patterns import compile_re2
from reconcile.models import Rule

_PORT = re.compile(r":\d+$")


class RouteTable:
    """The compiled routes in match order, asked by the very expressions that Aperture gets."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._index = RouteIndex(self.rules)

    def answering(self, host: str, path: str) -> Rule | None:
        """The route that answers, or None.

        Args:
            host: the Host header, with or without a port. path: the decoded URL path.
        """
        name = _PORT.sub("", host).lower()
        positions = sorted({p for group in self._index.groups_for(name) for p in group.candidates(path)})
        return next((rule for rule in map(self.rules.__getitem__, positions) if matches(rule, host, path)), None)


def matches(rule: Rule, host: str, path: str) -> bool:
    """True when both expressions of ``rule`` match, as Go's MatchString would."""
    if compile_re2(rule.host_regexp).search(host) is None:
        return False
    return compile_re2(rule.path_regexp).search(path) is not None
