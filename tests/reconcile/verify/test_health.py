"""Tests of reconcile.verify.health."""

from __future__ import annotations

import pytest

from reconcile.models import CheckId, Outcome
from reconcile.probe import Exchange, HealthEvidence
from reconcile.verify import verify
from tests.reconcile.probe.asking import challenge_headers, exchange
from tests.reconcile.verify.evidence import PASSED, verdict

APERTURE = (("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff"))
NOT_FOUND = b"404 page not found\n"
GOOGLE = exchange(
    "health", 404, headers=(("content-type", "text/html; charset=UTF-8"), ("server", "Google Frontend")), body=b"<html>"
)
CHECK = CheckId.HEALTH_ANSWERS


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        (exchange(status=200), "status_200"),
        (exchange(status=204), "status_204"),
        (exchange(status=404, headers=APERTURE, body=NOT_FOUND), "aperture_404"),
        (exchange(status=402, headers=challenge_headers()), "challenge"),
    ],
)
def test_gateway_that_answers_is_healthy_and_says_how(answer: Exchange, detail: str) -> None:
    """2xx, Aperture's own 404, or 402 with a challenge (RECONCILE.md §3)."""
    found = verify(CHECK, HealthEvidence(answer))
    assert (found.outcome, found.detail) == (Outcome.PASSED, detail)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (exchange(status=404, headers=APERTURE, body=b"not here"), "status_404"),
        (exchange(status=404, headers=APERTURE[:1], body=NOT_FOUND), "status_404"),
        (exchange(status=404, headers=APERTURE[1:], body=NOT_FOUND), "status_404"),
        (exchange(status=402), "status_402"),
        (exchange(status=302), "status_302"),
        (exchange(status=503), "status_503"),
        (exchange(status=None, error="timeout"), "timeout"),
        (exchange(status=None, error="connection_failed"), "connection_failed"),
        (exchange(status=500, error="lightning_node_unavailable"), "lightning_node_unavailable"),
    ],
)
def test_anything_else_is_not(answer: Exchange, reason: str) -> None:
    """Another 404, 5xx, a redirect, or no answer."""
    assert verdict(CHECK, HealthEvidence(answer)) == (Outcome.FAILED, reason)


def test_behind_google_front_end_the_challenge_url_decides() -> None:
    """The challenge URL's 402 is the health; its failure comes with the remedy."""
    good = verify(CHECK, HealthEvidence(GOOGLE, exchange(headers=challenge_headers())))
    assert (good.outcome, good.detail) == (Outcome.PASSED, "google_frontend")
    bad = verify(CHECK, HealthEvidence(GOOGLE, exchange(status=503)))
    assert (bad.outcome, bad.reason, "HEALTH_PATH" in (bad.remedy or "")) == (Outcome.FAILED, "status_503", True)
    assert verdict(CHECK, HealthEvidence(GOOGLE)) == (Outcome.FAILED, "status_404")


def test_warning_of_google_front_end_carries_the_remedy() -> None:
    """A warning with the remedy (RECONCILE.md §3)."""
    found = verify(CHECK, HealthEvidence(GOOGLE, exchange(headers=challenge_headers())))
    assert "HEALTH_PATH" in (found.remedy or "")


def test_other_html_404_that_mentions_google_is_no_front_end() -> None:
    """Google's front end is told by its ``Server`` header (APERTURE.md)."""
    other = exchange(status=404, headers=(("content-type", "text/html"), ("server", "nginx")), body=b"google fonts")
    assert verdict(CHECK, HealthEvidence(other, exchange(headers=challenge_headers()))) != PASSED


def test_402_of_another_scheme_is_no_challenge() -> None:
    """402 with a challenge: LSAT or L402."""
    answer = exchange(status=402, headers=(("WWW-Authenticate", "Bearer"),))
    assert verdict(CHECK, HealthEvidence(answer)) != PASSED
