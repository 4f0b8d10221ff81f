"""A restored gateway is held against its own config, without paying: names, prices and lifetimes of the saved revision."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.embedded.faults import FaultPlan
from fixtures.embedded.stack import EmbeddedStack
from reconcile.gateways.cloud_run_gateway import CloudRunGateway
from reconcile.models import CheckId, DeploymentStatus, Outcome, Step
from reconcile.record import RunRecord
from reports.html import summary_html
from tests.reconcile.gateways.conducting import conducted

NOT_TOLD = {CheckId.CHALLENGE_SUSPENDED}
TOLD = {check for check in CheckId if check.step is Step.CHALLENGE} - NOT_TOLD


def rolled_back(folder: Path, *faults: str, **env: str) -> RunRecord:
    """A run whose candidate never becomes ready, so that the former revision is put back."""
    with EmbeddedStack(FaultPlan(frozenset({"cloud-revision-fails", *faults})), is_cloud=True) as stack:
        record = conducted(stack, folder, **env)
        assert record.summary.deployment_status is DeploymentStatus.ROLLED_BACK
        assert stack.wallet.payments == []
        return record


def outcomes(record: RunRecord) -> dict[CheckId, Outcome]:
    """What was found of the restored gateway, by check id."""
    return {finding.check: finding.outcome for finding in record.restored_findings}


def test_restored_gateway_is_verified_with_the_same_check_ids(tmp_path: Path) -> None:
    """Who serves, health, and each challenge check that the old config answers for; all of it is in the record."""
    record = rolled_back(tmp_path)
    assert record.summary.rollback_verified is True
    assert set(outcomes(record)) == {CheckId.ROLLOUT_SERVING, CheckId.HEALTH_ANSWERS, *TOLD}
    assert set(outcomes(record).values()) == {Outcome.PASSED}
    page = summary_html(record)
    assert "After the rollback, by the restored config" in page
    assert "<td>challenge.amount</td><td>passed</td>" in page


@pytest.mark.parametrize(
    ("fault", "check"),
    [
        ("challenge-amount", CheckId.CHALLENGE_AMOUNT),
        ("challenge-service", CheckId.CHALLENGE_SERVICE),
        ("challenge-valid-until", CheckId.CHALLENGE_VALID_UNTIL),
        ("health-answers", CheckId.HEALTH_ANSWERS),
    ],
)
def test_restored_gateway_that_differs_from_its_config_is_not_verified(
    fault: str, check: CheckId, tmp_path: Path
) -> None:
    """Another price than the saved revision's config says, for one: ``rollbackVerified`` false, a warning, the same code."""
    record = rolled_back(tmp_path, fault)
    summary = record.summary
    assert (summary.failure_code, summary.failure_reason) == ("deploy_apply_failed", "revision_not_ready")
    assert summary.rollback_verified is False
    assert [found for found, outcome in outcomes(record).items() if outcome is not Outcome.PASSED] == [check]
    assert any(f"the restored gateway does not pass {check}" in warning for warning in record.warnings)


def test_config_that_cannot_be_read_leaves_the_402_to_decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then a price that only the file could tell is nobody's to find wrong."""
    monkeypatch.setattr(CloudRunGateway, "charges", lambda *_: (None,) * len(_[2]))
    record = rolled_back(tmp_path, "challenge-amount")
    assert record.summary.rollback_verified is True
    assert set(outcomes(record)) == {CheckId.ROLLOUT_SERVING, CheckId.HEALTH_ANSWERS}


def test_route_that_the_restored_config_does_not_charge_for_is_not_judged(tmp_path: Path) -> None:
    """The operator's own service alone: the challenge URL's 404 says nothing of it."""
    record = rolled_back(tmp_path, "no-snapshot")
    assert record.summary.rollback_verified is None
    assert set(outcomes(record)) == {CheckId.ROLLOUT_SERVING, CheckId.HEALTH_ANSWERS}
