"""The plan of a run: which route is probed and paid, which routes are in scope, and how they are asked. Pure.

Sources: RECONCILE.md §1 (CHALLENGE_SCOPE, MAX_INVOICES), §3 ("A request for a route").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from reconcile.compile import RouteTable, request_for, request_for_suspended
from reconcile.errors import ChallengeError, UsageError
from reconcile.l402.credential import parse_authorization
from reconcile.models import Compiled, Rule
from reconcile.probe import RouteTarget
from reconcile.settings import PREFIX, Settings

# Requests beside one per route in scope that may mint: the second challenge, health, three refusals,
# three after the payment, and the look at a restored gateway.
FIXED_INVOICES = 9


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What a run will ask. ``probe`` answers the challenge URL, ``proxy`` the proxy URL, ``foreign`` is another service."""

    compiled: Compiled
    table: RouteTable
    probe: Rule
    proxy: Rule
    targets: tuple[RouteTarget, ...]
    suspended: tuple[RouteTarget, ...]
    foreign: RouteTarget | None

    @property
    def invoices_needed(self) -> int:
        """Most invoices that the run may mint when nothing is retried."""
        return len(self.targets) + len(self.suspended) + FIXED_INVOICES


def plan_run(compiled: Compiled, settings: Settings) -> RunPlan:
    """The plan over a valid compile.

    Raises:
        UsageError: the proxy URL is no compiled route, too few invoices are allowed, or the prepaid proof is for another
            service. Exit 4, before anything is written.
    """
    table = RouteTable(compiled.rules)
    probe = _answering(table, settings.challenge_url, "CHALLENGE_URL")
    proxy = _answering(table, settings.proxy_url, "PROXY_URL")
    base_host = urlsplit(settings.gateway_base_url).netloc
    in_scope = _scope(compiled.rules, probe, proxy, settings.challenge_scope)
    targets = tuple(_target(rule, table, base_host, settings, probe) for rule in in_scope)
    suspended = tuple(_suspended_target(rule, base_host) for rule in compiled.suspended)
    plan = RunPlan(
        compiled, table, probe, proxy, targets, suspended, _foreign(targets, proxy, compiled, table, base_host)
    )
    _refuse_too_few_invoices(plan, settings)
    _refuse_foreign_proof(plan, settings)
    return plan


def path_of(url: str) -> str:
    """The decoded path of a URL, as Aperture matches it."""
    return unquote(urlsplit(url).path or "/")


def _answering(table: RouteTable, url: str, name: str) -> Rule:
    rule = table.answering(urlsplit(url).netloc, path_of(url))
    if rule is None:
        raise UsageError(PREFIX + name, "is answered by no compiled route", remedy="give the URL of a priced route")
    return rule


def _scope(rules: Sequence[Rule], probe: Rule, proxy: Rule, scope: int | str) -> list[Rule]:
    """The probe route first, then those that follow it in match order, around the end; the proxy's route always."""
    start = rules.index(probe)
    ordered = [*rules[start:], *rules[:start]]
    if scope == "all":
        return ordered
    chosen = ordered[: int(scope)]
    return chosen if proxy in chosen else [*chosen, proxy]


def _target(rule: Rule, table: RouteTable, base_host: str, settings: Settings, probe: Rule) -> RouteTarget:
    """The probe route is asked at the challenge URL itself, the others at a request derived from their patterns."""
    if rule is probe:
        parts = urlsplit(settings.challenge_url)
        return RouteTarget(rule, parts.netloc, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""))
    request = request_for(rule, table, base_host)
    return RouteTarget(rule, request.host if request else rule.host_pattern, request.target if request else None)


def _suspended_target(rule: Rule, base_host: str) -> RouteTarget:
    request = request_for_suspended(rule, base_host)
    return RouteTarget(rule, request.host if request else rule.host_pattern, request.target if request else None)


def _foreign(
    targets: Sequence[RouteTarget], proxy: Rule, compiled: Compiled, table: RouteTable, base_host: str
) -> RouteTarget | None:
    """A route of another service that the paid token must not open; one on the base's own host where there is one."""
    others = [target for target in targets if target.rule is not proxy and target.target is not None]
    if others:
        return next((target for target in others if target.host == base_host), others[0])
    outside = [rule for rule in compiled.rules if rule is not proxy]
    for rule in outside:
        if request := request_for(rule, table, base_host):
            return RouteTarget(rule, request.host, request.target)
    return RouteTarget(outside[0], outside[0].host_pattern, None) if outside else None


def _refuse_too_few_invoices(plan: RunPlan, settings: Settings) -> None:
    if settings.max_invoices < plan.invoices_needed:
        problem = f"allows {settings.max_invoices} invoices, the run needs {plan.invoices_needed}"
        raise UsageError(PREFIX + "MAX_INVOICES", problem, remedy="raise it, or narrow CHALLENGE_SCOPE")


def _refuse_foreign_proof(plan: RunPlan, settings: Settings) -> None:
    """A prepaid proof that cannot be for this service is refused before the apply (RECONCILE.md §3)."""
    header = settings.proxy_authorization_header
    if header is None:
        return
    name = PREFIX + "PROXY_AUTHORIZATION_HEADER"
    remedy = f"give a proof that was bought from service {plan.proxy.service_name}"
    try:
        credential = parse_authorization(header.get_secret_value())
        is_for_us = credential.names_service(plan.proxy.service_name)
        is_paid = credential.matches_hash()
    except ChallengeError:
        raise UsageError(name, "is no L402 credential", remedy=remedy) from None
    if not is_paid:
        raise UsageError(name, "holds a preimage that is not the macaroon's", remedy=remedy)
    if not is_for_us:
        raise UsageError(name, "is a proof for another service", remedy=remedy)
