"""Step 7: the gateway answers (RECONCILE.md §3, health)."""

from __future__ import annotations

from reconcile.errors import ChallengeError
from reconcile.l402 import parse_challenges
from reconcile.models import CheckId, Finding, Problem
from reconcile.probe import Exchange, HealthEvidence, is_google_front_end
from reconcile.verify.interface import single

GOOGLE_REMEDY = (
    "the health path is answered by Google's front end and never reaches the container: "
    "set OA_LIGHTNING_OPS_GATEWAY_HEALTH_PATH to /healthz/, /health or /readyz"
)
EXPECTED = "2xx, Aperture's own 404, or 402 with a challenge"


def answers(evidence: HealthEvidence) -> Finding:
    """The health path is answered by the gateway itself; behind Google's front end the challenge URL's 402 decides."""
    check, exchange = CheckId.HEALTH_ANSWERS, evidence.exchange
    if evidence.challenge is not None and is_google_front_end(exchange):
        if evidence.challenge.status == 402 and has_challenge(evidence.challenge):
            return single(check, None, detail="google_frontend", remedy=GOOGLE_REMEDY)
        return single(check, _problem(evidence.challenge), detail="google_frontend", remedy=GOOGLE_REMEDY)
    detail = healthy_detail(exchange)
    return single(check, None if detail else _problem(exchange), detail=detail)


def healthy_detail(exchange: Exchange) -> str | None:
    """How a healthy gateway answered: ``status_200``, ``aperture_404``, ``challenge``; None when it did not."""
    status = exchange.status
    if status is not None and exchange.error is None and 200 <= status < 300:
        return f"status_{status}"
    is_text = (exchange.header("content-type") or "").startswith("text/plain")
    is_nosniff = exchange.header("x-content-type-options") == "nosniff"
    if status == 404 and exchange.text == "404 page not found" and is_text and is_nosniff:
        return "aperture_404"
    return "challenge" if status == 402 and has_challenge(exchange) else None


def has_challenge(exchange: Exchange) -> bool:
    """True when an L402 or LSAT challenge can be read from the answer."""
    try:
        return bool(parse_challenges(exchange.headers))
    except ChallengeError:
        return False


def _problem(exchange: Exchange) -> Problem:
    reason = exchange.error or f"status_{exchange.status}"
    return Problem(f"{exchange.host}{exchange.target}", reason, exchange.got, EXPECTED)
