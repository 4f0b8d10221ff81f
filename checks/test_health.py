"""Step 7: the gateway answers. (RECONCILE.md §3)"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.requirement import require
from reconcile.findings import CheckId
from reconcile.verify import verify

if TYPE_CHECKING:
    from reconcile.verify import HealthEvidence

pytestmark = pytest.mark.staging


@pytest.mark.check(CheckId.HEALTH_ANSWERS)
def test_answers(health_evidence: HealthEvidence) -> None:
    """The health path is answered by the gateway itself: 2xx, Aperture's own 404, or 402 with a challenge."""
    require(verify(CheckId.HEALTH_ANSWERS, health_evidence))
