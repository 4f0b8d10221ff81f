"""Drives one run over its ports, a step at a time; each step runs once, and answers the same when asked again.

Source: RECONCILE.md §2. The steps raise ``StepError``; what is known is in ``state``. ``conclude`` (conclusion.py)
decides, restores and records.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from reconcile import kept_config
from reconcile.clock import Clock
from reconcile.compile import compile_paywalls
from reconcile.control_plane import COMPILED_STATUSES
from reconcile.errors import (
    ControlPlaneError,
    Effect,
    GatewayError,
    JournalError,
    ReconcileError,
    StepError,
    UsageError,
)
from reconcile.gateways import Applied, ApplyRequest, confirm_apply
from reconcile.judge import Attempt, Failure, SessionEnd, judge_step
from reconcile.machine import Event
from reconcile.models import CheckId, Compiled, Deployment, DeploymentStatus, Outcome, Step, StepStatus
from reconcile.paywalls import Paywall
from reconcile.planning import RunPlan, candidate_urls, compile_options, plan_candidate, plan_run, refuse_errors
from reconcile.ports import Ports
from reconcile.recording import deployment_row
from reconcile.remembering import facts
from reconcile.state import RunState

T = TypeVar("T")
Listener = Callable[[Step], None]


class Conduct:
    """One run. Not thread-safe: one object in one process owns the run (ARCHITECTURE.md, "The process model")."""

    def __init__(
        self,
        state: RunState,
        ports: Ports,
        clock: Clock,
        listener: Listener,
        is_interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self.state = state
        self.ports = ports
        self.clock = clock
        self._listener = listener
        self._is_interrupted = is_interrupted
        self._answers: dict[Step, object] = {}
        self._raised: dict[Step, ReconcileError] = {}

    # --- steps 1 to 5

    def read(self) -> tuple[Paywall, ...]:
        """Step 1: the paywalls from Khala."""
        return self.once(Step.READ, lambda: self.ports.control_plane.list_paywalls(COMPILED_STATUSES))

    def compile(self) -> Compiled:
        """Step 2: the config and its hash; StepError when a diagnostic stops the deployment."""
        return self.once(Step.COMPILE, lambda: self._compile(self.read()))

    def plan(self) -> RunPlan:
        """What will be asked; UsageError when the settings do not fit the compiled routes."""
        compiled = self.compile()
        if self.state.plan is None:
            self.state.plan = plan_run(compiled, self.state.settings)
            self.state.move(Event.PLAN_MADE)
        return self.state.plan

    def intent(self) -> None:
        """Step 3: the deployment's row, pending."""
        self.plan()
        self.once(Step.INTENT, self._record_intent)

    def snapshot(self) -> Deployment | None:
        """Step 4: what serves now, to go back to; None on an empty gateway."""
        self.intent()
        return self.once(Step.SNAPSHOT, self._take_snapshot)

    def apply(self) -> Deployment:
        """Step 5: send the config; its answer decides (RECONCILE.md §2)."""
        self.snapshot()
        return self.once(Step.APPLY, self._apply)

    # --- what the tests report

    def note_attempt(self, check: CheckId, attempt: Attempt) -> None:
        """Keep how one run of a check's test ended."""
        self.state.attempts[check].append(attempt)

    def has_failed_before(self, step: Step) -> bool:
        """True when a step before ``step`` is known to have failed: by itself, its verifiers or its tests."""
        order = list(Step)
        before = set(order[: order.index(step)])
        if any(failed in before for failed in self.state.errors):
            return True
        if any(f.outcome is not Outcome.PASSED for c, f in self.state.findings.items() if c.step in before):
            return True
        expected = [check for check in self.state.expected if check.step in before]
        return any(Attempt.FAILED in self.state.attempts.get(check, ()) for check in expected)

    def announce(self, step: Step) -> None:
        """Tell the listener that ``step`` ended."""
        self._listener(step)

    # --- how a step runs

    def once(self, step: Step, action: Callable[[], T]) -> T:
        """Run ``action`` as ``step`` unless it ran; its answer or its error is what every later call gets."""
        if step in self._raised:
            raise self._raised[step]
        if step not in self._answers:
            self._timed(step, action)
        return self._answers[step]  # type: ignore[return-value]  # one action a step: what was stored is its T

    def _timed(self, step: Step, action: Callable[[], T]) -> None:
        timing = self.state.timings[step]
        timing.started_at_ms = self.clock.now_ms()
        began = self.clock.monotonic_s()
        try:
            self._answers[step] = action()
        except ReconcileError as error:
            self._fail(step, error)
            raise self._raised[step] from error
        except BaseException as error:  # a signal, a timeout, a bug: the step did not pass, and is never begun again
            # A signal that hits inside a library may come out as that library's own error.
            is_interrupt = isinstance(error, KeyboardInterrupt) or self._is_interrupted()
            self._break_off(step, "interrupted" if is_interrupt else "session_error")
            raise
        finally:
            timing.duration_ms = round((self.clock.monotonic_s() - began) * 1000)
        self.state.statuses.setdefault(step, StepStatus.PASSED)
        self._remember(step)
        self._listener(step)

    def _fail(self, step: Step, error: ReconcileError) -> None:
        """Keep the failure; usage errors pass through as they are."""
        if isinstance(error, UsageError):
            self._raised[step] = error
            return
        is_inconclusive = isinstance(error, StepError) and error.is_inconclusive
        reason = f"inconclusive:{error.reason}" if is_inconclusive else error.reason
        check = error.check if isinstance(error, StepError) else None
        failure = Failure(step, reason, is_inconclusive, error.remedy, str(error), check)
        self.state.errors[step] = failure
        self.state.statuses[step] = StepStatus.INCONCLUSIVE if is_inconclusive else StepStatus.FAILED
        said = error.said if isinstance(error, GatewayError) else None
        self.state.timings[step].detail = f"{reason}: {said}" if said else reason
        raised = error if isinstance(error, StepError) else StepError(str(error), reason=error.reason)
        raised.remedy = error.remedy
        self._raised[step] = raised
        self._remember(step)
        self._listener(step)

    def _break_off(self, step: Step, reason: str) -> None:
        self.state.errors[step] = Failure(step, reason, message=f"{step}: {reason}")
        self.state.statuses[step] = StepStatus.FAILED
        self.state.timings[step].detail = reason
        self._raised[step] = StepError(f"{step} was broken off", reason=reason)

    def _remember(self, step: Step) -> None:
        """How a step from the intent on ended, in the journal: what the run of a process that dies gets its code from."""
        if list(Step).index(step) < list(Step).index(Step.INTENT):
            return
        failure = (
            self.state.errors.get(step)
            or judge_step(step, self.state.findings, {}, None, SessionEnd.BROKEN, self.state.expected).failure
        )
        status = self.state.statuses[step]
        reason = failure.reason if failure is not None and status is not StepStatus.PASSED else None
        try:
            code, check = self.state.status_codes.get(step), failure.check if failure is not None else None
            self.journal("step", step=step, status=status, reason=reason, check=check, statusCode=code)
        except JournalError as error:
            self.state.warn(f"the journal cannot be written ({error.reason})")

    # --- the actions

    def _compile(self, paywalls: tuple[Paywall, ...]) -> Compiled:
        compiled = compile_paywalls(paywalls, compile_options(self.state.settings))
        self.state.compiled = compiled
        refuse_errors(compiled)
        self.state.timings[Step.COMPILE].detail = f"{len(compiled.rules)} routes, {str(compiled.config_hash)[:16]}…"
        return compiled

    def _record_intent(self) -> None:
        self.journal("intent", **facts(self.state))
        row = deployment_row(self.state, DeploymentStatus.PENDING, self.clock.now_ms())
        self.ports.control_plane.record_deployment(row)
        self.state.move(Event.INTENT_RECORDED)

    def _take_snapshot(self) -> Deployment | None:
        active = self.ports.gateway.active()
        self.state.snapshot = active.deployment
        self.state.saved = active.saved
        self.state.snapshot_etag = active.etag
        self.state.serving = active.deployment
        self.state.timings[Step.SNAPSHOT].detail = active.deployment.config_hash if active.deployment else "none"
        if active.deployment is None:
            self.state.warn("the gateway had no deployment: there is nothing to roll back to")
        self.state.move(Event.SNAPSHOT_TAKEN)
        return active.deployment

    def _apply(self) -> Deployment:
        state = self.state
        snapshot = state.snapshot.model_dump(mode="json", by_alias=True) if state.snapshot else None
        saved = state.saved.model_dump(mode="json", by_alias=True) if state.saved else None
        self._keep_config()
        self.journal(
            "apply", deploymentId=state.deployment_id, configHash=state.config_hash, snapshot=snapshot, saved=saved
        )
        state.move(Event.APPLY_SENT)
        state.has_opened = True
        try:
            deployment = self._send_apply()
        except (ControlPlaneError, GatewayError, JournalError) as error:
            if isinstance(error, GatewayError) and error.effect in (Effect.REFUSED, Effect.NONE):
                state.move(Event.APPLY_REFUSED)
                state.has_opened = False
            raise
        except BaseException:
            state.is_apply_unsettled = True  # it may still be on its way, and take effect later
            raise
        finally:
            self.ports.prober.set_ready_deadline(self.clock.monotonic_s() + state.settings.ready_timeout_s)
        state.answered = deployment
        state.serving = deployment if state.candidate_url is None else state.snapshot
        state.timings[Step.APPLY].detail = state.deployment_id
        return deployment

    def _keep_config(self) -> None:
        """What ``drift`` reads prices from where the gateway tells only a hash; no run fails for it."""
        try:
            kept_config.keep(Path(self.state.run_folder), self.compile().aperture_yaml)
        except OSError as error:
            self.state.warn(f"{kept_config.FILE_NAME} cannot be written: {error.strerror}")

    def _send_apply(self) -> Deployment:
        """Send once; an answer that was lost is read back for 10 s, and only our own id and hash go on."""
        state, compiled = self.state, self.compile()
        config_hash = str(compiled.config_hash)
        request = ApplyRequest(
            request_id=state.settings.request_id,
            deployment_id=state.deployment_id,
            compiled=compiled,
            etag=state.snapshot_etag,
            saved=state.saved,
            wanted=self.plan().wanted(state.settings),
            is_forced=state.is_forced,
        )
        try:
            return self._taken(self.ports.gateway.apply(request))
        except GatewayError as error:
            state.answered = error.answered
            if error.effect is not Effect.UNKNOWN:
                raise
            found = confirm_apply(self.ports.gateway, state.deployment_id, config_hash, self.clock)
            if found is None:
                raise
            state.warn(f"the deploy's answer was lost ({error.reason}); the gateway names it as applied")
            return found

    def _taken(self, applied: Applied) -> Deployment:
        """A candidate is checked at its own URL, and users meet it only when it is promoted."""
        if applied.candidate_url is not None:
            state = self.state
            state.candidate_url = applied.candidate_url
            state.candidate_plan = plan_candidate(self.plan(), applied.rules, applied.candidate_url, state.settings)
            self.ports.prober.aim(*candidate_urls(applied.candidate_url, state.settings))
        return applied.deployment

    def journal(self, event: str, **fields: object) -> None:
        """On disk before the write it announces."""
        self.ports.journal.write(event, requestId=self.state.settings.request_id, **fields)
