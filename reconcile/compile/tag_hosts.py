"""The compiled routes as they answer on the URL of a tag of ours: ``<tag>---<the service's own host>``.

A route on a host of its own would not answer there. Its deployed expression admits the tag's hosts as well; ``configHash``
stays that of the compiled services.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from reconcile.compile.patterns import compile_re2, escape
from reconcile.models import HostKind, Rule

TAG_PREFIX = "l402-g"
_BEGIN, _END = "(?i)^", r"(?::\d+)?$"
_ADMITTED = re.compile(
    rf"{re.escape(_BEGIN)}\(\?:(.*)\|{re.escape(TAG_PREFIX)}\[0-9\]\+---\(\?:[^()]*\)\){re.escape(_END)}"
)


def admit_tags(rules: Sequence[Rule], own_hosts: Sequence[str], wanted: Sequence[tuple[Rule, str]]) -> tuple[Rule, ...]:
    """The rules with expressions that admit our tags' hosts too, in the same order.

    Args:
        own_hosts: the service's own host names, without port.
        wanted: rules that must answer this path on a tag's host: one that would stand in the way there is not admitted.
    """
    if not own_hosts:
        return tuple(rules)
    tags = f"{TAG_PREFIX}[0-9]+---(?:{'|'.join(escape(host.lower()) for host in sorted(set(own_hosts)))})"
    order = {rule.id: place for place, rule in enumerate(rules)}

    def is_in_the_way(rule: Rule) -> bool:
        before = [path for other, path in wanted if order[rule.id] < order[other.id]]
        return any(compile_re2(rule.path_regexp).search(path) is not None for path in before)

    return tuple(
        rule if rule.host_kind is HostKind.ANY or is_in_the_way(rule) else _admitting(rule, tags) for rule in rules
    )


def without_tags(host_regexp: str) -> str:
    """A deployed host expression as it was compiled: without what ``admit_tags`` put in."""
    found = _ADMITTED.fullmatch(host_regexp)
    return f"{_BEGIN}{found[1]}{_END}" if found is not None else host_regexp


def _admitting(rule: Rule, tags: str) -> Rule:
    middle = rule.host_regexp.removeprefix(_BEGIN).removesuffix(_END)
    # Found by every host's look-up from here on: the expression alone decides.
    return replace(rule, host_regexp=f"{_BEGIN}(?:{middle}|{tags}){_END}", host_kind=HostKind.ANY, host_pattern="*")
