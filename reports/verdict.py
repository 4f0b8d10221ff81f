"""The verdict as a testcase: a gate that only counts failures sees rollbacks and lost promotions too (RECONCILE.md §4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest

from reconcile.models import DeploymentStatus, Outcome
from reconcile.record import RunRecord

NODE_ID = "checks/verdict::applied"
LOCATION = ("checks/verdict", None, "applied")


def verdict_reports(record: RunRecord) -> Iterator[pytest.TestReport]:
    """Setup, call and teardown of the verdict's testcase; the call fails unless the run is applied."""
    summary = record.summary
    is_applied = summary.deployment_status is DeploymentStatus.APPLIED
    why = f"{summary.failure_code or 'usage'}: {summary.failure_reason}"
    said = [f"\n{found.message}" for found in record.confirm_findings if found.outcome is not Outcome.PASSED]
    message = None if is_applied else f"{why}\nstage: {summary.failure_stage}\nremedy: {summary.remedy}{''.join(said)}"
    yield _report("setup", None)
    yield _report("call", message)
    yield _report("teardown", None)


def _report(when: Literal["setup", "call", "teardown"], message: str | None) -> pytest.TestReport:
    return pytest.TestReport(
        nodeid=NODE_ID,
        location=LOCATION,
        keywords={},
        outcome="passed" if message is None else "failed",
        longrepr=message,
        when=when,
    )
