"""The verdict: what was expected against what ran. Selection never defines success. Pure.

Sources: RECONCILE.md §2 ("The plan fixes which check ids must pass", "exactly one code").
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from reconcile.models import CHECKED_STEPS, FAILURE_CODES, CheckId, FailureCode, Finding, Outcome, Step, StepStatus


class Attempt(StrEnum):
    """How one run of a check's test ended. Only a clean pass of setup, call and teardown is PASSED."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"  # skipped, xfailed, or passed under an xfail mark
    RETRIED = "retried"  # failed, and tried again


class SessionEnd(StrEnum):
    """How the pytest session ended."""

    COMPLETE = "complete"
    INTERRUPTED = "interrupted"
    BROKEN = "broken"  # collection or internal error


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run is not applied. ``code`` is the contract's, ``reason`` a stable string, ``remedy`` for people."""

    step: Step
    reason: str
    is_inconclusive: bool = False
    remedy: str | None = None
    message: str = ""
    check: CheckId | None = None  # the check that failed when the promoted config was confirmed: its code is the run's

    @property
    def code(self) -> FailureCode:
        """The failure code of the step, or of the check that failed in it."""
        return FAILURE_CODES[self.step if self.check is None else self.check.step]


@dataclass(frozen=True, slots=True)
class StepVerdict:
    """How a checked step ended, with its failure unless it passed."""

    status: StepStatus
    failure: Failure | None
    unproven: tuple[CheckId, ...] = ()  # expected checks without a clean pass at every attempt


def judge_step(
    step: Step,
    findings: Mapping[CheckId, Finding],
    attempts: Mapping[CheckId, Sequence[Attempt]],
    error: Failure | None,
    end: SessionEnd,
    expected_ids: Collection[CheckId],
) -> StepVerdict:
    """The verdict on one checked step.

    Args:
        findings: verifiers' verdicts of the whole run. attempts: how each check's test ended, every attempt.
        error: set when the step's evidence could not be gathered. end: how the session ended.
        expected_ids: the checks that the run must pass.
    """
    expected = [check for check in CheckId if check.step is step and check in expected_ids]
    unproven = tuple(check for check in expected if not _is_clean(attempts.get(check, ())))
    if error is not None:
        status = StepStatus.INCONCLUSIVE if error.is_inconclusive else StepStatus.FAILED
        return StepVerdict(status, error, unproven)
    own = [findings[check] for check in expected if check in findings and findings[check].outcome is not Outcome.PASSED]
    if own:
        return _own_failure(step, own, unproven)
    if not unproven and len([c for c in expected if c in findings]) == len(expected):
        return StepVerdict(StepStatus.PASSED, None)
    reason, check = _unproven_reason(unproven or tuple(expected), attempts, end)
    was_reached = any(check in findings for check in expected) or any(attempts.get(check) for check in expected)
    status = StepStatus.FAILED if was_reached else StepStatus.SKIPPED
    return StepVerdict(status, Failure(step, reason, message=f"{check}: {reason}"), unproven)


def judge(
    errors: Mapping[Step, Failure],
    findings: Mapping[CheckId, Finding],
    attempts: Mapping[CheckId, Sequence[Attempt]],
    end: SessionEnd,
    expected_ids: Collection[CheckId],
) -> tuple[Failure | None, dict[Step, StepVerdict]]:
    """The run's first failure in the table's order, or None, and each checked step's verdict.

    Args:
        errors: steps that failed by themselves (read … apply, or the gathering of evidence).
    """
    verdicts = {
        step: judge_step(step, findings, attempts, errors.get(step), end, expected_ids) for step in CHECKED_STEPS
    }
    for step in Step:
        if step in verdicts:
            if (failure := verdicts[step].failure) is not None:
                return failure, verdicts
        elif step in errors:
            return errors[step], verdicts
    if end is not SessionEnd.COMPLETE:
        reason = "interrupted" if end is SessionEnd.INTERRUPTED else "session_error"
        return Failure(Step.PROXY, reason, message="the session did not end by itself"), verdicts
    return None, verdicts


def cut_short(failure: Failure | None, statuses: Mapping[Step, StepStatus], end: SessionEnd) -> Failure | None:
    """The failure of a session that broke off: it belongs to the first step that had not passed, checked or not."""
    if end is SessionEnd.COMPLETE or failure is None or failure.reason not in ("interrupted", "session_error"):
        return failure
    before = list(Step)[1 : list(Step).index(failure.step)]
    early = [step for step in before if step not in CHECKED_STEPS and statuses.get(step) is not StepStatus.PASSED]
    return replace(failure, step=early[0]) if early else failure


def _is_clean(attempts: Sequence[Attempt]) -> bool:
    return bool(attempts) and all(attempt is Attempt.PASSED for attempt in attempts)


def _own_failure(step: Step, own: Sequence[Finding], unproven: tuple[CheckId, ...]) -> StepVerdict:
    """A definite failure outweighs an inconclusive one; else the first in the order of the check ids."""
    failed = [finding for finding in own if finding.outcome is Outcome.FAILED]
    finding = (failed or list(own))[0]
    is_inconclusive = not failed
    reason = finding.reason or "check_missing"
    if is_inconclusive:
        reason = f"inconclusive:{reason}"
    failure = Failure(step, reason, is_inconclusive, finding.remedy, finding.message)
    return StepVerdict(StepStatus.INCONCLUSIVE if is_inconclusive else StepStatus.FAILED, failure, unproven)


def _unproven_reason(
    unproven: Sequence[CheckId], attempts: Mapping[CheckId, Sequence[Attempt]], end: SessionEnd
) -> tuple[str, CheckId]:
    """The reason of the first check, in order, that ran but was no pass; else that one is missing, and why."""
    for check in unproven:
        seen = attempts.get(check, ())
        if seen and seen[-1] is Attempt.FAILED:
            return "session_error", check  # the verifier passed it, its test did not
        if Attempt.SKIPPED in seen:
            return "check_skipped", check
        if Attempt.RETRIED in seen or (seen and not _is_clean(seen)):
            return "check_retried", check
    if end is SessionEnd.INTERRUPTED:
        return "interrupted", unproven[0]
    return ("session_error" if end is SessionEnd.BROKEN else "check_missing"), unproven[0]
