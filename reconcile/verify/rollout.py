"""Step 6: what serves is what was applied."""

from __future__ import annotations

from reconcile.models import CheckId, Finding, Problem
from reconcile.probe import RolloutEvidence
from reconcile.verify.interface import single


def serving(evidence: RolloutEvidence) -> Finding:
    """The gateway names our deploymentId and our configHash."""
    check, expected = CheckId.ROLLOUT_SERVING, f"{evidence.expected_deployment_id} with {evidence.expected_config_hash}"
    active = evidence.active
    if active is None:
        reason = evidence.error or "no_deployment"
        return single(check, Problem("active deployment", reason, reason, expected))
    got = f"{active.deployment_id} with {active.config_hash}"
    if active.deployment_id == evidence.expected_deployment_id and active.config_hash == evidence.expected_config_hash:
        return single(check, None, detail=got)
    is_ours = active.deployment_id == evidence.expected_deployment_id
    reason = "config_hash_mismatch" if is_ours else "not_serving"
    remedy = "find out what keeps the gateway on another deployment, and who else deploys to it"
    return single(check, Problem("active deployment", reason, got, expected), remedy=remedy)
