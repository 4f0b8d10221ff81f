"""The summary of a run that was refused with exit 4, or of which only the exit code is known."""

from __future__ import annotations

import time
from typing import Any

from reconcile.errors import UsageError
from reconcile.models import DeploymentStatus, Stack, Step, StepStatus
from reconcile.record import StepRecord, Summary


def refused_summary(error: UsageError, request_id: str) -> dict[str, Any]:
    """A summary with ``failureStage`` settings and no code (RECONCILE.md §4)."""
    return unstarted_summary(request_id, error.reason, str(error))


def unstarted_summary(request_id: str, reason: str, remedy: str) -> dict[str, Any]:
    """The same with a reason and remedy of one's own."""
    now_ms = int(time.time() * 1000)
    steps = tuple(
        StepRecord(name=step, status=StepStatus.FAILED if step is Step.SETTINGS else StepStatus.SKIPPED)
        for step in Step
    )
    return Summary(
        ok=False,
        request_id=request_id,
        stack=Stack.HOSTED,
        config_hash=None,
        rule_count=0,
        valid=False,
        diagnostics=(),
        diagnostics_count=0,
        deployment_id=None,
        deployment_status=DeploymentStatus.FAILED,
        health_ok=False,
        challenge_ok=False,
        proxy_ok=False,
        failure_code=None,
        failure_reason=reason,
        failure_stage=Step.SETTINGS,
        cause=None,
        remedy=remedy,
        image_digest=None,
        rolled_back_from=None,
        rollback_verified=None,
        serving_config_hash=None,
        health_detail=None,
        proof_source=None,
        spent_msats=0,
        invoices_minted=0,
        records_delivered=True,
        started_at_ms=now_ms,
        finished_at_ms=now_ms,
        steps=steps,
    ).as_json()
