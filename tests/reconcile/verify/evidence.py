"""Evidence of a gateway that does everything right, to be spoilt one thing at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconcile.models import CheckId, Finding, Network, Outcome, Rule
from reconcile.probe import (
    ChallengeEvidence,
    Exchange,
    PaidEvidence,
    ProxyEvidence,
    RefusalEvidence,
    RouteChallenge,
    RouteTarget,
    read_challenge,
)
from reconcile.verify import verify
from reconcile.verify.table import Evidence
from tests.reconcile.l402.minting import TIMESTAMP_S
from tests.reconcile.probe.asking import HOST, challenge_headers, exchange, rule

ASKED_AT_MS = (TIMESTAMP_S + 60) * 1000
UPSTREAM = exchange("paid", 200, body=b"for sale")
REFUSED = exchange("refused", 402)


def row(found: Rule | None = None, *, answer: Exchange | None = None, **changes: Any) -> RouteChallenge:
    """A route's decoded answer: Aperture's own, unless ``answer`` or parts of its challenge are given."""
    asked = found or rule()
    if answer is None:
        headers = challenge_headers(asked.route_id, **changes)
        answer = exchange(asked.id, headers=headers, body=b"payment required\n", at_ms=ASKED_AT_MS)
    return read_challenge(RouteTarget(asked, HOST, "/r"), answer)


def again(found: RouteChallenge) -> RouteChallenge:
    """The same challenge under another payment hash."""
    assert found.invoice is not None
    return replace(found, invoice=replace(found.invoice, payment_hash="ff" * 32))


def challenges(*routes: RouteChallenge, **changes: Any) -> ChallengeEvidence:
    """The challenge stage, the first route being the probe route; two good routes unless given."""
    rows = routes or (row(), row(rule("r_2")))
    second = again(rows[0]) if rows[0].invoice is not None else None
    evidence = ChallengeEvidence(rows, second, (), rows[0].rule.id, Network.REGTEST, None, None, "fail")
    return replace(evidence, **changes)


def proxy(paid: PaidEvidence | None = None, **changes: Any) -> ProxyEvidence:
    """The proxy stage, all right unless changed."""
    good = PaidEvidence(UPSTREAM, UPSTREAM, REFUSED, REFUSED, REFUSED)
    return replace(ProxyEvidence(RefusalEvidence(REFUSED, REFUSED, REFUSED), paid or good), **changes)


def verdict(check: CheckId, evidence: Evidence) -> tuple[Outcome, str | None]:
    """Outcome and reason."""
    found: Finding = verify(check, evidence)
    assert found.check is check
    return found.outcome, found.reason


PASSED = (Outcome.PASSED, None)
NOTHING = (Outcome.INCONCLUSIVE, "nothing_measured")
