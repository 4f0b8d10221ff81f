"""Finishes a run that died: its snapshot again if its deployment still serves, and its terminal record.

Source: RECONCILE.md §4 (``recover``). Touches nothing when the gateway names neither the journal's deployment nor its
snapshot. A run that still lives holds its journal's lock and is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from reconcile.clock import Clock, left_s
from reconcile.conclusion import await_apply, bring_back, end_journal, leave_clean, named, record_end
from reconcile.conduct import Conduct
from reconcile.control_plane.khala import ABANDONED_S
from reconcile.errors import GatewayError, JournalError
from reconcile.gateways.cloud_healing import heal
from reconcile.journal import FILE_NAME, Journal, read_lines
from reconcile.judge import Failure
from reconcile.machine import Event, Phase, is_terminal
from reconcile.models import Deployer, Deployment, DeploymentStatus, Step, StepStatus
from reconcile.names import deployment_id
from reconcile.ports import Ports, make_cloud_api, make_ports
from reconcile.record import RunRecord
from reconcile.remembering import remember
from reconcile.restore import READ_BACK_S, RestoreOutcome
from reconcile.settings import Settings
from reconcile.state import RunState
from reconcile.summarise import EXIT_APPLIED, EXIT_FAILED, EXIT_ROLLBACK_FAILED, EXIT_UNDELIVERED

LANDING_S = 10.0  # an update of a Cloud Run service that was sent lands within
_AFTER_THE_CHECKS = (Step.PROMOTE, Step.CONFIRM)  # of candidates only


class Recovered(StrEnum):
    """What became of one journal."""

    FINISHED = "finished"  # concluded before; nothing to do
    ALIVE = "alive"  # its run holds it
    NOTHING_WRITTEN = "nothing_written"  # it died before it wrote anything anywhere
    OTHER_GATEWAY = "other_gateway"  # of a gateway that these settings do not name, e.g. a local stack that is gone
    CONCLUDED = "concluded"  # brought to its end now


def unfinished(output_dir: Path) -> list[Path]:
    """The run folders below ``output_dir`` whose journal has no end, the oldest first."""
    journals = {path.resolve() for path in output_dir.glob(f"*/{FILE_NAME}")}
    found = [path.parent for path in journals if not _is_concluded(path)]
    return sorted(found, key=lambda folder: (folder / FILE_NAME).stat().st_mtime)


def _is_concluded(journal: Path) -> bool:
    """False for one that cannot be read, too: ``recover`` names what is wrong with it."""
    try:
        return _has_end(read_lines(journal))
    except JournalError:
        return False


def _has_end(entries: Sequence[Mapping[str, Any]]) -> bool:
    """A run whose rollback failed has none, until its snapshot is back or somebody else's deployment serves."""
    ends = [entry.get("status") for entry in entries if entry.get("event") == "concluded"]
    return bool(ends) and ends[-1] != Phase.RESTORE_FAILED


def recover(folder: Path, settings: Settings, clock: Clock) -> tuple[Recovered, RunRecord | None]:
    """Bring the run of ``folder`` to its end.

    Raises:
        GatewayError: the gateway does not say what it serves; nothing was done, and the journal stays unfinished.
        JournalError: the journal cannot be read or written.
    """
    journal = Journal(folder / FILE_NAME, clock)
    if not journal.hold():
        return Recovered.ALIVE, None
    try:
        entries = read_lines(folder / FILE_NAME)
        if _has_end(entries):
            return Recovered.FINISHED, None
        request_id = next((str(entry["requestId"]) for entry in entries if "requestId" in entry), "")
        intent = next((entry for entry in entries if entry.get("event") == "intent"), None)
        state = remember(entries, replace(settings, request_id=request_id), str(folder)) if intent else None
        if state is None or intent is None:
            journal.write("concluded", requestId=request_id, status=Recovered.NOTHING_WRITTEN)
            return Recovered.NOTHING_WRITTEN, None
        if intent.get("gateway") != settings.gateway_id:
            return Recovered.OTHER_GATEWAY, None
        was_restoring = any(entry.get("event") == "rollback" for entry in entries)
        if state.phase is Phase.RESTORE_FAILED:
            state.phase, state.restore = Phase.OPEN, None  # the command that mends it
        _await_abandoned(entries, clock)
        if state.saved is not None:
            _await_write(entries, clock)
        return Recovered.CONCLUDED, _finish(state, folder, clock, journal, was_restoring=was_restoring)
    finally:
        journal.close()


def _await_abandoned(entries: Sequence[Mapping[str, Any]], clock: Clock) -> None:
    """The row's first write, unless it was answered, may be committed late, and would undo the terminal one (KHALA.md)."""
    is_answered = any(
        (entry.get("event"), entry.get("step"), entry.get("status")) == ("step", Step.INTENT, StepStatus.PASSED)
        for entry in entries
    )
    if not is_answered:
        _let_age(entries[-1], ABANDONED_S, clock)


def _await_write(entries: Sequence[Mapping[str, Any]], clock: Clock) -> None:
    """An update of the service that the run died over names the traffic whole: one that lands late would undo ours."""
    last = entries[-1]
    is_before_mark = (last.get("event"), last.get("step")) == ("step", Step.CONFIRM)
    if last.get("event") in ("apply", "promote", "rollback") or is_before_mark:
        _let_age(last, LANDING_S, clock)


