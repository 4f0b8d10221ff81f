"""What is asked of a gateway, and what came back."""

from reconcile.probe.evidence import (
    NODE_UNAVAILABLE,
    ChallengeEvidence,
    Exchange,
    HealthEvidence,
    PaidEvidence,
    ProxyEvidence,
    RefusalEvidence,
    RolloutEvidence,
    RouteChallenge,
    RouteTarget,
    read_challenge,
)
from reconcile.probe.prober import Prober, ProbeSettings, is_google_front_end

__all__ = [
    "NODE_UNAVAILABLE",
    "ChallengeEvidence",
    "Exchange",
    "HealthEvidence",
    "PaidEvidence",
    "ProbeSettings",
    "Prober",
    "ProxyEvidence",
    "RefusalEvidence",
    "RolloutEvidence",
    "RouteChallenge",
    "RouteTarget",
    "is_google_front_end",
    "read_challenge",
]
