"""Every diagnostic that one paywall or route can provoke (COMPILE.md, "Diagnostics")."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconcile.compile import CompileOptions, compile_paywalls
from reconcile.models import Severity
from tests.reconcile.compile.paywalls import OPTIONS, codes, compiled, paywall, route, staging

ROUTE_CASES: list[tuple[str, dict[str, Any]]] = [
    ("invalid_route_pattern", route("/a", host="")),
    ("invalid_route_pattern", route("/a", host="*.*.example.com")),
    ("invalid_route_pattern", route("/a", host="a b")),
    ("invalid_route_pattern", route("/a", host="[::x]")),
    ("invalid_route_pattern", route("/a\nb")),
    ("invalid_route_pattern", route("/a\ud800")),
    ("invalid_route_pattern", route("/(a")),
    ("invalid_route_pattern", route(r"/a(?=b)")),
    ("missing_route_protocol", {**route("/a"), "protocol": "ftp"}),
    ("invalid_upstream_url", route("/a", upstream="")),
    ("invalid_upstream_url", route("/a", upstream="https://")),
    ("invalid_upstream_url", route("/a", upstream="http://up.example.net")),
    ("invalid_upstream_url", route("/a", upstream="https://u:p@up.example.net")),
    ("invalid_upstream_url", route("/a", upstream="https://up.example.net/?q=1")),
    ("invalid_upstream_url", route("/a", upstream="https://up.example.net/#f")),
    ("invalid_upstream_url", route("/a", upstream="https://up.example.net:99999")),
    ("invalid_upstream_url", route("/a", upstream="https://up.example.net:0")),
    ("invalid_upstream_url", route("/a", upstream="https://up example.net")),
    ("invalid_upstream_url", route("/a", upstream="https://[::zz]/")),
    ("invalid_upstream_url", route("/a", upstream="https://up!.example.net/")),
    ("invalid_service_name", route("/a", routeId="r:1")),
    ("invalid_service_name", route("/a", routeId="r/1")),
    ("invalid_service_name", route("/a", routeId="")),
]

FORBIDDEN = [
    "127.0.0.1",
    "127.9.9.9",
    "[::1]",
    "10.1.2.3",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "[fc00::1]",
    "[fd12::1]",
    "[fe80::1]",
    "0.0.0.0",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:10.0.0.1]",
    "[::127.0.0.1]",
    "[64:ff9b::10.0.0.1]",
    "2130706433",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "127.1",
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "metadata.google.internal",
]


@pytest.mark.parametrize(("code", "bad"), ROUTE_CASES, ids=lambda value: value if isinstance(value, str) else "route")
def test_bad_route_gets_its_code_and_stops_the_deployment(code: str, bad: dict[str, Any]) -> None:
    """What cannot be expressed is an error that names its paywall and route; nothing is compiled then."""
    result = compiled(paywall(bad))
    found = [diagnostic for diagnostic in result.diagnostics if diagnostic.severity is Severity.ERROR]
    assert [diagnostic.code for diagnostic in found] == [code]
    assert (found[0].paywall_id, found[0].route_id) == ("pw_1", bad["routeId"])
    assert (result.aperture_yaml, result.config_hash, result.is_valid) == ("", None, False)


@pytest.mark.parametrize("host", FORBIDDEN)
def test_private_upstream_is_forbidden_in_every_spelling(host: str) -> None:
    """Loopback, private, link-local and metadata hosts, mapped, decimal, octal and short forms alike."""
    bad = paywall(route("/a", upstream=f"https://{host}:8443"))
    assert codes(compiled(bad)) == ["forbidden_upstream"]
    options = CompileOptions(OPTIONS.challenge_url, allow_private_upstreams=True)
    assert codes(compiled(bad, options=options)) == []


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "172.32.0.1", "11.0.0.1", "[2001:db8::1]", "local.example.net", "169.253.1.1"]
)
def test_public_upstream_is_allowed(host: str) -> None:
    """The ranges end where the table says."""
    assert codes(compiled(paywall(route("/a", upstream=f"https://{host}")))) == []


@pytest.mark.parametrize(
    ("code", "policy"),
    [
        ("invalid_pricing_mode", {"pricingMode": "metered"}),
        ("missing_pricing", {"fixedAmountMsats": 0}),
        ("missing_pricing", {"fixedAmountMsats": -1000}),
        ("missing_pricing", {"fixedAmountMsats": None}),
        ("unrepresentable_amount", {"fixedAmountMsats": 10_001}),
        ("unrepresentable_amount", {"fixedAmountMsats": (100_000 * 100_000_000 + 1) * 1000}),
        ("amount_over_cap", {"maxPerRequestMsats": 9_999}),
    ],
)
def test_bad_price_gets_its_code(code: str, policy: dict[str, Any]) -> None:
    """A price that Aperture could not charge, or the policy forbids, is an error of the paywall."""
    result = compiled(paywall(route("/a"), **policy))
    assert codes(result) == [code]
    assert result.diagnostics[0].paywall_id == "pw_1"


def test_fraction_of_a_satoshi_is_rounded_up_when_told() -> None:
    """SUB_SAT_AMOUNTS=ceil: the next satoshi, and a warning."""
    options = CompileOptions(OPTIONS.challenge_url, sub_sat_amounts="ceil")
    result = compiled(paywall(route("/a"), fixedAmountMsats=10_001), options=options)
    assert [(d.code, d.severity) for d in result.diagnostics] == [("unrepresentable_amount", Severity.WARN)]
    assert [rule.price_sat for rule in result.rules if rule.paywall_id == "pw_1"] == [11]


def test_largest_price_is_taken() -> None:
    """Aperture's maximum itself is no error."""
    assert codes(compiled(paywall(route("/a"), fixedAmountMsats=100_000 * 100_000_000 * 1000))) == []


