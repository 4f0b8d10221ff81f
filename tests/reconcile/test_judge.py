"""The verdict: nothing is applied unless every expected check passed, at every attempt, in a whole session."""

from __future__ import annotations

import pytest

from reconcile.judge import Attempt, Failure, SessionEnd, cut_short, judge
from reconcile.models import CheckId, FailureCode, Finding, Outcome, Step, StepStatus

GOOD = {check: Finding(check, Outcome.PASSED) for check in CheckId}
CLEAN = {check: [Attempt.PASSED] for check in CheckId}


def test_all_clean_is_no_failure() -> None:
    """Every expected check ran and passed: applied."""
    failure, verdicts = judge({}, GOOD, CLEAN, SessionEnd.COMPLETE, tuple(CheckId))
    assert failure is None
    assert {verdict.status for verdict in verdicts.values()} == {StepStatus.PASSED}


@pytest.mark.parametrize("check", list(CheckId))
@pytest.mark.parametrize(
    ("attempts", "reason"),
    [
        ([], "check_missing"),
        ([Attempt.SKIPPED], "check_skipped"),
        ([Attempt.RETRIED, Attempt.PASSED], "check_retried"),
        ([Attempt.FAILED, Attempt.PASSED], "check_retried"),
        ([Attempt.FAILED], "session_error"),
    ],
)
def test_anything_but_a_clean_pass_fails_the_step(check: CheckId, attempts: list[Attempt], reason: str) -> None:
    """Skipped, deselected, retried, xfailed, missing are no passes, for any check."""
    failure, verdicts = judge({}, GOOD, {**CLEAN, check: attempts}, SessionEnd.COMPLETE, tuple(CheckId))
    assert failure is not None
    assert (failure.step, failure.reason) == (check.step, reason)
    assert verdicts[check.step].unproven == (check,)


@pytest.mark.parametrize("check", list(CheckId))
def test_verifier_outweighs_a_passing_test(check: CheckId) -> None:
    """A test that was bent to pass changes nothing: the verifier's own verdict counts."""
    bad = {**GOOD, check: Finding(check, Outcome.FAILED, "wrong")}
    failure, _ = judge({}, bad, CLEAN, SessionEnd.COMPLETE, tuple(CheckId))
    assert failure is not None
    assert (failure.step, failure.reason) == (check.step, "wrong")


@pytest.mark.parametrize("check", list(CheckId))
def test_check_without_a_finding_is_no_pass(check: CheckId) -> None:
    """A passing test whose evidence was never verified proves nothing."""
    findings = {known: finding for known, finding in GOOD.items() if known is not check}
    failure, _ = judge({}, findings, CLEAN, SessionEnd.COMPLETE, tuple(CheckId))
    assert failure is not None
    assert failure.step is check.step


def test_definite_failure_outweighs_an_inconclusive_one() -> None:
    """A step with both is failed, with the definite reason."""
    findings = {
        **GOOD,
        CheckId.CHALLENGE_STATUS: Finding(CheckId.CHALLENGE_STATUS, Outcome.INCONCLUSIVE, "host_not_routed"),
        CheckId.CHALLENGE_AMOUNT: Finding(CheckId.CHALLENGE_AMOUNT, Outcome.FAILED, "amount_mismatch"),
    }
    failure, verdicts = judge({}, findings, CLEAN, SessionEnd.COMPLETE, tuple(CheckId))
    assert failure is not None
    assert failure.reason == "amount_mismatch"
    assert verdicts[Step.CHALLENGE].status is StepStatus.FAILED


def test_inconclusive_is_no_pass() -> None:
    """It fails its step, with the reason's prefix."""
    findings = {**GOOD, CheckId.PROXY_SERVED: Finding(CheckId.PROXY_SERVED, Outcome.INCONCLUSIVE, "payer_no_route")}
    failure, verdicts = judge({}, findings, CLEAN, SessionEnd.COMPLETE, tuple(CheckId))
    assert failure is not None
    assert (failure.code, failure.reason) == (FailureCode.PROXY_CHECK_FAILED, "inconclusive:payer_no_route")
    assert failure.is_inconclusive
    assert verdicts[Step.PROXY].status is StepStatus.INCONCLUSIVE


def test_first_step_in_the_tables_order_gives_the_code() -> None:
    """A run carries the code of the first step that did not pass."""
    errors = {Step.APPLY: Failure(Step.APPLY, "status_500")}
    failure, _ = judge(errors, {}, {}, SessionEnd.COMPLETE, tuple(CheckId))
    assert failure is errors[Step.APPLY]
    gathering = {Step.CHALLENGE: Failure(Step.CHALLENGE, "inconclusive:x", is_inconclusive=True)}
    failure, verdicts = judge(gathering, GOOD, CLEAN, SessionEnd.COMPLETE, tuple(CheckId))
    assert failure is gathering[Step.CHALLENGE]
    assert verdicts[Step.CHALLENGE].status is StepStatus.INCONCLUSIVE
    failure, verdicts = judge(
        {Step.HEALTH: Failure(Step.HEALTH, "x")}, GOOD, CLEAN, SessionEnd.COMPLETE, tuple(CheckId)
    )
    assert verdicts[Step.HEALTH].status is StepStatus.FAILED


@pytest.mark.parametrize(
    ("end", "reason"), [(SessionEnd.INTERRUPTED, "interrupted"), (SessionEnd.BROKEN, "session_error")]
)
def test_session_that_did_not_end_by_itself_is_never_applied(end: SessionEnd, reason: str) -> None:
    """Nothing may interrupt an applied run, not even after its last check."""
    failure, _ = judge({}, GOOD, CLEAN, end, tuple(CheckId))
    assert failure is not None
    assert failure.reason == reason
    failure, _ = judge({}, {}, {}, end, tuple(CheckId))
    assert failure is not None
    assert (failure.step, failure.reason) == (Step.ROLLOUT, reason)


@pytest.mark.parametrize("end", [SessionEnd.INTERRUPTED, SessionEnd.BROKEN])
def test_session_that_broke_off_fails_at_its_first_step_that_had_not_passed(end: SessionEnd) -> None:
    """Before the checks, too: a run that was stopped while it read the paywalls carries that step's code."""
    failure, _ = judge({}, {}, {}, end, tuple(CheckId))
    passed = {Step.READ: StepStatus.PASSED, Step.COMPILE: StepStatus.PASSED}
    early = cut_short(failure, passed, end)
    assert early is not None
    assert early.code is FailureCode.COMPILE_VALIDATION_FAILED
    assert early.step is Step.INTENT
    everything = dict.fromkeys(Step, StepStatus.PASSED)
    assert cut_short(failure, everything, end) == failure
    assert cut_short(failure, {}, SessionEnd.COMPLETE) == failure
