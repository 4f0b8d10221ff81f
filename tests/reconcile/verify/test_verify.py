"""Tests of reconcile.verify: one verdict for each check id, on rollout and on evidence of the wrong step."""

from __future__ import annotations

import pytest

from reconcile.models import CheckId, Deployment, Outcome
from reconcile.probe import HealthEvidence, RolloutEvidence
from reconcile.verify import verify
from reconcile.verify.table import Evidence
from tests.reconcile.probe.asking import exchange
from tests.reconcile.verify.evidence import PASSED, challenges, proxy, verdict
from tests.reconcile.verify.test_rollout import rollout

EVIDENCE: dict[str, Evidence] = {
    "rollout": rollout(),
    "health": HealthEvidence(exchange(status=200)),
    "challenge": challenges(),
    "proxy": proxy(),
}


@pytest.mark.parametrize("check", CheckId)
def test_every_check_has_a_verifier_that_passes_what_is_right(check: CheckId) -> None:
    """No check id is forgotten."""
    assert verdict(check, EVIDENCE[check.step.value]) == PASSED


@pytest.mark.parametrize("check", CheckId)
def test_evidence_of_another_step_is_a_bug_and_no_pass(check: CheckId) -> None:
    """Wrong evidence is never judged."""
    for step, evidence in EVIDENCE.items():
        if step != check.step.value:
            with pytest.raises(TypeError):
                verify(check, evidence)


@pytest.mark.parametrize(
    ("active", "error", "reason"),
    [
        (Deployment(deployment_id="dep_1", config_hash="cfg_2"), None, "config_hash_mismatch"),
        (Deployment(deployment_id="dep_2", config_hash="cfg_1"), None, "not_serving"),
        (Deployment(deployment_id="dep_2", config_hash="cfg_2"), None, "not_serving"),
        (None, None, "no_deployment"),
        (None, "status_500", "status_500"),
    ],
)
def test_rollout_serves_our_deployment_with_our_hash(active: Deployment | None, error: str | None, reason: str) -> None:
    """Another id, another hash, nothing, or no word from the gateway."""
    evidence = RolloutEvidence("dep_1", "cfg_1", active, error)
    assert verdict(CheckId.ROLLOUT_SERVING, evidence) == (Outcome.FAILED, reason)
