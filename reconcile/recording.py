"""What a run writes to Khala: the deployment's row and its events (KHALA.md, "What a run writes"), delivered or kept."""

from __future__ import annotations

import hashlib
from typing import Any

from reconcile.control_plane import DeploymentRecord, EventRecord
from reconcile.errors import ControlPlaneError, Effect, JournalError
from reconcile.machine import STATUSES, Phase
from reconcile.models import DeploymentStatus, FailureCode, Rule, Step, StepStatus
from reconcile.ports import Ports
from reconcile.record import EXECUTION_PATH
from reconcile.state import RunState

MAX_DIAGNOSTICS = 200
PARITY_KEYS = ("executionPath", "requestId", "deploymentId", "configHash")
OK_EVENTS = {Step.HEALTH: "health_ok", Step.CHALLENGE: "challenge_ok", Step.PROXY: "proxy_ok"}


def deployment_row(state: RunState, status: DeploymentStatus, now_ms: int) -> DeploymentRecord:
    """The row in ``l402GatewayDeployments``; upserted by its deploymentId, so that a repeat is harmless."""
    compiled, probe = state.compiled, state.probe
    diagnostics = [d.as_json() for d in compiled.diagnostics[:MAX_DIAGNOSTICS]] if compiled else []
    is_rolled_back = status is DeploymentStatus.ROLLED_BACK
    return DeploymentRecord(
        deployment_id=state.deployment_id,
        paywall_id=probe.paywall_id if probe else None,
        owner_id=probe.owner_id if probe else None,
        config_hash=str(state.config_hash),
        image_digest=state.answered.image_digest if state.answered else None,
        status=status,
        diagnostics=diagnostics,
        request_id=state.settings.request_id,
        metadata=_row_metadata(state, status),
        rolled_back_from=state.snapshot.config_hash if is_rolled_back and state.snapshot else None,
        applied_at_ms=now_ms if status is DeploymentStatus.APPLIED else None,
    )


def _row_metadata(state: RunState, status: DeploymentStatus) -> dict[str, Any]:
    correlation = {
        "requestId": state.settings.request_id,
        "deploymentId": state.deployment_id,
        "configHash": state.config_hash,
        "paritySchemaVersion": "l402_run_artifact_v1",
        "parityKeys": list(PARITY_KEYS),
    }
    metadata: dict[str, Any] = {
        "executionPath": EXECUTION_PATH,
        "correlation": correlation,
        "progress": {
            "healthOk": _progress(state, Step.HEALTH),
            "challengeOk": _progress(state, Step.CHALLENGE),
            "proxyOk": _progress(state, Step.PROXY),
        },
        "diagnosticsCount": len(state.compiled.diagnostics) if state.compiled else 0,
    }
    if status in (DeploymentStatus.FAILED, DeploymentStatus.ROLLED_BACK) and state.failure is not None:
        code, stage, reason = failure_fields(state)
        metadata["failure"] = {"code": code, "stage": stage, "reason": reason}
    if status is DeploymentStatus.ROLLED_BACK and state.snapshot is not None:
        metadata["rollback"] = {"rolledBackFrom": state.snapshot.config_hash}
    return metadata


def failure_fields(state: RunState) -> tuple[str | None, str | None, str | None]:
    """Code, stage and reason of the run's failure; a failed restore replaces them."""
    if state.failure is None:
        return None, None, None
    if state.phase is Phase.RESTORE_FAILED and state.restore is not None:
        return FailureCode.ROLLBACK_FAILED, Step.ROLLBACK, state.restore.reason
    return state.failure.code, state.failure.step, state.failure.reason


def _progress(state: RunState, step: Step) -> bool | None:
    """True or false once the step was reached, None before."""
    status = state.statuses.get(step, StepStatus.SKIPPED)
    return None if status is StepStatus.SKIPPED else status is StepStatus.PASSED


