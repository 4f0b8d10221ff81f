"""Drift: what serves is what Khala asks for and what the last run left. Touches nothing; ``-m drift`` alone selects it."""

from __future__ import annotations

import pytest

from checks.requirement import require_same
from reconcile.comparison import Comparison

pytestmark = pytest.mark.drift


def test_config_is_what_khala_asks_for(drift_from_khala: Comparison) -> None:
    """The services that serve are those that Khala's paywalls compile to now, price by price."""
    require_same(drift_from_khala)


def test_config_is_what_was_recorded(drift_from_record: Comparison) -> None:
    """What serves is what the last run left, or Cloud Run's audit names as verified, whichever is newer."""
    require_same(drift_from_record)


def test_routes_ask_what_they_should(drift_of_behaviour: Comparison) -> None:
    """Every route in scope answers with its challenge, at the price that Khala, its config and the record say."""
    require_same(drift_of_behaviour)
