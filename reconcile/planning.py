"""The plan of a run: which route is probed and paid, which routes are in scope, and how they are asked. Pure.

Sources: RECONCILE.md §1 (CHALLENGE_SCOPE, MAX_INVOICES), §3 ("A request for a route").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote, urlsplit

from reconcile.compile import CompileOptions, RouteTable, request_for, request_for_suspended
from reconcile.errors import ChallengeError, StepError, UsageError
from reconcile.l402.credential import parse_authorization
from reconcile.models import Compiled, Rollout, Rule, Severity
from reconcile.plain import plain
from reconcile.probe import RouteTarget
from reconcile.settings import PREFIX, Settings

# Requests beside one per route in scope that may mint: the second challenge, health, three refusals, and three after
# the payment; of a restored gateway some routes, one of them twice, and health.
FIXED_INVOICES, OBSERVING_INVOICES = 8, 2
MAX_OBSERVED = 5  # routes of a restored gateway that are looked at
MAX_SHOWN = 500  # characters of one diagnostic in an error's text


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
    rounds: int = 1  # a candidate is asked twice: before the traffic moves, and after

    @property
    def invoices_needed(self) -> int:
        """Most invoices that the run may mint when nothing is retried."""
        of_rounds = self.rounds * (len(self.targets) + len(self.suspended) + FIXED_INVOICES)
        return of_rounds + min(MAX_OBSERVED, len(self.targets)) + OBSERVING_INVOICES

    def wanted(self, settings: Settings) -> tuple[tuple[Rule, str], ...]:
        """The routes that must answer wherever the checks ask, with their paths."""
        return ((self.probe, path_of(settings.challenge_url)), (self.proxy, path_of(settings.proxy_url)))


def plan_run(compiled: Compiled, settings: Settings) -> RunPlan:
    """The plan over a valid compile.

    Raises:
        UsageError: the proxy URL is no compiled route, too few invoices are allowed, or the prepaid proof is for another
            service. Exit 4, before anything is written.
    """
    plan = _plan(compiled, settings)
    _refuse_too_few_invoices("run", plan.invoices_needed, settings)
    _refuse_foreign_proof(plan, settings)
    return plan


def plan_look(compiled: Compiled, settings: Settings) -> RunPlan:
    """What is asked when challenges are all that is asked for; UsageError as for a run, for fewer invoices."""
    plan = _plan(compiled, settings)
    _refuse_too_few_invoices("look", len(plan.targets) + len(plan.suspended) + 1, settings)
    return plan


def compile_options(settings: Settings) -> CompileOptions:
    """What the settings tell the compile."""
    return CompileOptions(
        challenge_url=settings.challenge_url,
        allow_private_upstreams=settings.allow_private_upstreams,
        sub_sat_amounts=settings.sub_sat_amounts,
        token_timeout_s=settings.token_timeout_s,
    )


def refuse_errors(compiled: Compiled) -> None:
    """Raise StepError when a diagnostic stops the deployment; its reason is the first one's code."""
    errors = [d for d in compiled.diagnostics if d.severity is Severity.ERROR]
    if errors:
        message = "; ".join(plain(f"{d.code}: {d.message}", MAX_SHOWN) for d in errors[:5])
        raise StepError(f"{len(errors)} error diagnostics: {message}", reason=errors[0].code)


def _plan(compiled: Compiled, settings: Settings) -> RunPlan:
    table = RouteTable(compiled.rules)
    probe = _answering(table, settings.challenge_url, "CHALLENGE_URL")
    proxy = _answering(table, settings.proxy_url, "PROXY_URL")
    base_host = urlsplit(settings.gateway_base_url).netloc
    in_scope = _scope(compiled.rules, probe, proxy, settings.challenge_scope)
    targets = tuple(_target(rule, table, base_host, settings, probe) for rule in in_scope)
    suspended = tuple(_suspended_target(rule, base_host) for rule in compiled.suspended)
    return RunPlan(
        compiled,
        table,
        probe,
        proxy,
        targets,
        suspended,
        _foreign(targets, proxy, compiled, table, base_host),
        2 if settings.rollout is Rollout.CANDIDATE else 1,
    )


def candidate_urls(base_url: str, settings: Settings) -> tuple[str, str, str]:
    """Base, challenge and proxy URL at a candidate's own host."""
    base = base_url.rstrip("/")
    return base, base + _target_of(settings.challenge_url), base + _target_of(settings.proxy_url)


def plan_candidate(plan: RunPlan, rules: Sequence[Rule], base_url: str, settings: Settings) -> RunPlan:
    """What is asked of a candidate: routes that answer at its host; what only a host tells apart is left to confirm.

    Args:
        rules: the compiled rules as they answer there, with their own ids.
    """
    table, host = RouteTable(rules), urlsplit(base_url).netloc
    there = {rule.id: rule for rule in rules}

    def moved(target: RouteTarget) -> RouteTarget | None:
        if target.rule in (plan.probe, plan.proxy):
            url = settings.challenge_url if target.rule is plan.probe else settings.proxy_url
            answering = table.answering(host, path_of(url))
            is_there = answering is not None and answering.id == target.rule.id
            return RouteTarget(target.rule, host, _target_of(url)) if is_there else None
        request = request_for(there[target.rule.id], table, host)
        if request is None or request.host != host:
            return None
        return RouteTarget(target.rule, host, request.target)

    targets = tuple(found for found in map(moved, plan.targets) if found is not None)
    suspended = [_suspended_target(rule, host) for rule in plan.compiled.suspended]
    others = [target for target in targets if target.rule is not plan.proxy]
    return replace(
        plan,
        table=table,
        targets=targets,
        suspended=tuple(target for target in suspended if target.host == host),
        foreign=others[0] if others else None,
    )


def _target_of(url: str) -> str:
    """A URL's path and query, as they are sent."""
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


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
        url = settings.challenge_url
        return RouteTarget(rule, urlsplit(url).netloc, _target_of(url))
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


def _refuse_too_few_invoices(what: str, needed: int, settings: Settings) -> None:
    if settings.max_invoices < needed:
        problem = f"allows {settings.max_invoices} invoices, the {what} needs {needed}"
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
