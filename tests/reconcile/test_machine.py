"""The phases' table: what leads where, and that every way out of an open deployment is accounted for."""

from __future__ import annotations

import pytest

from reconcile.machine import STATUSES, TRANSITIONS, Event, Phase, advance, is_terminal
from reconcile.models import DeploymentStatus


def test_happy_way_ends_applied() -> None:
    """Plan, intent, snapshot, apply, all passed."""
    phase = Phase.NEW
    for event in (Event.PLAN_MADE, Event.INTENT_RECORDED, Event.SNAPSHOT_TAKEN, Event.APPLY_SENT, Event.ALL_PASSED):
        phase = advance(phase, event)
    assert STATUSES[phase] is DeploymentStatus.APPLIED


def test_applied_is_reached_only_from_open_by_all_passed() -> None:
    """There is one way to green."""
    assert [key for key, phase in TRANSITIONS.items() if phase is Phase.APPLIED] == [(Phase.OPEN, Event.ALL_PASSED)]


def test_unknown_transition_is_a_bug() -> None:
    """The table is total by refusal: what it does not know is an error."""
    with pytest.raises(ValueError, match="no transition"):
        advance(Phase.NEW, Event.ALL_PASSED)


def test_terminal_phases_have_no_way_out_and_all_others_have_one() -> None:
    """A run ends in exactly one status."""
    for phase in Phase:
        has_way_out = any(source is phase for source, _ in TRANSITIONS)
        assert has_way_out is not is_terminal(phase)
