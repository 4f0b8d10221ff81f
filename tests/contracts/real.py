"""Real Aperture under the suite's config, with a seller that makes its invoices and a buyer that pays them."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures.embedded.gateway import RevisionFailed
from fixtures.regtest.aperture import ApertureRunner, base_config
from fixtures.regtest.paying import pay
from fixtures.regtest.stack import RegtestStack
from fixtures.regtest.tools import built_with, cache_folder, ensure_tools
from tests.contracts.configs import REFUSED
from tests.contracts.observe import Observer
from tests.contracts.sites import ground


def say(line: str) -> None:
    """Progress, past pytest's capture."""
    print(line, file=sys.__stderr__, flush=True)


@dataclass(frozen=True, slots=True)
class RealSite:
    """Aperture under the suite's config. ``outcome``: what another config comes to. ``go``: what built it."""

    go: tuple[int, int]
    observer: Observer
    outcome: Callable[[str], Any]


@contextlib.contextmanager
def aperture() -> Iterator[RealSite]:
    """It, its node and a buyer. Builds the tools when they are not in the cache; everything started is stopped."""
    tools = ensure_tools(cache_folder(os.environ), os.environ, say)
    with RegtestStack(os.environ, say) as stack, ground() as site:
        network = stack.network
        assert network is not None
        folder = Path(stack.folder, "fidelity")
        folder.mkdir()
        runner = ApertureRunner(tools / "aperture", folder)
        base = base_config(folder, network.seller)

        def outcome(name: str) -> Any:
            try:
                revision = stack.call(runner.start("config", base + site.config(name)))
            except RevisionFailed:
                return REFUSED
            try:
                return site.asked(revision.port)
            finally:
                stack.call(revision.stop())

        try:
            revision = stack.call(runner.start("fidelity", base + site.services))
            observer = site.observer(revision.port, lambda invoice: stack.call(pay(network.buyer, invoice)))
            yield RealSite(built_with(tools), observer, outcome)
        finally:
            runner.kill()
