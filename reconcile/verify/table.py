"""Which verifier decides which check."""

from __future__ import annotations

from reconcile.models import CheckId, Finding
from reconcile.probe import ChallengeEvidence, HealthEvidence, ProxyEvidence, RolloutEvidence
from reconcile.verify import challenge, health, proxy, rollout

Evidence = RolloutEvidence | HealthEvidence | ChallengeEvidence | ProxyEvidence


def decide(check: CheckId, evidence: Evidence) -> Finding:
    """The verdict on one check.

    Raises:
        TypeError: the evidence is of another step: a bug, never a pass.
    """
    if isinstance(evidence, ChallengeEvidence) and check in challenge.VERIFIERS:
        return challenge.VERIFIERS[check](evidence)
    if isinstance(evidence, ProxyEvidence) and check in proxy.VERIFIERS:
        return proxy.VERIFIERS[check](evidence)
    if isinstance(evidence, RolloutEvidence) and check in rollout.VERIFIERS:
        return rollout.VERIFIERS[check](evidence)
    if isinstance(evidence, HealthEvidence) and check is CheckId.HEALTH_ANSWERS:
        return health.answers(evidence)
    raise TypeError(f"{check} is not decided by {type(evidence).__name__}")
