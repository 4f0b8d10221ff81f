"""A request for a route: a host and a path that match it and no route before it (RECONCILE.md §3)."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote

import rstr

from reconcile.compile.routing import RouteTable, matches
from reconcile.models import HostKind, PathKind, Rule

MAX_EXPRESSION_CANDIDATES = 400
_WORDS = ("probe", "check", "x", "0", "a1", "probe-7", "v1", "probe.json", "probe/deep", "probe/deep/er", "z-probe-9")
# RE2 spells what Python's parser (under rstr) spells otherwise, or not at all.
_RE2_TO_PYTHON = (
    ("[[:alpha:]]", "[A-Za-z]"),
    ("[[:digit:]]", "[0-9]"),
    ("[[:alnum:]]", "[A-Za-z0-9]"),
    ("[[:word:]]", "[A-Za-z0-9_]"),
    ("[[:xdigit:]]", "[0-9A-Fa-f]"),
    ("[:alpha:]", "A-Za-z"),
    ("[:digit:]", "0-9"),
    ("[:alnum:]", "A-Za-z0-9"),
    (r"\pL", "[A-Za-z]"),
    (r"\p{L}", "[A-Za-z]"),
    (r"\pN", "[0-9]"),
    (r"\p{N}", "[0-9]"),
    (r"\z", r"\Z"),
    ("(?U)", ""),
)


@dataclass(frozen=True, slots=True)
class RouteRequest:
    """What to ask: ``host`` (may carry the base's port) and ``target``, the raw path, percent-encoded."""

    host: str
    target: str


def request_for(rule: Rule, table: RouteTable, base_host: str) -> RouteRequest | None:
    """A request that ``rule`` answers by ``table``; None when none was found.

    Args:
        base_host: the gateway's host, with its port when it has one: asked for routes of any host.
    """
    host = host_for(rule, base_host)
    for path in candidate_paths(rule):
        if _is_plain(path) and table.answering(host, path) is rule:
            return RouteRequest(host, target_of(path))
    return None


def request_for_suspended(rule: Rule, base_host: str) -> RouteRequest | None:
    """A request that matches the rule of a suspended paywall, which is in no table."""
    host = host_for(rule, base_host)
    for path in candidate_paths(rule):
        if _is_plain(path) and matches(rule, host, path):
            return RouteRequest(host, target_of(path))
    return None


def host_for(rule: Rule, base_host: str) -> str:
    """Exact: that host; ``*``: the base's; ``*.d``: ``probe.d``."""
    if rule.host_kind is HostKind.ANY:
        return base_host
    return f"probe{rule.host_pattern[1:]}" if rule.host_kind is HostKind.WILDCARD else rule.host_pattern


def target_of(path: str) -> str:
    """The raw request target of a decoded path."""
    return quote(path, safe="/:@!$&'()*+,;=~-._")


def candidate_paths(rule: Rule) -> Iterator[str]:
    """Paths that the rule may match, the likeliest first; always the same."""
    path, kind = rule.path_pattern, rule.path_kind
    if kind is PathKind.EXACT:
        yield path
    elif kind is PathKind.REGEXP:
        yield from _expression_candidates(rule)
    elif kind is PathKind.GLOB:
        for word in _words(rule):
            yield path.replace("*", word)
    else:
        base = "/" if kind is PathKind.CATCH_ALL else path[:-1]
        for word in _words(rule):
            yield base + word
        yield base


def _words(rule: Rule) -> Iterator[str]:
    """Words to stand for a star, then made-up ones, so that earlier routes are avoided."""
    yield from _WORDS
    chance = random.Random(rule.id)  # noqa: S311 - not a secret: the same request for the same route every time
    for length in range(3, 43):
        yield "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=length))


def _expression_candidates(rule: Rule) -> Iterator[str]:
    expression = rule.path_pattern
    for re2_form, python_form in _RE2_TO_PYTHON:
        expression = expression.replace(re2_form, python_form)
    chance = random.Random(rule.id)  # noqa: S311 - as above
    generator = rstr.Rstr(chance)
    for attempt in range(MAX_EXPRESSION_CANDIDATES):
        try:
            path = generator.xeger(expression)
        except (re.error, KeyError, ValueError, OverflowError, RecursionError):
            return  # a dialect that the generator does not speak
        yield path if path.startswith("/") or attempt % 2 else "/" + path


def _is_plain(path: str) -> bool:
    """A path that every hop forwards as it is: no dot segments, no empty ones, printable."""
    if not path.startswith("/") or len(path) > 1024 or not path.isprintable():
        return False
    segments = path.split("/")[1:]
    return not any(segment in ("", ".", "..") for segment in segments[:-1]) and segments[-1] not in (".", "..")
