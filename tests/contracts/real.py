"""Real Aperture under the suite's config, with a seller that makes its invoices and a buyer that pays them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from fixtures.regtest.aperture import ApertureRunner, base_config
from fixtures.regtest.paying import pay
from fixtures.regtest.stack import RegtestStack
from fixtures.regtest.tools import cache_folder, ensure_tools
from tests.contracts.observe import Observer
from tests.contracts.sites import ground


def say(line: str) -> None:
    """Progress, past pytest's capture."""
    print(line, file=sys.__stderr__, flush=True)


@contextlib.contextmanager
def aperture() -> Iterator[Observer]:
    """Who runs cases at it. Builds the tools when they are not in the cache; everything started is stopped."""
    tools = ensure_tools(cache_folder(os.environ), os.environ, say)
    with RegtestStack(os.environ, say) as stack, ground() as site:
        network = stack.network
        assert network is not None
        folder = Path(stack.folder, "fidelity")
        folder.mkdir()
        runner = ApertureRunner(tools / "aperture", folder)
        try:
            config = base_config(folder, network.seller) + site.services
            revision = stack.call(runner.start("fidelity", config))
            yield site.observer(revision.port, lambda invoice: stack.call(pay(network.buyer, invoice)))
        finally:
            runner.kill()
