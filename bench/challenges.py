"""The challenge checks of 1,000 routes behind a gateway that takes 50 ms, as a ratio to what the waiting alone takes."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from bench.compiling import HOST, paywalls_of
from reconcile.clock import SystemClock
from reconcile.compile import CompileOptions, RouteTable, compile_paywalls, request_for
from reconcile.models import CheckId, Network, Outcome, Rule, Step
from reconcile.probe import Prober, ProbeSettings, RouteTarget
from reconcile.verify import verify

ROUTES, LATENCY_S, CONCURRENCY = 1_000, 0.05, 16


def _serve(services: list[tuple[str, str, int]], pipe: Connection) -> None:
    """A gateway in a process of its own: (target, service name, price in sat) of each route, challenges minted ahead."""
    from fixtures.embedded.http import Request, Response, Server
    from fixtures.embedded.invoices import Node
    from fixtures.embedded.tokens import TokenStore

    node, tokens = Node(), TokenStore(":memory:")
    minted: dict[str, list[list[tuple[str, str]]]] = {}
    for target, name, price_sat in [*services, services[0]]:
        invoice = node.mint(price_sat * 1000)
        token = tokens.mint(invoice.payment_hash, [f"services={name}:0", f"{name}_capabilities="])
        params = f'macaroon="{token}", invoice="{invoice.invoice}"'
        headers = [("Cache-Control", "no-store"), ("Content-Type", "text/plain; charset=utf-8")]
        headers += [("Www-Authenticate", f"{scheme} {params}") for scheme in ("LSAT", "L402")]
        minted.setdefault(target, []).append(headers)

    async def answer(request: Request) -> Response:
        await asyncio.sleep(LATENCY_S)
        return Response(402, minted[request.target].pop(), b"payment required\n")

    async def run() -> None:
        server = Server(answer)
        await server.start()
        pipe.send((server.port, node.pubkey))
        await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
        await server.stop()

    asyncio.run(run())


def _targets() -> list[RouteTarget]:
    compiled = compile_paywalls(paywalls_of(ROUTES), CompileOptions(f"https://{HOST}/staging"))
    table = RouteTable(compiled.rules)

    def target_of(rule: Rule) -> RouteTarget:
        request = request_for(rule, table, HOST)
        if request is None:
            raise SystemExit(f"the bench's own route {rule.id} has no request")
        return RouteTarget(rule, request.host, request.target)

    targets = [target_of(rule) for rule in compiled.rules]
    return sorted(targets, key=lambda target: target.target != "/staging")


def lines() -> Iterator[str]:
    """One line."""
    targets = _targets()
    services = [(str(t.target), t.rule.service_name, t.rule.price_sat) for t in targets]
    ours, theirs = multiprocessing.Pipe()
    gateway = multiprocessing.Process(target=_serve, args=(services, theirs))
    gateway.start()
    try:
        port, pubkey = ours.recv()
        seconds, passed = _check(targets, f"http://127.0.0.1:{port}", pubkey)
    finally:
        ours.send("stop")
        gateway.join()
    waiting_s = (ROUTES + 1) * LATENCY_S / CONCURRENCY
    yield (
        f"challenge checks of {ROUTES} routes behind {LATENCY_S * 1000:.0f} ms, {CONCURRENCY} at once: {seconds:.2f} s, "
        f"{passed} checks passed, ratio {seconds / waiting_s:.2f} to requests x latency / concurrency (aim 1.3)"
    )


def _check(targets: list[RouteTarget], base_url: str, pubkey: str) -> tuple[float, int]:
    """Seconds for evidence and verdicts, and how many checks passed."""
    settings = ProbeSettings(
        base_url=base_url,
        challenge_url=f"{base_url}/staging",
        proxy_url=f"{base_url}/staging",
        health_path="/healthz",
        is_local_stack=True,
        concurrency=CONCURRENCY,
        timeout_s=10.0,
        request_id="reconcile:bench",
        unrouted_hosts="fail",
        network=Network.REGTEST,
        node_pubkey=pubkey,
        token_timeout_s=None,
    )
    began = time.perf_counter()
    evidence = Prober(settings, SystemClock()).challenges(targets, [], targets[0].rule.id)
    findings = [verify(check, evidence) for check in CheckId if check.step is Step.CHALLENGE]
    seconds = time.perf_counter() - began
    bad = [finding for finding in findings if finding.outcome is not Outcome.PASSED]
    if bad:
        raise SystemExit(f"the bench's own gateway failed a check: {bad[0].message}")
    return seconds, len(findings)
