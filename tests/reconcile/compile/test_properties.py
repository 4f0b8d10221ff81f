"""What must hold for any set of paywalls: determinism, and that the services answer what the paywalls mean."""

from __future__ import annotations

import re
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconcile.compile import RouteTable, compile_paywalls, hash_of, request_for
from reconcile.compile.patterns import compile_re2
from reconcile.models import Rule
from reconcile.paywalls import Paywall
from tests.reconcile.compile.paywalls import OPTIONS, paywall, route, staging

RELAXED = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
SEGMENTS = st.sampled_from(["a", "b", "c*", "*", "x1", "deep"])
HOSTS = st.sampled_from(["l402.example.com", "api.example.com", "*.example.com", "*"])
PATHS = st.one_of(
    st.lists(SEGMENTS, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts)),
    st.lists(st.sampled_from(["a", "b", "x1"]), min_size=0, max_size=2).map(lambda p: "/".join(["", *p, "*"])),
    st.sampled_from(["/", "/[ab]/[0-9]+", "/v(1|2)/x", "/deep/[a-z]{2,4}"]),
)


@st.composite
def sets_of_paywalls(draw: st.DrawFn) -> list[Paywall]:
    """Up to four paywalls with up to four routes each, and the staging one."""
    made = []
    for number in range(draw(st.integers(1, 4))):
        routes: list[dict[str, Any]] = [
            route(draw(PATHS), host=draw(HOSTS), routeId=f"r_{number}_{place}", priority=float(draw(st.integers(0, 2))))
            for place in range(draw(st.integers(1, 4)))
        ]
        price = 1000.0 * draw(st.integers(1, 50))
        made.append(paywall(*routes, name=f"pw_{number}", fixedAmountMsats=price))
    return [*made, staging()]


def meant(pattern: str) -> re.Pattern[str]:
    """What a path pattern means, told by Python's own expressions and not by the compiler's."""
    if set(pattern) & set("[](){}+"):
        return re.compile(rf"(?:{pattern})\Z", re.DOTALL)
    if pattern == "/":
        return re.compile("/", re.DOTALL)
    if pattern.endswith("/*") and pattern.count("*") == 1:
        return re.compile(re.escape(pattern[:-1]), re.DOTALL)
    return re.compile("[^/]+".join(re.escape(part) for part in pattern.split("*")) + r"\Z", re.DOTALL)


def answers(rule: Rule, host: str, path: str) -> bool:
    """Whether the paywall's route, as it is written, means this request."""
    wanted = rule.host_pattern
    is_host = wanted in ("*", host) or (wanted.startswith("*.") and host.endswith(wanted[1:]))
    return is_host and meant(rule.path_pattern).match(path) is not None


def served_by(services: list[dict[str, Any]], host: str, path: str) -> str | None:
    """The name of the first service of the deployed document that answers, as Aperture looks it up."""
    for service in services:
        if compile_re2(service["hostregexp"]).search(host) and compile_re2(service["pathregexp"]).search(path):
            return str(service["name"])
    return None


@RELAXED
@given(sets_of_paywalls(), st.randoms(use_true_random=False))
def test_order_of_the_paywalls_changes_no_byte(paywalls: list[Paywall], chance: Any) -> None:
    """The same set in any order, of paywalls and of their routes, gives the same bytes, hashes and diagnostics."""
    shuffled = [pw.model_copy(update={"routes": tuple(chance.sample(pw.routes, len(pw.routes)))}) for pw in paywalls]
    chance.shuffle(shuffled)
    assert compile_paywalls(paywalls, OPTIONS) == compile_paywalls(shuffled, OPTIONS)


@RELAXED
@given(
    sets_of_paywalls(), st.sampled_from(["l402.example.com", "api.example.com", "z.example.com", "other.org"]), PATHS
)
def test_request_is_answered_by_the_route_that_the_paywalls_mean(paywalls: list[Paywall], host: str, path: str) -> None:
    """Paywalls, route table and deployed services agree on which route answers a request."""
    result = compile_paywalls(paywalls, OPTIONS)
    path = re.sub(r"[*(\[{+].*", "a1", path)
    first = next((rule for rule in result.rules if answers(rule, host, path)), None)
    assert RouteTable(result.rules).answering(host, path) == first
    if result.is_valid:
        services = yaml.safe_load(result.aperture_yaml)["services"]
        assert served_by(services, f"{host.upper()}:8443", path) == (first.service_name if first else None)


@RELAXED
@given(sets_of_paywalls())
def test_valid_compile_charges_each_route_its_own_price(paywalls: list[Paywall]) -> None:
    """The document lists the rules in their order, each with auth on and its paywall's price; the hash is its bytes'."""
    result = compile_paywalls(paywalls, OPTIONS)
    if not result.is_valid:
        return
    prices = {pw.paywall_id: pw.policy.fixed_amount_msats for pw in paywalls}
    services = yaml.safe_load(result.aperture_yaml)["services"]
    assert [service["name"] for service in services] == [rule.service_name for rule in result.rules]
    assert all(service["auth"] == "on" for service in services)
    assert [service["price"] * 1000 for service in services] == [prices[rule.paywall_id] for rule in result.rules]
    assert result.config_hash == hash_of(result.aperture_yaml)


@RELAXED
@given(sets_of_paywalls())
def test_derived_request_is_answered_by_its_own_route(paywalls: list[Paywall]) -> None:
    """A request that is derived for a route matches it, and no route before it."""
    result = compile_paywalls(paywalls, OPTIONS)
    table = RouteTable(result.rules)
    for rule in result.rules:
        request = request_for(rule, table, "l402.example.com")
        if request is not None:
            first = next(r for r in result.rules if answers(r, request.host, request.target))
            assert first == rule
        elif result.is_valid:
            assert rule.host_pattern != "l402.example.com" or "*" not in rule.path_pattern
