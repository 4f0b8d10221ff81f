"""The life of a deployment as a table: phases, events, and what each phase means. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from reconcile.models import DeploymentStatus


class Phase(StrEnum):
    """Where a run stands. The comment says what is true in each."""

    NEW = "new"  # nothing was read, nothing changed
    PLANNED = "planned"  # paywalls read and compiled; nothing written anywhere
    INTENDED = "intended"  # Khala holds the row, pending
    READY = "ready"  # what serves now is known (or that nothing does)
    OPEN = "open"  # the gateway may serve a config that is not verified: nobody may leave it so
    APPLIED = "applied"  # every check passed: the new config serves
    FAILED = "failed"  # ended without a restore: nothing was changed, or there was nothing to go back to
    RESTORING = "restoring"  # a rollback was sent
    ROLLED_BACK = "rolled_back"  # the gateway names the snapshot again
    RESTORE_FAILED = "restore_failed"  # what serves is not verified, and a person has to look


class Event(StrEnum):
    """What happens to a run."""

    PLAN_MADE = "plan_made"
    INTENT_RECORDED = "intent_recorded"
    SNAPSHOT_TAKEN = "snapshot_taken"
    APPLY_SENT = "apply_sent"
    APPLY_REFUSED = "apply_refused"  # the gateway's answer says that nothing was changed
    ALL_PASSED = "all_passed"
    GIVEN_UP = "given_up"  # failed, and there is nothing to restore
    RESTORE_SENT = "restore_sent"
    RESTORE_CONFIRMED = "restore_confirmed"
    RESTORE_LOST = "restore_lost"


TRANSITIONS: Mapping[tuple[Phase, Event], Phase] = {
    (Phase.NEW, Event.PLAN_MADE): Phase.PLANNED,
    (Phase.NEW, Event.GIVEN_UP): Phase.FAILED,
    (Phase.PLANNED, Event.INTENT_RECORDED): Phase.INTENDED,
    (Phase.PLANNED, Event.GIVEN_UP): Phase.FAILED,
    (Phase.INTENDED, Event.SNAPSHOT_TAKEN): Phase.READY,
    (Phase.INTENDED, Event.GIVEN_UP): Phase.FAILED,
    (Phase.READY, Event.APPLY_SENT): Phase.OPEN,
    (Phase.READY, Event.GIVEN_UP): Phase.FAILED,
    (Phase.OPEN, Event.APPLY_REFUSED): Phase.FAILED,
    (Phase.OPEN, Event.ALL_PASSED): Phase.APPLIED,
    (Phase.OPEN, Event.GIVEN_UP): Phase.FAILED,
    (Phase.OPEN, Event.RESTORE_SENT): Phase.RESTORING,
    (Phase.RESTORING, Event.RESTORE_CONFIRMED): Phase.ROLLED_BACK,
    (Phase.RESTORING, Event.RESTORE_LOST): Phase.RESTORE_FAILED,
}

STATUSES: Mapping[Phase, DeploymentStatus] = {
    Phase.APPLIED: DeploymentStatus.APPLIED,
    Phase.FAILED: DeploymentStatus.FAILED,
    Phase.ROLLED_BACK: DeploymentStatus.ROLLED_BACK,
    Phase.RESTORE_FAILED: DeploymentStatus.FAILED,
}


def advance(phase: Phase, event: Event) -> Phase:
    """The phase after ``event``.

    Raises:
        ValueError: the table has no such transition: a bug, never a state to guess at.
    """
    try:
        return TRANSITIONS[phase, event]
    except KeyError:
        raise ValueError(f"no transition from {phase} on {event}") from None


def is_terminal(phase: Phase) -> bool:
    """True for the phases a run ends in."""
    return phase in STATUSES