@pytest.mark.parametrize(
    ("host", "policy"),
    [
        ("a.example.com", {"blockedHosts": ["A.example.com "]}),
        ("a.example.com", {"blockedHosts": ["*.example.com"]}),
        ("a.example.com", {"blockedHosts": ["*"]}),
        ("a.example.com", {"allowedHosts": ["b.example.com"]}),
        ("a.example.com", {"allowedHosts": []}),
        ("*", {"blockedHosts": ["a.example.com"]}),
        ("*", {"allowedHosts": ["a.example.com"]}),
        ("*.example.com", {"blockedHosts": ["a.example.com"]}),
        ("*.example.com", {"blockedHosts": ["*.a.example.com"]}),
        ("*.a.example.com", {"blockedHosts": ["*.example.com"]}),
        ("*.example.com", {"allowedHosts": ["*.a.example.com"]}),
        ("*.example.com", {"allowedHosts": ["example.com"]}),
    ],
)
def test_host_that_is_blocked_or_beyond_the_allowed_is_refused(host: str, policy: dict[str, Any]) -> None:
    """Also a wildcard that reaches a blocked host, or beyond the allowed ones."""
    assert codes(compiled(paywall(route("/a", host=host), **policy))) == ["host_not_allowed"]


@pytest.mark.parametrize(
    ("host", "policy"),
    [
        ("a.example.com", {"blockedHosts": ["b.example.com", "*.a.example.com"]}),
        ("a.example.com", {"allowedHosts": ["*.example.com"]}),
        ("a.example.com", {"allowedHosts": ["A.EXAMPLE.COM"]}),
        ("*.a.example.com", {"allowedHosts": ["*.example.com"]}),
        ("*.a.example.com", {"blockedHosts": ["a.example.com", "b.example.com"]}),
        ("*", {"allowedHosts": ["*"]}),
    ],
)
def test_allowed_host_is_taken(host: str, policy: dict[str, Any]) -> None:
    """What lies within the allowed hosts and reaches no blocked one is no error."""
    assert codes(compiled(paywall(route("/a", host=host), **policy))) == []


@pytest.mark.parametrize(("status", "kill"), [("paused", False), ("archived", False), ("active", True)])
def test_suspended_paywall_contributes_no_route(status: str, kill: bool) -> None:
    """A warning, no route; its routes are kept apart so that they can be shown not to be served."""
    result = compiled(paywall(route("/a"), route("/(", routeId="bad"), status=status, killSwitch=kill))
    assert codes(result) == ["paywall_suspended"]
    assert [rule.paywall_id for rule in result.rules] == ["pw_staging"]
    assert [rule.path_pattern for rule in result.suspended] == ["/a"]


def test_upstream_path_becomes_a_prefix_with_a_warning() -> None:
    """The upstream URL's path is put before the request's."""
    result = compiled(paywall(route("/a", upstream="https://up.example.net/v1/")))
    assert codes(result) == ["upstream_path_rewritten"]
    assert 'prefix: "/v1"' in result.aperture_yaml


def test_timeout_is_warned_of_once() -> None:
    """Aperture has no upstream timeout; one warning is enough."""
    result = compiled(paywall(route("/a", timeoutMs=1000.0), route("/b", timeoutMs=2000)))
    assert codes(result) == ["timeout_not_enforced"]
    assert "timeout:" not in result.aperture_yaml


def test_no_route_for_the_challenge_url() -> None:
    """Without a route behind the challenge URL there is nothing to probe."""
    assert codes(compile_paywalls([paywall(route("/a"))], OPTIONS)) == ["no_route_for_challenge_url"]


def test_nothing_to_compile() -> None:
    """An empty control plane, or one with suspended paywalls only, deploys nothing."""
    assert codes(compile_paywalls([], OPTIONS)) == ["no_compilable_routes"]
    suspended = compile_paywalls([paywall(route("/staging"), status="paused")], OPTIONS)
    assert codes(suspended) == ["no_compilable_routes", "paywall_suspended"]


def test_all_diagnostics_are_reported_at_once_and_sorted() -> None:
    """Not only the first one: a person mends them all in one go."""
    bad = paywall(route("/(", upstream="", protocol="gopher", routeId="r:1"), pricingMode="free", fixedAmountMsats=0)
    found = codes(compiled(bad))
    assert found == sorted(found)
    assert set(found) == {
        "invalid_pricing_mode",
        "missing_pricing",
        "invalid_route_pattern",
        "invalid_service_name",
        "invalid_upstream_url",
        "missing_route_protocol",
    }


def test_diagnostic_is_camel_case_json_without_nulls() -> None:
    """The wire form names what is known and nothing else."""
    wire = compiled(paywall(route("/a", routeId="r:1"))).diagnostics[0].as_json()
    assert set(wire) == {"code", "severity", "message", "paywallId", "routeId"}
    assert json.loads(json.dumps(wire))["severity"] == "error"


def test_bad_paywall_does_not_hide_the_good_ones() -> None:
    """The rules that could be made are kept for the record, though nothing is deployed."""
    result = compiled(paywall(route("/(")))
    assert [rule.service_name for rule in result.rules] == [f"pw_staging/{staging().routes[0].route_id}"]
