"""Check id + evidence → finding. Pure; what checks/ asserts and what the conductor decides by."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconcile.models import CheckId, Finding
    from reconcile.probe import ChallengeEvidence, HealthEvidence, ProxyEvidence, RolloutEvidence
    from reconcile.verify.table import Evidence


def verify(check: CheckId, evidence: Evidence) -> Finding:
    """The verdict on one check.

    Raises:
        TypeError: the evidence is of another step: a bug, never a pass.
    """
    from reconcile.verify.table import decide  # decoders of macaroons and invoices: collecting needs none of them

    return decide(check, evidence)


__all__ = ["ChallengeEvidence", "Evidence", "HealthEvidence", "ProxyEvidence", "RolloutEvidence", "verify"]
