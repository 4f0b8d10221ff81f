"""Step 8: every route asks for its own price, in a challenge that can be paid and trusted. (RECONCILE.md §3)"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.requirement import require
from reconcile.findings import CheckId
from reconcile.verify import verify

if TYPE_CHECKING:
    from reconcile.verify import ChallengeEvidence

pytestmark = pytest.mark.staging


@pytest.mark.check(CheckId.CHALLENGE_STATUS)
def test_status(challenge_evidence: ChallengeEvidence) -> None:
    """Every route in scope answers a request without a credential with 402."""
    require(verify(CheckId.CHALLENGE_STATUS, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_NO_STORE)
def test_no_store(challenge_evidence: ChallengeEvidence) -> None:
    """No cache may keep a challenge: Cache-Control says no-store."""
    require(verify(CheckId.CHALLENGE_NO_STORE, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_NO_UPSTREAM_BYTES)
def test_no_upstream_bytes(challenge_evidence: ChallengeEvidence) -> None:
    """A challenge carries nothing of what is for sale."""
    require(verify(CheckId.CHALLENGE_NO_UPSTREAM_BYTES, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_SCHEMES)
def test_schemes(challenge_evidence: ChallengeEvidence) -> None:
    """Both schemes are offered, LSAT and L402, with the same token in both."""
    require(verify(CheckId.CHALLENGE_SCHEMES, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_MACAROON)
def test_macaroon(challenge_evidence: ChallengeEvidence) -> None:
    """The token is a v2 macaroon whose identifier has 66 bytes and version 0."""
    require(verify(CheckId.CHALLENGE_MACAROON, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_INVOICE)
def test_invoice(challenge_evidence: ChallengeEvidence) -> None:
    """The invoice is BOLT11 whose checksum and signature hold."""
    require(verify(CheckId.CHALLENGE_INVOICE, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_PAYMENT_HASH)
def test_payment_hash(challenge_evidence: ChallengeEvidence) -> None:
    """The macaroon is bound to the very invoice that is to be paid for it."""
    require(verify(CheckId.CHALLENGE_PAYMENT_HASH, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_AMOUNT)
def test_amount(challenge_evidence: ChallengeEvidence) -> None:
    """The invoice asks for the compiled price, to the millisatoshi."""
    require(verify(CheckId.CHALLENGE_AMOUNT, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_NETWORK)
def test_network(challenge_evidence: ChallengeEvidence) -> None:
    """The invoice is for the configured Lightning network."""
    require(verify(CheckId.CHALLENGE_NETWORK, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_EXPIRY)
def test_expiry(challenge_evidence: ChallengeEvidence) -> None:
    """The invoice can still be paid."""
    require(verify(CheckId.CHALLENGE_EXPIRY, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_PAYEE)
def test_payee(challenge_evidence: ChallengeEvidence) -> None:
    """One key signed every invoice: LND_NODE_PUBKEY if it is set."""
    require(verify(CheckId.CHALLENGE_PAYEE, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_SERVICE)
def test_service(challenge_evidence: ChallengeEvidence) -> None:
    """The services caveat names this route's service, and no other."""
    require(verify(CheckId.CHALLENGE_SERVICE, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_VALID_UNTIL)
def test_valid_until(challenge_evidence: ChallengeEvidence) -> None:
    """The token has a lifetime if and only if TOKEN_TIMEOUT_S is set."""
    require(verify(CheckId.CHALLENGE_VALID_UNTIL, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_FRESH)
def test_fresh(challenge_evidence: ChallengeEvidence) -> None:
    """A second challenge on the probe route has another payment hash."""
    require(verify(CheckId.CHALLENGE_FRESH, challenge_evidence))


@pytest.mark.check(CheckId.CHALLENGE_SUSPENDED)
def test_suspended(challenge_evidence: ChallengeEvidence) -> None:
    """A suspended paywall's route neither serves nor mints for its service."""
    require(verify(CheckId.CHALLENGE_SUSPENDED, challenge_evidence))
