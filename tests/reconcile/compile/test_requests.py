"""A request for a route: derived from its patterns, answered by no route before it (RECONCILE.md §3)."""

from __future__ import annotations

import pytest

from reconcile.compile import RouteTable, request_for, request_for_suspended
from tests.reconcile.compile.paywalls import compiled, paywall, route

BASE = "l402.example.com:8443"


@pytest.mark.parametrize(
    ("path", "host", "asked"),
    [
        ("/a b", "l402.example.com", "l402.example.com/a%20b"),
        ("/é", "l402.example.com", "l402.example.com/%C3%A9"),
        ("/p/*", "*", f"{BASE}/p/probe"),
        ("/g/*/x", "*.other.org", "probe.other.org/g/probe/x"),
        ("/", "api.other.org", "api.other.org/probe"),
    ],
)
def test_request_has_the_routes_host_and_a_path_of_its_pattern(path: str, host: str, asked: str) -> None:
    """Exact: that host; ``*``: the base's; ``*.d``: ``probe.d``."""
    result = compiled(paywall(route(path, host=host, priority=1)))
    rule = next(rule for rule in result.rules if rule.paywall_id == "pw_1")
    request = request_for(rule, RouteTable(result.rules), BASE)
    assert request is not None
    assert request.host + request.target == asked


@pytest.mark.parametrize(
    "expression",
    [
        "/e/[0-9]{3,5}",
        "/(alpha|beta)/x",
        r"/v\d+/\w+",
        "/[[:alpha:]]+/end",
        r"/\pL{2}",
        "^/anchored$",
        "/opt(ional)?",
        r"/dot\.json",
        "/neg[^/]+",
        "(?i)/case",
        r"/x\z",
    ],
)
def test_expression_gets_a_request_that_it_matches(expression: str) -> None:
    """Strings of a regular expression, RE2's own spellings included."""
    result = compiled(paywall(route(expression, priority=1)))
    rule = next(rule for rule in result.rules if rule.paywall_id == "pw_1")
    table = RouteTable(result.rules)
    request = request_for(rule, table, BASE)
    assert request is not None
    assert request == request_for(rule, table, BASE), "the same request every time"


@pytest.mark.parametrize("expression", ["no/leading/slash(x)", "/(a)//(b)", r"/\C\pN\p{Greek}", "/(.)/[.][.]/x"])
def test_expression_without_a_plain_request_gets_none(expression: str) -> None:
    """No dot segments, no empty ones: hops would change them on the way."""
    result = compiled(paywall(route(expression, priority=1)))
    rule = next((rule for rule in result.rules if rule.paywall_id == "pw_1"), None)
    assert rule is None or request_for(rule, RouteTable(result.rules), BASE) is None


def test_route_that_others_take_every_request_of_gets_none() -> None:
    """Nothing is claimed about a route that cannot be asked."""
    result = compiled(paywall(route("/[ab]", priority=2), route("/a", priority=1), route("/b", priority=1)))
    rule = next(rule for rule in result.rules if rule.path_pattern == "/[ab]")
    assert request_for(rule, RouteTable(result.rules), BASE) is None


def test_suspended_route_is_asked_by_its_own_pattern() -> None:
    """It is in no table, and must be shown not to be served."""
    result = compiled(paywall(route("/s/*"), route(r"/\C{0}"), status="paused"))
    by_path = {rule.path_pattern: request_for_suspended(rule, BASE) for rule in result.suspended}
    found = by_path["/s/*"]
    assert found is not None
    assert found.target == "/s/probe"
