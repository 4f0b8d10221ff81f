"""The same cases at real Aperture and at the embedded gateway, both live, compared field by field."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.embedded.faults import FaultPlan
from tests.contracts.case import Case
from tests.contracts.cases import CASES
from tests.contracts.observe import Observer
from tests.contracts.real import aperture
from tests.contracts.recording import differences, read
from tests.contracts.sites import EmbeddedSite, embedded

pytestmark = pytest.mark.regtest
RECORDED = read()


@pytest.fixture(scope="module")
def real() -> Iterator[Observer]:
    """Aperture, its node, and somebody who pays over a channel."""
    with aperture() as observer:
        yield observer


@pytest.fixture(scope="module")
def site() -> Iterator[EmbeddedSite]:
    """The embedded gateway."""
    with embedded() as site:
        yield site


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_both_answer_alike(case: Case, real: Observer, site: EmbeddedSite) -> None:
    """Where they differ, the embedded gateway is wrong; and Aperture answers as it was recorded (else: tox -e record)."""
    answered = real.run(case)
    assert differences(case, answered, site.observer.run(case)) == []
    assert differences(case, RECORDED[case.id]["answered"], answered) == []


def test_changed_answer_is_noticed(real: Observer, site: EmbeddedSite) -> None:
    """The comparison is not blind: an embedded gateway that forgets one header is caught."""
    case = next(case for case in CASES if case.id == "challenge.plain")
    site.gateway.faults = FaultPlan(frozenset({"challenge-no-store"}))
    try:
        assert differences(case, real.run(case), site.observer.run(case)) != []
    finally:
        site.gateway.faults = FaultPlan()
