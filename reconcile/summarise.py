"""``RunState`` → ``RunRecord``: the one place where the summary's fields are decided (RECONCILE.md §4). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.machine import STATUSES, Phase
from reconcile.models import DeploymentStatus, FailureCode, Step, StepStatus
from reconcile.record import RunRecord, StepRecord, Summary

if TYPE_CHECKING:
    from reconcile.state import RunState

EXIT_APPLIED, EXIT_FAILED, EXIT_INTERRUPTED, EXIT_INTERNAL, EXIT_USAGE = 0, 1, 2, 3, 4
EXIT_DIFFERENT = 10  # of plan and drift
EXIT_ROLLBACK_FAILED, EXIT_UNDELIVERED, EXIT_SIGTERM = 70, 75, 143


def run_record(state: RunState, now_ms: int) -> RunRecord:
    """The record as it stands; before the conclusion its status reads ``failed``, never ``applied``."""
    summary = _summary(state, now_ms)
    settings, probe = state.settings, state.probe
    unproven = tuple(check for verdict in state.verdicts.values() for check in verdict.unproven)
    return RunRecord(
        summary=summary,
        run_folder=state.run_folder,
        findings=tuple(state.findings.values()),
        confirm_findings=tuple(state.confirm_findings.values()),
        restored_findings=tuple(state.restored_findings.values()),
        missing_checks=unproven,
        routes=state.routes,
        warnings=tuple(state.warnings),
        challenge_url=settings.challenge_url,
        proxy_url=settings.proxy_url,
        probe_paywall_id=probe.paywall_id if probe else None,
        probe_owner_id=probe.owner_id if probe else None,
        quoted_msats=probe.amount_msats if probe else None,
        cap_msats=settings.max_spend_msats,
        payment=state.payment,
        exit_code=exit_code(state, summary),
        interrupted_by=state.interrupted_by,
    )


def exit_code(state: RunState, summary: Summary) -> int:
    """The process's exit code (RECONCILE.md §4)."""
    if state.phase is Phase.RESTORE_FAILED:
        return EXIT_ROLLBACK_FAILED
    if state.interrupted_by is not None:
        return EXIT_SIGTERM if state.interrupted_by == "SIGTERM" else EXIT_INTERRUPTED
    if summary.failure_stage is Step.SETTINGS:
        return EXIT_USAGE
    if summary.deployment_status is not DeploymentStatus.APPLIED:
        return EXIT_FAILED
    return EXIT_APPLIED if summary.records_delivered else EXIT_UNDELIVERED


def _summary(state: RunState, now_ms: int) -> Summary:
    compiled = state.compiled
    status = STATUSES.get(state.phase, DeploymentStatus.FAILED)
    is_applied = status is DeploymentStatus.APPLIED
    diagnostics = compiled.diagnostics if compiled else ()
    steps = tuple(_step(state, step) for step in Step)
    passed = {record.name for record in steps if record.status is StepStatus.PASSED}
    restored = state.restore is not None and state.restore.is_restored
    return Summary(
        ok=is_applied and state.are_records_delivered,
        request_id=state.settings.request_id,
        stack=state.stack,
        config_hash=state.config_hash,
        rule_count=len(compiled.rules) if compiled else 0,
        valid=compiled is not None and compiled.is_valid,
        diagnostics=tuple(diagnostic.as_json() for diagnostic in diagnostics),
        diagnostics_count=len(diagnostics),
        deployment_id=state.deployment_id if Step.READ in state.timings or compiled else None,
        deployment_status=status,
        health_ok=Step.HEALTH in passed,
        challenge_ok=Step.CHALLENGE in passed,
        proxy_ok=Step.PROXY in passed,
        **_failure_fields(state, is_applied),
        remedy=None if is_applied else _remedy(state),
        image_digest=_image_digest(state),
        rolled_back_from=state.snapshot.config_hash if restored and state.snapshot else None,
        rollback_verified=state.rollback_verified,
        serving_config_hash=state.serving.config_hash if state.serving else None,
        health_detail=state.health_detail,
        proof_source=state.proof_source,
        spent_msats=state.spent_msats,
        invoices_minted=state.invoices_minted,
        records_delivered=state.are_records_delivered,
        started_at_ms=state.started_at_ms,
        finished_at_ms=state.finished_at_ms or now_ms,
        steps=steps,
    )


def _remedy(state: RunState) -> str | None:
    if state.phase is Phase.RESTORE_FAILED:
        return "look at the gateway now: it may serve a config that is not verified; put the former one back by hand"
    failure = state.failure
    return None if failure is None else failure.remedy or default_remedy(failure.step, failure.reason)


def _failure_fields(state: RunState, is_applied: bool) -> dict[str, object]:
    """Code, reason, stage and cause; ``rollback_failed`` replaces the code and keeps the first one as the cause."""
    failure = state.failure
    if is_applied or failure is None:
        return {"failure_code": None, "failure_reason": None, "failure_stage": None, "cause": None}
    if state.phase is Phase.RESTORE_FAILED and state.restore is not None:
        return {
            "failure_code": FailureCode.ROLLBACK_FAILED,
            "failure_reason": state.restore.reason,
            "failure_stage": Step.ROLLBACK,
            "cause": failure.code,
        }
    code = None if failure.step is Step.SETTINGS else failure.code
    return {"failure_code": code, "failure_reason": failure.reason, "failure_stage": failure.step, "cause": None}


def _step(state: RunState, step: Step) -> StepRecord:
    timing = state.timings.get(step)
    status = state.statuses.get(step, StepStatus.SKIPPED)
    if timing is None:
        return StepRecord(name=step, status=status)
    return StepRecord(
        name=step,
        status=status,
        started_at_ms=timing.started_at_ms,
        duration_ms=timing.duration_ms,
        detail=timing.detail,
    )


def _image_digest(state: RunState) -> str | None:
    for deployment in (state.serving, state.answered, state.snapshot):
        if deployment is not None and deployment.image_digest:
            return deployment.image_digest
    return None


def default_remedy(step: Step, reason: str) -> str:
    """What to do when the check itself has no better advice."""
    if reason in ("interrupted", "check_missing", "check_skipped", "check_retried", "session_error"):
        return "run the whole harness again, with no selection, skip or rerun options"
    return _REMEDIES.get(step, "read the report's findings, mend what they name, and run again")


_REMEDIES = {
    Step.READ: "check KHALA_URL and SECRET, and that Khala answers, then run again",
    Step.COMPILE: "mend the paywalls that the diagnostics name, then run again",
    Step.INTENT: "check that Khala accepts writes with this SECRET, then run again",
    Step.SNAPSHOT: "check the gateway's ops API and GATEWAY_OPS_TOKEN, then run again",
    Step.APPLY: "read the gateway's own log for the refused deployment, then run again",
    Step.ROLLOUT: "find out what serves at the gateway, and who else deploys to it",
    Step.HEALTH: "look at the gateway's process and its log",
    Step.CHALLENGE: "look at the gateway's Lightning node and at the routes in the report",
    Step.PROXY: "look at the upstream, the payer and the gateway's token checks",
    Step.PROMOTE: "look at the service's traffic in the console, and who else changes it",
    Step.CONFIRM: "compare the service's public URLs with its tag's: something between them answers otherwise",
}