def events(state: RunState) -> list[EventRecord]:
    """The run's events in order: what passed, then one terminal event. None when no route was compiled."""
    probe = state.probe
    if probe is None:
        return []
    records = []
    for step, name in OK_EVENTS.items():
        if state.statuses.get(step) is StepStatus.PASSED:
            status_code = state.status_codes.get(step)
            details = {} if status_code is None else {"statusCode": status_code}
            records.append(_event(state, probe, f"gateway_reconcile_{name}", "info", details))
    records.append(_terminal_event(state, probe))
    return records


def _terminal_event(state: RunState, probe: Rule) -> EventRecord:
    code, _, reason = failure_fields(state)
    details: dict[str, Any]
    if state.phase is Phase.APPLIED:
        digest = state.answered.image_digest if state.answered else None
        details = {"imageDigest": digest} if digest else {}
        return _event(state, probe, "gateway_reconcile_applied", "info", details)
    if state.phase is Phase.ROLLED_BACK and state.snapshot is not None:
        details = {"failureCode": code, "failureReason": reason, "rolledBackFrom": state.snapshot.config_hash}
        return _event(state, probe, "gateway_reconcile_rolled_back", "warn", details)
    if state.phase is Phase.RESTORE_FAILED and state.failure is not None:
        details = {"rollbackFailure": reason, "cause": state.failure.code, "causeReason": state.failure.reason}
        return _event(state, probe, "gateway_reconcile_failed_rollback_failed", "error", details)
    details = {"failureCode": code, "failureReason": reason}
    return _event(state, probe, f"gateway_reconcile_failed_{code}", "error", details)


def _event(state: RunState, probe: Rule, event_type: str, level: str, details: dict[str, Any]) -> EventRecord:
    key = "\n".join((state.settings.request_id, event_type, probe.paywall_id))
    metadata = {
        "executionPath": EXECUTION_PATH,
        "routeId": probe.route_id,
        "eventKey": hashlib.sha256(key.encode()).hexdigest(),
        **details,
    }
    return EventRecord(
        paywall_id=probe.paywall_id,
        owner_id=probe.owner_id,
        event_type=event_type,
        level=level,
        request_id=state.settings.request_id,
        deployment_id=state.deployment_id,
        config_hash=state.config_hash,
        execution_path=EXECUTION_PATH,
        metadata=metadata,
    )


def terminal_records(state: RunState, now_ms: int) -> list[DeploymentRecord | EventRecord]:
    """Everything a concluded run has to tell Khala, in order: the row, then the events.

    Empty when step 1 failed (there is no configHash) or the run was refused (exit 4) before its row was written.
    """
    if state.config_hash is None or (state.failure is not None and state.failure.step is Step.SETTINGS):
        return []
    row = deployment_row(state, STATUSES[state.phase], now_ms)
    has_route = state.probe is not None and state.compiled is not None and state.compiled.is_valid
    return [row, *(events(state) if has_route else [])]


def deliver_or_keep(state: RunState, ports: Ports, now_ms: int) -> None:
    """Send the terminal records in order; from the first that fails on, all go to the outbox. Raises nothing of Khala's."""
    for record in terminal_records(state, now_ms):
        abandoned_at_ms = None
        if state.are_records_delivered:
            try:
                _send(ports, record)
            except ControlPlaneError as error:
                state.are_records_delivered = False
                if isinstance(record, DeploymentRecord) and error.effect is Effect.UNKNOWN:
                    abandoned_at_ms = now_ms  # sent before; an event that comes twice does no harm
                state.warn(f"Khala did not take the records ({error.reason}): they wait in the outbox")
            else:
                continue
        _keep(state, ports, record, abandoned_at_ms)


def _send(ports: Ports, record: DeploymentRecord | EventRecord) -> None:
    if isinstance(record, DeploymentRecord):
        ports.control_plane.record_deployment(record)
    else:
        ports.control_plane.record_event(record)


def _keep(state: RunState, ports: Ports, record: DeploymentRecord | EventRecord, abandoned_at_ms: int | None) -> None:
    try:
        ports.outbox.append(record, abandoned_at_ms)
    except JournalError as error:
        state.warn(f"the outbox cannot be written ({error.reason}): a record of this run is lost")
