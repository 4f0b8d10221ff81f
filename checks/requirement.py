"""How a check asserts: a finding that is no pass fails the test with what was got, what was expected, and what to do."""

from __future__ import annotations

import pytest

from reconcile.comparison import Comparison, Sameness
from reconcile.findings import Finding, Outcome


def require(finding: Finding) -> None:
    """Fail unless the finding passed; inconclusive is no pass."""
    if finding.outcome is not Outcome.PASSED:
        pytest.fail(finding.message, pytrace=False)


def require_same(comparison: Comparison) -> None:
    """Fail on a difference, and where it could not be found out; skip where there is nothing to compare with."""
    if comparison.sameness is Sameness.NOTHING:
        pytest.skip(comparison.told)
    if comparison.sameness is not Sameness.SAME:
        pytest.fail(comparison.message, pytrace=False)
