"""The end of a run, once: judge, keep or restore, observe, record. A record never stands before a rollback.

Source: RECONCILE.md §2 ("The plan fixes …", "A rollback needs a snapshot …").
"""

from __future__ import annotations

from dataclasses import replace

from reconcile.conduct import Conduct
from reconcile.confirming import keep, let_go, promote_and_confirm
from reconcile.errors import GatewayError, JournalError, UsageError
from reconcile.gateways import poll_active
from reconcile.judge import Failure, SessionEnd, cut_short, judge
from reconcile.machine import Event, Phase, is_terminal
from reconcile.models import CHECKED_STEPS, Deployment, Step, StepStatus
from reconcile.observing import observe
from reconcile.record import RunRecord
from reconcile.recording import deliver_or_keep
from reconcile.remembering import decision
from reconcile.restore import Ours, RestoreOutcome, restore_snapshot
from reconcile.state import RunState
from reconcile.summarise import run_record

OBSERVATION_READY_S = 5.0
SETTLING_S = 3.0  # within the 10 s that CI gives after a SIGTERM


def conclude(conduct: Conduct, end: SessionEnd, interrupted_by: str | None, refused: UsageError | None) -> RunRecord:
    """Decide, restore if need be, write the terminal records; the run's final record.

    Args:
        end: how the session ended. interrupted_by: signal's name, or None. refused: exit 4 after step 0.
    """
    state = conduct.state
    state.interrupted_by = interrupted_by
    conduct.ports.control_plane.may_wait = interrupted_by is None
    if interrupted_by is not None:
        conduct.ports.prober.hurry()
    failure, state.verdicts = judge(state.errors, state.findings, state.attempts, end, state.expected)
    failure = cut_short(failure, state.statuses, end)
    if refused is not None:
        failure = Failure(Step.SETTINGS, refused.reason, remedy=str(refused), message=str(refused))
        state.statuses[Step.SETTINGS] = StepStatus.FAILED
    state.failure = named(state, failure)
    _settle_statuses(conduct)
    if state.failure is None and state.candidate_url is not None:
        state.failure = named(state, promote_and_confirm(conduct))
    if state.failure is None:
        state.failure = named(state, keep(conduct))
    if state.failure is None:
        state.move(Event.ALL_PASSED)
    else:
        bring_back(conduct)
        leave_clean(conduct)
    _read_serving(conduct)
    state.invoices_minted = conduct.ports.prober.invoices_minted
    return record_end(conduct)


def record_end(conduct: Conduct) -> RunRecord:
    """What was decided, on disk; then the terminal records, delivered or kept; then the final record."""
    state = conduct.state
    _note(conduct, "decided", **decision(state))
    deliver_or_keep(state, conduct.ports, conduct.clock.now_ms())
    state.finished_at_ms = max(conduct.clock.now_ms(), state.started_at_ms)  # a clock may jump back
    return run_record(state, state.finished_at_ms)


def end_journal(conduct: Conduct) -> None:
    """The last line, once the summary is written: until then ``recover`` has something left to do."""
    _note(conduct, "concluded", status=str(conduct.state.phase))


def leave_clean(conduct: Conduct) -> None:
    """After a failure: nothing of this run stays at the gateway but its mark."""
    state = conduct.state
    if state.has_opened:
        reasons = (state.restore and state.restore.reason, state.failure and state.failure.reason)
        is_strange = "concurrent_modification" in reasons
        let_go(conduct, is_hands_off=is_strange)


def bring_back_early(conduct: Conduct) -> None:
    """Restore before the session ends, when a failure is known already (the deployment fixture's finalizer)."""
    if conduct.state.phase is Phase.OPEN and conduct.has_failed_before(Step.PROMOTE):
        bring_back(conduct)


def bring_back(conduct: Conduct) -> None:
    """Leave no unverified config serving if there is a snapshot to go back to; moves to a terminal phase.

    A restore that was broken off is done again: nobody knows how far it came.
    """
    state = conduct.state
    if is_terminal(state.phase):
        return
    if state.phase in (Phase.OPEN, Phase.RESTORING) and state.snapshot is not None and not state.is_already_active:
        _roll_back(conduct, state.snapshot)
        return
    if state.phase is Phase.OPEN and state.snapshot is None:
        _say_what_is_left(conduct)
    elif state.phase is Phase.OPEN and state.saved is not None:
        _put_back(conduct)  # the same config served before: its former revision serves again
    state.move(Event.GIVEN_UP)


