"""Duplicates, ambiguity and shadows, provoked; and neighbours that are none (COMPILE.md, "Diagnostics")."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reconcile.compile.paywalls import codes, compiled, paywall, route

H, W = "l402.example.com", "*.example.com"


def at(path: str, host: str = H, priority: int = 0) -> dict[str, Any]:
    """A route whose id also tells its priority."""
    made = route(path, host=host, priority=priority)
    return {**made, "routeId": f"{made['routeId']}-{priority}"}


CASES: list[tuple[str, list[dict[str, Any]]]] = [
    ("duplicate_route", [at("/a"), at("/a", priority=1)]),
    ("duplicate_route", [at("/"), at("/*", priority=1)]),
    ("duplicate_route", [at("/a"), {**at(" a "), "routeId": "other"}]),
    ("ambiguous_route", [at("/a/*/c"), at("/a/b*/c")]),
    ("ambiguous_route", [at("/a/*/c"), at("/*/b/c")]),
    ("ambiguous_route", [at("/x*y"), at("/xa*")]),
    ("ambiguous_route", [at("/p/*"), at("/p/q/*")]),
    ("ambiguous_route", [at("/q(a|b)"), at("/q[cd]")]),
    ("ambiguous_route", [at("/r/[0-9]+"), at("/r/*/t")]),
    ("ambiguous_route", [at("/a/*", W), at("/a/b/*", "*.x.example.com")]),
    ("first_match_shadowed", [at("/", priority=-1, host="*.x.org"), at("/b", priority=1, host="a.x.org")]),
    ("first_match_shadowed", [at("/c/*", priority=1), at("/c/d", priority=2)]),
    ("first_match_shadowed", [at("/c/*", priority=1), at("/c/d/*", priority=2)]),
    ("first_match_shadowed", [at("/c/*", priority=1), at("/c/*/e", priority=2)]),
    ("first_match_shadowed", [at("/c/*", priority=1), at("/c/[a-z]+", priority=2)]),
    ("first_match_shadowed", [at("/e/*/f", priority=1), at("/e/x/f", priority=2)]),
    ("first_match_shadowed", [at("/e/*/f", priority=1), at("/e/x*/f", priority=2)]),
    ("first_match_shadowed", [at("/[gh]", priority=1), at("/g", priority=2)]),
    ("first_match_shadowed", [at("/i", priority=1, host=W), at("/i", priority=2)]),
    ("first_match_shadowed", [at("/i", priority=1, host="*"), at("/i", priority=2, host=W)]),
]

NEIGHBOURS: list[list[dict[str, Any]]] = [
    [at("/a"), at("/b")],
    [at("/a"), at("/a", host="other.example.com")],
    [at("/a"), at("/*/b"), at("/c/*")],
    [at("/a/*/c"), at("/b/*/c")],
    [at("/a*"), at("/b*")],
    [at("/x/[0-9]+"), at("/y/[0-9]+")],
    [at("/c/*"), at("/c/d/*", priority=-1)],
    [at("/c/d", priority=1), at("/c/*", priority=2)],
    [at("/e/x*/f", priority=1), at("/e/*/f", priority=2)],
    [at("/a", W), at("/a", "example.org")],
    [at("/p/*"), at("/p*")],
    [at("/k/[a-z]{2}", priority=1), at("/k/*", priority=2)],
]


@pytest.mark.parametrize(("code", "routes"), CASES, ids=lambda v: v if isinstance(v, str) else v[-1]["pathPattern"])
def test_route_in_another_ones_way_is_found(code: str, routes: list[dict[str, Any]]) -> None:
    """One diagnostic, of the right code, that names both routes."""
    result = compiled(paywall(*routes))
    assert codes(result) == [code]
    named = {result.diagnostics[0].route_id, result.diagnostics[0].related_route_id}
    assert named == {entry["routeId"] for entry in routes}


@pytest.mark.parametrize("routes", NEIGHBOURS, ids=lambda v: v[-1]["hostPattern"] + v[-1]["pathPattern"])
def test_neighbours_are_none_of_it(routes: list[dict[str, Any]]) -> None:
    """Routes whose order is plain, or that share no request, are no diagnostic."""
    assert codes(compiled(paywall(*routes))) == []


def test_only_the_ambiguity_is_reported_of_a_route_that_is_shadowed_too() -> None:
    """``ambiguous_route`` wins over ``first_match_shadowed``: one finding a route."""
    result = compiled(paywall(at("/a/*"), at("/a/b/*")))
    assert codes(result) == ["ambiguous_route"]
