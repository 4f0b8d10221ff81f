"""What ``recover`` waits for before it writes: what the run that died sent, and what may still land."""

from __future__ import annotations

from typing import Any

import pytest

from reconcile.recovery import _await_abandoned, _await_write
from tests.clocks import FakeClock

INTENT: dict[str, Any] = {"event": "intent"}
ANSWERED = {"event": "step", "step": "intent", "status": "passed"}
LOST = {"event": "step", "step": "intent", "status": "failed"}
DECIDED = {"event": "decided"}


def dated(entries: list[dict[str, Any]], clock: FakeClock, age_s: float = 5.0) -> list[dict[str, Any]]:
    """Lines of that age."""
    return [{**entry, "atMs": clock.now_ms() - round(age_s * 1000)} for entry in entries]


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
    """20 s from the journal's last line, however the run ended after it (KHALA.md)."""
    clock = FakeClock()
    _await_abandoned(dated(entries, clock), clock)
    assert clock.sleeps == waited


def line(event: str, step: str | None = None) -> dict[str, Any]:
    """A line of the journal."""
    return {"event": event, "step": step, "status": "passed"}


@pytest.mark.parametrize(
    ("last", "waited"),
    [
        (line("apply"), [5.0]),
        (line("promote"), [5.0]),
        (line("rollback"), [5.0]),
        (line("step", "confirm"), [5.0]),
        (line("step", "promote"), []),
        (line("step", "proxy"), []),
        (line("payment"), []),
        (line("decided"), []),
    ],
)
def test_update_that_the_run_died_over_is_waited_for(last: dict[str, Any], waited: list[float]) -> None:
    """The new revision, the move of the traffic, its way back, the mark: each names the traffic whole."""
    clock = FakeClock()
    _await_write(dated([INTENT, ANSWERED, last], clock), clock)
    assert clock.sleeps == waited


@pytest.mark.parametrize(("age_s", "waited"), [(11.0, []), (-1000.0, [10.0])])
def test_wait_for_an_update_has_a_bound(age_s: float, waited: list[float]) -> None:
    """Nothing for a run that died long ago, 10 s where the clock was set back."""
    clock = FakeClock()
    _await_write(dated([line("promote")], clock, age_s), clock)
    assert clock.sleeps == waited
