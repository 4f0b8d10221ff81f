"""Time of the compile by number of routes, of every pattern kind."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from reconcile.compile import CompileOptions, compile_paywalls
from reconcile.paywalls import Paywall

SIZES = (100, 1_000, 10_000, 100_000)
ROUTES_A_PAYWALL = 20
HOST = "l402.example.com"
PATTERNS = ("/exact/{n}", "/prefix/{n}/*", "/glob/{n}/*/x", "/expression/{n}/[0-9]+", "/deep/{n}/a/b/c")


def paywalls_of(routes: int) -> list[Paywall]:
    """Paywalls with so many routes together; the first route is ``/staging``."""
    made = []
    for first in range(0, routes, ROUTES_A_PAYWALL):
        entries: list[dict[str, Any]] = []
        for number in range(first, min(first + ROUTES_A_PAYWALL, routes)):
            path = PATTERNS[number % len(PATTERNS)].format(n=number) if number else "/staging"
            host = HOST if number % 10 != 9 else f"*.t{number}.example.com"
            entries.append(
                {
                    "routeId": f"r_{number}",
                    "hostPattern": host,
                    "pathPattern": path,
                    "upstreamUrl": "https://upstream.example.net",
                    "protocol": "https",
                }
            )
        policy = {"pricingMode": "fixed", "fixedAmountMsats": 1000 * (first // ROUTES_A_PAYWALL + 1)}
        made.append(
            Paywall.model_validate(
                {
                    "paywallId": f"pw_{first}",
                    "ownerId": "o",
                    "status": "active",
                    "policy": policy,
                    "routes": entries,
                }
            )
        )
    return made


def lines() -> Iterator[str]:
    """A line for each size, with the cost of one route as a ratio to the smallest size's."""
    options = CompileOptions(f"https://{HOST}/staging")
    base_s = 0.0
    for size in SIZES:
        paywalls = paywalls_of(size)
        began = time.perf_counter()
        compiled = compile_paywalls(paywalls, options)
        seconds = time.perf_counter() - began
        if not compiled.is_valid:
            raise SystemExit(f"the bench's own paywalls do not compile: {compiled.diagnostics[0].message}")
        base_s = base_s or seconds / size
        aim = " (aim 0.5 s)" if size == 10_000 else ""
        yield f"compile {size:>7} routes: {seconds:.3f} s, per route x{seconds / size / base_s:.2f}{aim}"