def _let_age(entry: Mapping[str, Any], seconds: float, clock: Clock) -> None:
    """Until the line is so old."""
    wait_s = left_s(clock, int(entry.get("atMs", 0)), seconds)
    if wait_s > 0:
        clock.sleep(wait_s)


def recover_service(settings: Settings, clock: Clock) -> str | None:
    """On Cloud Run, what runs left whose journals are gone: the last verified deployment again, by the service's audit.

    Returns:
        What was done; None: nothing, or another deployer.
    Raises:
        GatewayError: the service could not be read or put back.
    """
    if settings.gateway_deployer is not Deployer.CLOUD_RUN:
        return None
    api = make_cloud_api(settings)
    try:
        return heal(api, clock, deployment_id("recover", settings.request_id), settings.request_id)
    finally:
        api.close()


def recovery_code(record: RunRecord) -> int:
    """0: nothing unverified is left serving by the run; 1: somebody else changed the gateway, or it serves unverified."""
    summary = record.summary
    if record.exit_code == EXIT_ROLLBACK_FAILED:
        return EXIT_ROLLBACK_FAILED
    is_left = (
        summary.deployment_status is DeploymentStatus.FAILED and summary.serving_config_hash == summary.config_hash
    )
    is_old = str(summary.failure_reason).startswith("already_active:")
    if summary.failure_reason == "concurrent_modification" or (is_left and not is_old):
        return EXIT_FAILED
    return EXIT_APPLIED if summary.records_delivered else EXIT_UNDELIVERED


def _finish(state: RunState, folder: Path, clock: Clock, journal: Journal, *, was_restoring: bool) -> RunRecord:
    made = make_ports(state.settings, state.stack, folder, clock)
    ports = replace(made, journal=journal)
    conduct = Conduct(state, ports, clock, lambda _: None)
    try:
        if is_terminal(state.phase):
            active = _serving(ports, None)
        else:
            if state.is_apply_unsettled and state.saved is None:
                await_apply(conduct, READ_BACK_S)
            active = ports.gateway.active().deployment
            _settle(conduct, active, was_restoring=was_restoring)
            leave_clean(conduct)
        if state.serving is None:
            state.serving = _serving(ports, active)
        record = _write_summary(folder, record_end(conduct))
        end_journal(conduct)
    finally:
        ports.close()
    return record


def _settle(conduct: Conduct, active: Deployment | None, *, was_restoring: bool) -> None:
    """Decide by what serves: ours → bring back; the snapshot → it is back, or never left; neither → hands off."""
    state = conduct.state
    state.failure = state.failure or named(state, _failure(state))
    if state.phase is not Phase.OPEN:
        state.move(Event.GIVEN_UP)
        return
    snapshot = state.snapshot
    if active is not None and _is_ours(state, active):
        bring_back(conduct)
    elif active is None and snapshot is None:
        state.move(Event.GIVEN_UP)
    elif active is not None and snapshot is not None and active.config_hash == snapshot.config_hash:
        if state.saved is not None:
            bring_back(conduct)  # a candidate may be there behind it
            return
        if not was_restoring:
            state.move(Event.GIVEN_UP)
            return
        state.restore = RestoreOutcome(None, active)
        state.move(Event.RESTORE_SENT)
        state.move(Event.RESTORE_CONFIRMED)
    else:
        step = state.failure.step if state.failure is not None else Step.ROLLOUT
        state.failure = Failure(step, "concurrent_modification", message="somebody else changed the gateway")
        state.move(Event.GIVEN_UP)


def _failure(state: RunState) -> Failure:
    """The first step that had not passed: what it failed with, or that the process died over it."""
    for step in list(Step)[1 : list(Step).index(Step.ROLLBACK)]:
        if step in state.errors:
            return state.errors[step]
        is_passed = state.statuses.get(step) is StepStatus.PASSED
        if step not in _AFTER_THE_CHECKS and not is_passed:
            return Failure(step, "interrupted", message="the run died")
    last = Step.PROXY if state.saved is None else Step.PROMOTE
    if state.statuses.get(Step.PROMOTE) is StepStatus.PASSED and state.statuses.get(Step.CONFIRM) is None:
        last = Step.CONFIRM
    return Failure(last, "interrupted", message="the run died before its verdict")


def _is_ours(state: RunState, active: Deployment) -> bool:
    """By the id alone: the same config may have been deployed again, and verified, by somebody else."""
    named = {state.deployment_id} | ({state.answered.deployment_id} if state.answered is not None else set())
    return active.deployment_id in named


def _serving(ports: Ports, before: Deployment | None) -> Deployment | None:
    try:
        return ports.gateway.active().deployment
    except GatewayError:
        return before


def _write_summary(folder: Path, record: RunRecord) -> RunRecord:
    """``summary.json`` of the run that could not write its own; one that says the same of its end stays."""
    path, part = folder / "summary.json", folder / "summary.json.part"
    try:
        if path.exists() and json.loads(path.read_text()).get("deploymentStatus") == record.summary.deployment_status:
            return record
        part.write_text(json.dumps(record.summary.as_json(), indent=2) + "\n")
        part.replace(path)
    except (OSError, ValueError, AttributeError) as error:
        warning = f"summary.json cannot be written ({type(error).__name__})"
        return replace(record, warnings=(*record.warnings, warning))
    return record