def _roll_back(conduct: Conduct, snapshot: Deployment) -> None:
    state = conduct.state
    timing = state.timings[Step.ROLLBACK]
    timing.started_at_ms, began = conduct.clock.now_ms(), conduct.clock.monotonic_s()
    if state.phase is Phase.OPEN:
        state.move(Event.RESTORE_SENT)
    _note(conduct, "rollback", deploymentId=state.deployment_id, targetConfigHash=snapshot.config_hash)
    if state.is_apply_unsettled:
        await_apply(conduct, SETTLING_S)
    _aim_at_users(conduct)
    restore = state.restore = _restored(conduct, snapshot)
    state.serving = restore.serving
    state.move(Event.RESTORE_CONFIRMED if restore.is_restored else Event.RESTORE_LOST)
    state.statuses[Step.ROLLBACK] = StepStatus.PASSED if restore.is_restored else StepStatus.FAILED
    timing.detail = restore.reason or snapshot.config_hash
    if restore.is_restored:
        try:
            state.rollback_verified = observe(conduct, OBSERVATION_READY_S)
        except Exception:  # the restore stands, whatever its observation stumbles over
            state.warn("the restored gateway could not be observed")
    else:
        state.warn(f"the rollback failed ({restore.reason}): an unverified config may be serving")
    timing.duration_ms = round((conduct.clock.monotonic_s() - began) * 1000)
    conduct.announce(Step.ROLLBACK)


def _put_back(conduct: Conduct) -> None:
    assert conduct.state.snapshot is not None
    outcome = _restored(conduct, conduct.state.snapshot)
    if not outcome.is_restored:
        conduct.state.warn(f"the former revision of the same config could not be put back ({outcome.reason})")


def _restored(conduct: Conduct, snapshot: Deployment) -> RestoreOutcome:
    state = conduct.state
    ours = Ours(state.deployment_id, str(state.config_hash), state.answered)
    return restore_snapshot(
        conduct.ports.gateway, snapshot, ours, state.settings.request_id, conduct.clock, saved=state.saved
    )


def _say_what_is_left(conduct: Conduct) -> None:
    """Without a snapshot what serves stays as it is; a first deployment that never became ready serves nobody."""
    state = conduct.state
    try:
        is_left = state.is_apply_unsettled or conduct.ports.gateway.active().deployment is not None
    except GatewayError:
        is_left = True
    left = "an unverified config is left serving" if is_left else "nothing serves"
    state.warn(f"there was no snapshot to restore: {left}")


def _aim_at_users(conduct: Conduct) -> None:
    """What is restored is looked at where users ask, not at a candidate's own URL."""
    settings = conduct.state.settings
    conduct.ports.prober.aim(settings.gateway_base_url, settings.challenge_url, settings.proxy_url)


def await_apply(conduct: Conduct, budget_s: float) -> None:
    """Give an apply that was broken off the time to take effect: one that lands after its rollback would stay."""
    state, gateway = conduct.state, conduct.ports.gateway
    poll_active(
        gateway,
        lambda active: active.deployment is not None and active.deployment.deployment_id == state.deployment_id,
        conduct.clock,
        budget_s=budget_s,
    )


def named(state: RunState, failure: Failure | None) -> Failure | None:
    """The failure with the prefix that says that the config served before this run (RECONCILE.md §2)."""
    if failure is None or not (state.is_already_active and state.has_opened):
        return failure
    return replace(failure, reason=f"already_active:{failure.reason}")


def _settle_statuses(conduct: Conduct) -> None:
    """Each checked step's final status; one that was not begun behind a failure is skipped, not failed."""
    state = conduct.state
    for step in CHECKED_STEPS:
        verdict = state.verdicts[step]
        was_begun = step in state.timings or step in state.errors
        is_behind = state.failure is not None and list(Step).index(state.failure.step) < list(Step).index(step)
        state.statuses[step] = StepStatus.SKIPPED if is_behind and not was_begun else verdict.status


def _read_serving(conduct: Conduct) -> None:
    """What serves at the end, by the gateway's own word; kept as last known when it does not say."""
    state = conduct.state
    if Step.SNAPSHOT not in state.timings or (state.interrupted_by is not None and state.restore is not None):
        return  # after a signal the read-back of the restore is enough: CI kills within seconds
    try:
        conduct.state.serving = conduct.ports.gateway.active().deployment
    except GatewayError:
        conduct.state.serving = None
        conduct.state.warn("the gateway does not say what it serves now")


def _note(conduct: Conduct, event: str, **fields: object) -> None:
    """A journal line that must not stop what it announces."""
    try:
        conduct.ports.journal.write(event, requestId=conduct.state.settings.request_id, **fields)
    except JournalError as error:
        conduct.state.warn(f"the journal cannot be written ({error.reason})")
