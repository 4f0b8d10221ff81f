"""Paywalls → rules, diagnostics, the services document and its hash (COMPILE.md). Pure and deterministic."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import unquote, urlsplit

from reconcile.compile.document import check_document, hash_of, services_document, snapshot_hash
from reconcile.compile.hosts import host_problem
from reconcile.compile.overlaps import find_overlaps
from reconcile.compile.patterns import PatternError, host_regexp, normalise_host, normalise_path, path_regexp
from reconcile.compile.routing import RouteTable
from reconcile.compile.schema import MAX_PRICE_SAT
from reconcile.compile.upstreams import is_forbidden, parse_upstream
from reconcile.models import Compiled, Diagnostic, HostKind, PathKind, Rule, Severity
from reconcile.paywalls import Paywall, Route

_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_HOST_RANK = {HostKind.EXACT: 0, HostKind.WILDCARD: 1, HostKind.ANY: 2}
_PATH_RANK = {PathKind.EXACT: 0, PathKind.PREFIX: 1, PathKind.GLOB: 2, PathKind.REGEXP: 2, PathKind.CATCH_ALL: 3}

Report = Callable[..., None]


@dataclass(frozen=True, slots=True)
class CompileOptions:
    """What the compile is told by the settings. ``token_timeout_s``: lifetime of tokens in seconds."""

    challenge_url: str
    allow_private_upstreams: bool = False
    sub_sat_amounts: Literal["error", "ceil"] = "error"
    token_timeout_s: int | None = None


def compile_paywalls(paywalls: Sequence[Paywall], options: CompileOptions) -> Compiled:
    """Compile; bad paywalls become diagnostics, all of them at once.

    Returns:
        ``Compiled``; without a document and a configHash when a diagnostic is an error.
    """
    compiler = _Compiler(options)
    for paywall in paywalls:
        compiler.take(paywall)
    rules = tuple(sorted(compiler.rules, key=match_order))
    for diagnostic in find_overlaps(rules):
        compiler.diagnostics.append(diagnostic)
    compiler.look_at_the_whole(rules)
    diagnostics = tuple(sorted(compiler.diagnostics, key=_diagnostic_order))
    text, config_hash = "", None
    if not any(d.severity is Severity.ERROR for d in diagnostics):
        policies = {paywall.paywall_id: paywall.policy for paywall in paywalls}
        text = services_document(rules, policies, options.token_timeout_s)
        check_document(text, len(rules))
        config_hash = hash_of(text)
    suspended = tuple(sorted(compiler.suspended, key=match_order))
    return Compiled(rules, suspended, diagnostics, text, config_hash, snapshot_hash(paywalls))


def match_order(rule: Rule) -> tuple[int, int, int, str, str, str, str]:
    """First match wins: priority, then the more special host and path, then by code point (COMPILE.md, "Order")."""
    ranks = (_HOST_RANK[rule.host_kind], _PATH_RANK[rule.path_kind])
    return (rule.priority, *ranks, rule.host_pattern, rule.path_pattern, rule.paywall_id, rule.route_id)


def _diagnostic_order(diagnostic: Diagnostic) -> tuple[str, str, str, str, str, str]:
    d = diagnostic
    return (d.severity, d.code, d.paywall_id or "", d.route_id or "", d.related_route_id or "", d.message)


class _Compiler:
    """Collects the rules and diagnostics of one compile."""

    def __init__(self, options: CompileOptions) -> None:
        self.options = options
        self.rules: list[Rule] = []
        self.suspended: list[Rule] = []
        self.diagnostics: list[Diagnostic] = []
        self._has_timeout = False

    def report(self, code: str, message: str, *, severity: Severity = Severity.ERROR, **fields: str | None) -> None:
        """Keep one diagnostic; ``fields``: paywall_id, route_id."""
        self.diagnostics.append(Diagnostic(code=code, severity=severity, message=message, **fields))

    def take(self, paywall: Paywall) -> None:
        """One paywall: its price, then its routes; a suspended one contributes none."""
        if paywall.status != "active" or paywall.policy.kill_switch:
            why = "its kill switch is on" if paywall.policy.kill_switch else f"it is {paywall.status}"
            message = f"paywall {paywall.paywall_id} contributes no route: {why}"
            self.report("paywall_suspended", message, severity=Severity.WARN, paywall_id=paywall.paywall_id)
            self._take_suspended(paywall)
            return
        price_sat = self._price(paywall)
        for route in paywall.routes:
            rule = self._rule(paywall, route, price_sat, self._reporter(paywall, route))
            if rule is not None:
                self.rules.append(rule)
            self._has_timeout = self._has_timeout or route.timeout_ms is not None

    def look_at_the_whole(self, rules: tuple[Rule, ...]) -> None:
        """What only all routes together show."""
        if self._has_timeout:
            message = "timeoutMs is not enforced: Aperture has no upstream timeout"
            self.report("timeout_not_enforced", message, severity=Severity.WARN)
        if not rules:
            self.report("no_compilable_routes", "no route is left to compile")
            return
        parts = urlsplit(self.options.challenge_url)
        if RouteTable(rules).answering(parts.netloc, unquote(parts.path or "/")) is None:
            message = f"no compiled route answers the challenge URL {self.options.challenge_url}: nothing to probe"
            self.report("no_route_for_challenge_url", message)

    def _reporter(self, paywall: Paywall, route: Route) -> Report:
        def report(code: str, problem: str, severity: Severity = Severity.ERROR) -> None:
            place = f"route {paywall.paywall_id}:{route.route_id}"
            ids = {"paywall_id": paywall.paywall_id, "route_id": route.route_id}
            self.report(code, f"{place}: {problem}", severity=severity, **ids)

        return report

    def _take_suspended(self, paywall: Paywall) -> None:
        """Its routes, as far as they can be expressed: they must be neither served nor charged for."""
        for route in paywall.routes:
            rule = self._rule(paywall, route, 1, lambda *_: None)
            if rule is not None:
                self.suspended.append(rule)

    # --- price

    def _price(self, paywall: Paywall) -> int | None:
        """The price in satoshis; None when there is none that Aperture could charge."""
        policy, report = paywall.policy, self.report
        if policy.pricing_mode != "fixed":
            report(
                "invalid_pricing_mode",
                f"paywall {paywall.paywall_id}: pricingMode is not fixed",
                paywall_id=paywall.paywall_id,
            )
        amount = policy.fixed_amount_msats
        if amount is None or amount <= 0:
            message = f"paywall {paywall.paywall_id}: the amount is zero, negative or missing"
            report("missing_pricing", message, paywall_id=paywall.paywall_id)
            return None
        if policy.max_per_request_msats is not None and amount > policy.max_per_request_msats:
            message = f"paywall {paywall.paywall_id}: {amount} msat is above maxPerRequestMsats {policy.max_per_request_msats}"
            report("amount_over_cap", message, paywall_id=paywall.paywall_id)
        return self._whole_sats(paywall.paywall_id, amount)

    def _whole_sats(self, paywall_id: str, amount: int) -> int | None:
        price_sat = -(-amount // 1000)
        if price_sat > MAX_PRICE_SAT:
            message = f"paywall {paywall_id}: {amount} msat is above Aperture's maximum of {MAX_PRICE_SAT} sat"
            self.report("unrepresentable_amount", message, paywall_id=paywall_id)
            return None
        if amount % 1000 == 0:
            return price_sat
        if self.options.sub_sat_amounts == "ceil":
            message = f"paywall {paywall_id}: {amount} msat is rounded up to {price_sat} sat"
            self.report("unrepresentable_amount", message, severity=Severity.WARN, paywall_id=paywall_id)
            return price_sat
        self.report(
            "unrepresentable_amount",
            f"paywall {paywall_id}: {amount} msat is no whole number of satoshis",
            paywall_id=paywall_id,
        )
        return None

    # --- routes

    def _rule(self, paywall: Paywall, route: Route, price_sat: int | None, report: Report) -> Rule | None:
        """The rule, or None when something about the route cannot be expressed; everything wrong is reported."""
        are_ids_good = self._check_ids(paywall, route, report)
        patterns = self._patterns(paywall, route, report)
        is_upstream_good = self._check_upstream(route, report)
        if not (are_ids_good and patterns and is_upstream_good and price_sat is not None):
            return None
        host, host_kind, path, path_kind = patterns
        return Rule(
            id=f"{paywall.paywall_id}:{route.route_id}",
            service_name=f"{paywall.paywall_id}/{route.route_id}",
            paywall_id=paywall.paywall_id,
            route_id=route.route_id,
            owner_id=paywall.owner_id,
            host_pattern=host,
            path_pattern=path,
            host_kind=host_kind,
            path_kind=path_kind,
            host_regexp=host_regexp(host, host_kind),
            path_regexp=path_regexp(path, path_kind),
            upstream_url=route.upstream_url.strip(),
            protocol=cast(Literal["http", "https"], route.protocol),
            timeout_ms=route.timeout_ms,
            priority=route.priority,
            amount_msats=paywall.policy.fixed_amount_msats or 0,
            price_sat=price_sat,
        )

    def _check_ids(self, paywall: Paywall, route: Route, report: Report) -> bool:
        bad = [name for name in (paywall.paywall_id, route.route_id) if not _ID.fullmatch(name)]
        if bad:
            report("invalid_service_name", "an id has a character outside A-Za-z0-9._-, and travels in a caveat")
        return not bad

    def _patterns(self, paywall: Paywall, route: Route, report: Report) -> tuple[str, HostKind, str, PathKind] | None:
        found: list[tuple[str, HostKind] | tuple[str, PathKind]] = []
        for normalise, pattern in ((normalise_host, route.host_pattern), (normalise_path, route.path_pattern)):
            try:
                found.append(normalise(pattern))
            except PatternError as error:
                report("invalid_route_pattern", str(error))
        if found and isinstance(found[0][1], HostKind):
            problem = host_problem(found[0][0], found[0][1], paywall.policy)
            if problem is not None:
                report("host_not_allowed", problem)
                return None
        if len(found) < 2:
            return None
        (host, host_kind), (path, path_kind) = found
        return host, cast(HostKind, host_kind), path, cast(PathKind, path_kind)

    def _check_upstream(self, route: Route, report: Report) -> bool:
        is_good = True
        if route.protocol not in ("http", "https"):
            report("missing_route_protocol", "the protocol is neither http nor https")
            is_good = False
        try:
            upstream = parse_upstream(route.upstream_url, route.protocol)
        except ValueError as error:
            report("invalid_upstream_url", f"the upstream URL {error}")
            return False
        if not self.options.allow_private_upstreams and is_forbidden(upstream.host):
            report("forbidden_upstream", "the upstream is a loopback, private, link-local or metadata host")
            is_good = False
        if upstream.prefix is not None:
            message = f"the upstream's path {upstream.prefix} is put before the request path"
            report("upstream_path_rewritten", message, Severity.WARN)
        return is_good
