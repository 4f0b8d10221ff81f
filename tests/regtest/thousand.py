"""A thousand routes of every kind of pattern, each at a price of its own, behind real Aperture."""

from __future__ import annotations

from urllib.parse import urlsplit

from fixtures.regtest.stack import RegtestStack
from reconcile.clock import SystemClock
from reconcile.compile import CompileOptions, RouteTable, compile_paywalls, request_for
from reconcile.models import Compiled, Network
from reconcile.paywalls import Paywall
from reconcile.probe import ChallengeEvidence, Prober, ProbeSettings, RouteTarget

ROUTES = 1_000
PATHS = (
    "/exact/{n}",
    "/prefix/{n}/*",
    "/glob/{n}/*/x",
    "/glob/{n}/*/y/*/z",
    "/expression/{n}/[0-9]+",
    "/expression/{n}/[a-b][a-z]+",
    "/deep/{n}/a/b/c",
)


def paywalls(upstream_url: str) -> list[Paywall]:
    """One route a paywall; every tenth on a wildcard host, every eleventh a host's catch-all."""
    made = []
    for n in range(ROUTES):
        path, host = PATHS[n % len(PATHS)].format(n=n), "*"
        if n % 10 == 9:
            host = f"*.t{n}.example.com"
        elif n % 11 == 10:
            path, host = "/*", f"shop{n}.example.com"
        route = {"routeId": f"r{n}", "hostPattern": host, "pathPattern": path, "upstreamUrl": upstream_url}
        made.append(
            Paywall.model_validate(
                {
                    "paywallId": f"pw{n}",
                    "ownerId": "o",
                    "status": "active",
                    "policy": {"pricingMode": "fixed", "fixedAmountMsats": 1000 * (n + 1)},
                    "routes": [{**route, "protocol": "http"}],
                }
            )
        )
    return made


def compiled_for(stack: RegtestStack) -> Compiled:
    """The compiled config of the thousand routes."""
    options = CompileOptions(f"{stack.gateway_url}/exact/0", allow_private_upstreams=True)
    return compile_paywalls(paywalls(stack.upstream_url), options)


def targets_of(compiled: Compiled, base_url: str) -> list[RouteTarget]:
    """The requests that the compiler says the routes answer, ``/exact/0`` first."""
    table = RouteTable(compiled.rules)
    found = []
    for rule in compiled.rules:
        request = request_for(rule, table, urlsplit(base_url).netloc)
        assert request is not None, rule.id
        found.append(RouteTarget(rule, request.host, request.target))
    return sorted(found, key=lambda target: target.target != "/exact/0")


def ask_all(stack: RegtestStack, targets: list[RouteTarget]) -> ChallengeEvidence:
    """Every route's challenge, and the first one's twice."""
    settings = ProbeSettings(
        base_url=stack.gateway_url,
        challenge_url=f"{stack.gateway_url}/exact/0",
        proxy_url=f"{stack.gateway_url}/exact/0",
        health_path="/healthz",
        is_local_stack=True,
        concurrency=16,
        timeout_s=30.0,
        request_id="reconcile:thousand",
        unrouted_hosts="fail",
        network=Network.REGTEST,
        node_pubkey=stack.node_pubkey,
        token_timeout_s=None,
    )
    return Prober(settings, SystemClock()).challenges(targets, [], targets[0].rule.id)
