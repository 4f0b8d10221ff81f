"""The challenge checks of 1,000 routes on real Aperture, and what part of it LND's invoice creation is.

Only where the regtest tools are built already: a benchmark builds nothing.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator

from fixtures.regtest.stack import RegtestStack
from fixtures.regtest.tools import are_tools_built, cache_folder
from reconcile.models import CheckId, Outcome, Step
from reconcile.verify import verify
from tests.regtest.asking import deploy
from tests.regtest.thousand import ROUTES, ask_all, compiled_for, targets_of

CONCURRENCY = 16


async def _mint(stack: RegtestStack) -> None:
    """As many invoices as the routes, straight from the seller, so many at once."""
    assert stack.network is not None
    seller, numbers = stack.network.seller, iter(range(ROUTES))

    async def work() -> None:
        for number in numbers:
            await seller.post("/v1/invoices", {"value": str(number + 1)})

    await asyncio.gather(*(work() for _ in range(CONCURRENCY)))


def lines() -> Iterator[str]:
    """One line."""
    if not are_tools_built(cache_folder(os.environ)):
        yield "regtest: its tools are not built (scripts/staging.sh --stack=regtest builds them)"
        return
    with RegtestStack(os.environ, lambda line: print(line, file=sys.stderr)) as stack:
        compiled = compiled_for(stack)
        if deploy(stack, compiled.aperture_yaml).status_code != 200:
            raise SystemExit("Aperture did not take the bench's own config")
        targets = targets_of(compiled, stack.gateway_url)
        began_s = time.perf_counter()
        evidence = ask_all(stack, targets)
        findings = [verify(check, evidence) for check in CheckId if check.step is Step.CHALLENGE]
        checks_s = time.perf_counter() - began_s
        bad = [finding for finding in findings if finding.outcome is not Outcome.PASSED]
        if bad:
            raise SystemExit(f"a check failed: {bad[0].message}")
        began_s = time.perf_counter()
        stack.call(_mint(stack))
        minting_s = time.perf_counter() - began_s
    yield (
        f"challenge checks of {ROUTES} routes on real Aperture: {checks_s:.2f} s; LND mints as many invoices over REST in "
        f"{minting_s:.2f} s ({ROUTES / minting_s:.0f} a second), {100 * minting_s / checks_s:.0f} % of it"
    )
