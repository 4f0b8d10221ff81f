"""What the journal keeps of a run's state, and the state that is made of it again after the run died. No secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from reconcile.errors import JournalError
from reconcile.judge import Failure
from reconcile.machine import Phase
from reconcile.models import (
    CheckId,
    Compiled,
    Deployment,
    Diagnostic,
    HostKind,
    PathKind,
    Rule,
    Stack,
    Step,
    StepStatus,
)
from reconcile.recording import MAX_DIAGNOSTICS
from reconcile.restore import RestoreOutcome
from reconcile.service_tuple import ServiceTuple
from reconcile.settings import Settings
from reconcile.state import RunState

Entry = Mapping[str, Any]


def facts(state: RunState) -> dict[str, Any]:
    """What the ``intent`` line holds: enough for the row and the events of a run that never gets further."""
    compiled, probe = state.compiled, state.probe
    return {
        "deploymentId": state.deployment_id,
        "configHash": state.config_hash,
        "stack": state.stack,
        "gateway": state.settings.gateway_id,
        "startedAtMs": state.started_at_ms,
        "diagnostics": [d.as_json() for d in compiled.diagnostics[:MAX_DIAGNOSTICS]] if compiled else [],
        "probe": asdict(probe) if probe else None,
    }


def decision(state: RunState) -> dict[str, Any]:
    """What the ``decided`` line holds: enough to write the terminal records again."""
    failure, restore = state.failure, state.restore
    return {
        "phase": state.phase,
        "failure": None if failure is None else _failure_entry(failure),
        "restore": None if restore is None else {"reason": restore.reason},
        "statuses": dict(state.statuses),
        "statusCodes": dict(state.status_codes),
        "answered": _wire(state.answered),
        "rollbackVerified": state.rollback_verified,
        "spentMsats": state.spent_msats,
    }


def remember(entries: Sequence[Entry], settings: Settings, run_folder: str) -> RunState | None:
    """The state of the run whose journal this is; None when it had written nothing to Khala or the gateway.

    Raises:
        JournalError: the journal holds something else.
    """
    lines = {str(entry.get("event")): entry for entry in entries}  # the last of each event
    if "intent" not in lines:
        return None
    try:
        state = _state(lines, settings, run_folder)
        if "decided" not in lines:
            _take_steps(state, [entry for entry in entries if entry.get("event") == "step"])
        return state
    except (KeyError, TypeError, ValueError):
        message = "the journal does not hold what a run writes"
        raise JournalError(message, reason="journal_corrupt", remedy="look at the file by hand") from None


def _state(lines: Mapping[str, Entry], settings: Settings, run_folder: str) -> RunState:
    intent = lines["intent"]
    state = RunState(settings, Stack(intent["stack"]), run_folder, int(intent["startedAtMs"]), Phase.INTENDED)
    diagnostics = tuple(Diagnostic.model_validate(entry) for entry in intent["diagnostics"])
    config_hash = str(intent["configHash"])
    state.compiled = Compiled((), (), diagnostics, "", config_hash, config_hash)
    state.remembered_probe = _rule(intent["probe"])
    for step in (Step.READ, Step.COMPILE):
        state.statuses[step] = StepStatus.PASSED
    if "apply" in lines:
        state.phase, state.has_opened = Phase.OPEN, True
        state.snapshot = _deployment(lines["apply"]["snapshot"])
        saved = lines["apply"].get("saved")
        state.saved = None if saved is None else ServiceTuple.model_validate(saved)
        for step in (Step.INTENT, Step.SNAPSHOT):
            state.statuses[step] = StepStatus.PASSED
    if "payment" in lines:
        state.spent_msats = int(lines["payment"]["mostMsats"])  # whether it went through is not known
    if "decided" in lines:
        _decide(state, lines["decided"])
    return state


def _take_steps(state: RunState, steps: Sequence[Entry]) -> None:
    """How the steps behind the intent ended, as far as the run got."""
    state.is_apply_unsettled = state.phase is Phase.OPEN and not any(e["step"] == Step.APPLY for e in steps)
    for entry in steps:
        step, status = Step(entry["step"]), StepStatus(entry["status"])
        state.statuses[step] = status
        if entry["reason"] is not None:
            is_inconclusive = status is StepStatus.INCONCLUSIVE
            state.errors[step] = replace(_failure(entry), is_inconclusive=is_inconclusive)
        if entry["statusCode"] is not None:
            state.status_codes[step] = int(entry["statusCode"])


def _decide(state: RunState, decided: Entry) -> None:
    state.phase = Phase(decided["phase"])
    if decided["failure"] is not None:
        state.failure = _failure(decided["failure"])
    state.answered = _deployment(decided["answered"])
    if decided["restore"] is not None:
        state.restore = RestoreOutcome(decided["restore"]["reason"], None)
    state.statuses |= {Step(step): StepStatus(status) for step, status in decided["statuses"].items()}
    state.status_codes = {Step(step): int(code) for step, code in decided["statusCodes"].items()}
    state.rollback_verified = decided["rollbackVerified"]
    state.spent_msats = int(decided["spentMsats"])


def _failure_entry(failure: Failure) -> dict[str, Any]:
    return {"step": failure.step, "reason": failure.reason, "check": failure.check}


def _failure(entry: Entry) -> Failure:
    """With the check whose code is the run's, if one failed on the public URLs."""
    check = entry.get("check")
    return Failure(Step(entry["step"]), str(entry["reason"]), check=None if check is None else CheckId(check))


def _rule(value: Entry | None) -> Rule | None:
    if value is None:
        return None
    kinds = {"host_kind": HostKind(value["host_kind"]), "path_kind": PathKind(value["path_kind"])}
    return Rule(**{**value, **kinds})


def _wire(deployment: Deployment | None) -> dict[str, Any] | None:
    return None if deployment is None else deployment.model_dump(mode="json", by_alias=True)


def _deployment(value: Entry | None) -> Deployment | None:
    return None if value is None else Deployment.model_validate(value)
