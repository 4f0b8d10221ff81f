"""What ``recover`` waits for before it writes (KHALA.md): a first write of the row that may still land, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.recovery import _await_abandoned
from tests.clocks import FakeClock

INTENT: dict[str, Any] = {"event": "intent"}
ANSWERED = {"event": "step", "step": "intent", "status": "passed"}
LOST = {"event": "step", "step": "intent", "status": "failed"}
DECIDED = {"event": "decided"}


@pytest.mark.parametrize(
    ("entries", "waited"),
    [
        ([INTENT], [15.0]),
        ([INTENT, LOST], [15.0]),
        ([INTENT, DECIDED], [15.0]),
        ([INTENT, ANSWERED], []),
        ([INTENT, ANSWERED, DECIDED], []),
    ],
)
def test_first_write_that_nobody_answered_is_waited_for(entries: list[dict[str, Any]], waited: list[float]) -> None:
    """20 s from the journal's last line, however the run ended after it."""
    clock = FakeClock()
    dated = [{**entry, "atMs": clock.now_ms() - 5_000} for entry in entries]
    _await_abandoned(dated, clock)
    assert clock.sleeps == waited
