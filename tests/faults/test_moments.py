"""Signals at seeded moments after the deploy, wherever the run is then: in a step, in a library, in pytest, in its event loop."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from tests.faults.running import PYTEST
from tests.faults.workbench import Bench, bench
from tests.faults.zygote import Zygote

pytestmark = pytest.mark.e2e
CODES = {signal.SIGTERM: 143, signal.SIGINT: 2}
SPAN_S = 0.15  # what a run takes from its deploy to its verdict, about
RANDOM = random.Random(402)
MOMENTS = [(RANDOM.choice(list(CODES)), round(RANDOM.random() * SPAN_S, 4)) for _ in range(32)]


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """A warm process for all of them."""
    made = Zygote()
    yield made
    made.close()


def interrupt(place: Bench, number: signal.Signals, wait_s: float, is_over: threading.Event) -> None:
    """Signal the run so long after its deploy, unless it is over before."""
    while place.stack.ops.history[-1][0] == "seed":
        if is_over.wait(0.0005):
            return
    time.sleep(wait_s)
    with contextlib.suppress(ProcessLookupError):
        os.kill(place.zygote.child, number)


@pytest.mark.parametrize(("number", "wait_s"), MOMENTS)
def test_run_ends_as_interrupted_whatever_it_was_at(number: signal.Signals, wait_s: float, zygote: Zygote) -> None:
    """Rolled back with the signal's code, or applied because it was over by then; no traceback, and it never hangs."""
    with bench("wallet", zygote) as place:
        is_over = threading.Event()
        killer = threading.Thread(target=interrupt, args=(place, number, wait_s, is_over))
        killer.start()
        code, hung = place.run(*PYTEST)
        is_over.set()
        killer.join()
        log = place.log.read_text(errors="replace")
        assert not hung, log
        done = [what for what, _ in place.stack.ops.history]
        (folder,) = [path.parent for path in (place.folder / "out").glob("reconcile_*/summary.json")]
        if json.loads((folder / "summary.json").read_text())["deploymentStatus"] == "applied":
            assert done == ["seed", "deploy"], log  # over by then: the code is that of a process without our handlers
            return
        assert code == CODES[number], log
        assert "Traceback" not in log
        assert done == ["seed", "deploy", "rollback"], log
