"""Step 9: refused without payment, served with it, and not fooled. (RECONCILE.md §3)"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.requirement import require
from reconcile.findings import CheckId
from reconcile.verify import verify

if TYPE_CHECKING:
    from reconcile.verify import ProxyEvidence

pytestmark = pytest.mark.staging


@pytest.mark.check(CheckId.PROXY_NO_CREDENTIAL)
def test_no_credential(proxy_evidence: ProxyEvidence) -> None:
    """Without a credential nothing is served."""
    require(verify(CheckId.PROXY_NO_CREDENTIAL, proxy_evidence))


@pytest.mark.check(CheckId.PROXY_ZERO_PREIMAGE)
def test_zero_preimage(proxy_evidence: ProxyEvidence) -> None:
    """A fresh macaroon with a preimage of 64 zeros is refused."""
    require(verify(CheckId.PROXY_ZERO_PREIMAGE, proxy_evidence))


@pytest.mark.check(CheckId.PROXY_RANDOM_PREIMAGE)
def test_random_preimage(proxy_evidence: ProxyEvidence) -> None:
    """A fresh macaroon with a random preimage is refused."""
    require(verify(CheckId.PROXY_RANDOM_PREIMAGE, proxy_evidence))


@pytest.mark.check(CheckId.PROXY_SERVED)
def test_served(proxy_evidence: ProxyEvidence) -> None:
    """A paid credential is served by the upstream, 2xx."""
    require(verify(CheckId.PROXY_SERVED, proxy_evidence))


@pytest.mark.check(CheckId.PROXY_REUSED)
def test_reused(proxy_evidence: ProxyEvidence) -> None:
    """The same paid credential is served again."""
    require(verify(CheckId.PROXY_REUSED, proxy_evidence))


@pytest.mark.check(CheckId.PROXY_TAMPERED_SIGNATURE)
def test_tampered_signature(proxy_evidence: ProxyEvidence) -> None:
    """The paid token with one bit of its signature flipped is refused."""
    require(verify(CheckId.PROXY_TAMPERED_SIGNATURE, proxy_evidence))


@pytest.mark.check(CheckId.PROXY_TAMPERED_CAVEAT)
def test_tampered_caveat(proxy_evidence: ProxyEvidence) -> None:
    """The paid token with one bit of a caveat flipped is refused."""
    require(verify(CheckId.PROXY_TAMPERED_CAVEAT, proxy_evidence))


@pytest.mark.check(CheckId.PROXY_FOREIGN)
def test_foreign(proxy_evidence: ProxyEvidence) -> None:
    """The paid token of one service does not open another."""
    require(verify(CheckId.PROXY_FOREIGN, proxy_evidence))
