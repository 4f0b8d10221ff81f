"""The steps of a run, how they end, and the failure codes that belong to them (RECONCILE.md §2, RUNBOOK.md §4)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Step(StrEnum):
    """The steps of a run, in the table's order."""

    SETTINGS = "settings"
    READ = "read"
    COMPILE = "compile"
    INTENT = "intent"
    SNAPSHOT = "snapshot"
    APPLY = "apply"
    ROLLOUT = "rollout"
    HEALTH = "health"
    CHALLENGE = "challenge"
    PROXY = "proxy"
    PROMOTE = "promote"
    CONFIRM = "confirm"
    ROLLBACK = "rollback"


CHECKED_STEPS = (Step.ROLLOUT, Step.HEALTH, Step.CHALLENGE, Step.PROXY)


class FailureCode(StrEnum):
    """The runbook's failure taxonomy (RUNBOOK.md §4)."""

    COMPILE_VALIDATION_FAILED = "compile_validation_failed"
    ACTIVE_LOOKUP_FAILED = "active_lookup_failed"
    DEPLOY_APPLY_FAILED = "deploy_apply_failed"
    HEALTH_CHECK_FAILED = "health_check_failed"
    CHALLENGE_CHECK_FAILED = "challenge_check_failed"
    PROXY_CHECK_FAILED = "proxy_check_failed"
    ROLLBACK_FAILED = "rollback_failed"


FAILURE_CODES: Mapping[Step, FailureCode] = {
    Step.READ: FailureCode.COMPILE_VALIDATION_FAILED,
    Step.COMPILE: FailureCode.COMPILE_VALIDATION_FAILED,
    Step.INTENT: FailureCode.COMPILE_VALIDATION_FAILED,
    Step.SNAPSHOT: FailureCode.ACTIVE_LOOKUP_FAILED,
    Step.APPLY: FailureCode.DEPLOY_APPLY_FAILED,
    Step.ROLLOUT: FailureCode.DEPLOY_APPLY_FAILED,
    Step.HEALTH: FailureCode.HEALTH_CHECK_FAILED,
    Step.CHALLENGE: FailureCode.CHALLENGE_CHECK_FAILED,
    Step.PROXY: FailureCode.PROXY_CHECK_FAILED,
    Step.PROMOTE: FailureCode.DEPLOY_APPLY_FAILED,
    Step.CONFIRM: FailureCode.DEPLOY_APPLY_FAILED,  # of its own; a check that fails there has its own code
    Step.ROLLBACK: FailureCode.ROLLBACK_FAILED,
}


class StepStatus(StrEnum):
    """How a step ended. ``inconclusive`` is no pass: the gateway was not shown to be wrong."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


class DeploymentStatus(StrEnum):
    """Status of a row of ``l402GatewayDeployments``; a run ends in one of the last three."""

    PENDING = "pending"
    APPLIED = "applied"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
