"""The run itself as an Allure result: a step for each reconcile step, beside the results of the checks."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from reconcile.models import DeploymentStatus, StepStatus
from reconcile.record import RunRecord
from reconcile.redact import Redactor


def write_run_result(config: pytest.Config, record: RunRecord, redactor: Redactor) -> None:
    """Write the result and ``environment.properties`` when Allure is on."""
    folder = getattr(config.option, "allure_report_dir", None)
    if not folder or not config.pluginmanager.hasplugin("allure_pytest"):
        return
    from allure_commons import plugin_manager
    from allure_commons.model2 import Label, Status, StatusDetails, TestResult

    summary = record.summary
    is_applied = summary.deployment_status is DeploymentStatus.APPLIED
    message = redactor.redact(f"{summary.failure_code}: {summary.failure_reason}\n{summary.remedy}")
    result = TestResult(
        uuid=str(uuid.uuid4()),
        name="reconcile run",
        fullName="checks.verdict#reconcile",
        historyId="checks.verdict#reconcile",
        status=Status.PASSED if is_applied else Status.FAILED,
        statusDetails=None if is_applied else StatusDetails(message=message),
        steps=_steps(record, redactor),
        start=summary.started_at_ms,
        stop=summary.finished_at_ms,
        labels=[Label(name="framework", value="pytest"), Label(name="suite", value="reconcile")],
    )
    plugin_manager.hook.report_result(result=result)
    lines = [f"{name}={value}" for name, value in (("requestId", summary.request_id), ("stack", summary.stack))]
    lines.append(f"deploymentStatus={summary.deployment_status}")
    Path(folder, "environment.properties").write_text("\n".join(lines) + "\n")


def _steps(record: RunRecord, redactor: Redactor) -> list[Any]:
    """An Allure step for each reconcile step that was begun."""
    from allure_commons.model2 import Status, StatusDetails, TestStepResult

    statuses = {
        StepStatus.PASSED: Status.PASSED,
        StepStatus.FAILED: Status.FAILED,
        StepStatus.INCONCLUSIVE: Status.BROKEN,
    }
    return [
        TestStepResult(
            name=step.name.value,
            status=statuses.get(step.status, Status.SKIPPED),
            start=step.started_at_ms,
            stop=(step.started_at_ms or 0) + (step.duration_ms or 0),
            statusDetails=StatusDetails(message=redactor.redact(step.detail)) if step.detail else None,
        )
        for step in record.summary.steps
        if step.started_at_ms is not None
    ]
