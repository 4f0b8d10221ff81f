"""Step 6: what serves is what was applied. (RECONCILE.md §3)"""

from __future__ import annotations

import pytest

from checks.requirement import require
from reconcile.models import CheckId
from reconcile.verify import RolloutEvidence, verify

pytestmark = pytest.mark.staging


@pytest.mark.check(CheckId.ROLLOUT_SERVING)
def test_serving(rollout_evidence: RolloutEvidence) -> None:
    """What serves is what was applied: our deploymentId, our configHash."""
    require(verify(CheckId.ROLLOUT_SERVING, rollout_evidence))
