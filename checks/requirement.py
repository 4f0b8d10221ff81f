"""How a check asserts: a finding that is no pass fails the test with what was got, what was expected, and what to do."""

from __future__ import annotations

import pytest

from reconcile.findings import Finding, Outcome


def require(finding: Finding) -> None:
    """Fail unless the finding passed; inconclusive is no pass."""
    if finding.outcome is not Outcome.PASSED:
        pytest.fail(finding.message, pytrace=False)
