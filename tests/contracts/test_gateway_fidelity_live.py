"""The same cases at real Aperture and at the embedded gateway, both live, compared field by field."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.embedded.faults import FaultPlan
from tests.contracts.case import Case
from tests.contracts.cases import CASES
from tests.contracts.configs import CONFIGS
from tests.contracts.real import RealSite, aperture
from tests.contracts.recording import differences, outcome_differences, read, read_configs, read_newer
from tests.contracts.sites import EmbeddedSite, embedded

pytestmark = pytest.mark.regtest
RECORDED, RECORDED_CONFIGS = read(), read_configs()


@pytest.fixture(scope="module")
def real() -> Iterator[RealSite]:
    """Aperture, its node, and somebody who pays over a channel."""
    with aperture() as site:
        yield site


@pytest.fixture(scope="module")
def site() -> Iterator[EmbeddedSite]:
    """The embedded gateway."""
    with embedded() as site:
        yield site


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_both_answer_alike(case: Case, real: RealSite, site: EmbeddedSite) -> None:
    """Where they differ, the embedded gateway is wrong; and Aperture answers as it was recorded (else: tox -e record).

    What a newer Go's server answers otherwise was recorded beside it: the embedded gateway answers as the older do.
    """
    answered = real.observer.run(case)
    if newer := read_newer(real.go).get(case.id):
        assert differences(case, newer["answered"], answered) == []
    else:
        assert differences(case, RECORDED[case.id]["answered"], answered) == []
        assert differences(case, answered, site.observer.run(case)) == []


@pytest.mark.parametrize("name", CONFIGS)
def test_config_comes_to_the_same_on_both(name: str, real: RealSite, site: EmbeddedSite) -> None:
    """What stops Aperture's start stops the embedded gateway's; what it takes comes to the same price and caveats."""
    outcome = real.outcome(name)
    assert outcome_differences(outcome, site.outcome(name)) == []
    assert outcome_differences(RECORDED_CONFIGS[name]["outcome"], outcome) == []


def test_changed_answer_is_noticed(real: RealSite, site: EmbeddedSite) -> None:
    """The comparison is not blind: an embedded gateway that forgets one header is caught."""
    case = next(case for case in CASES if case.id == "challenge.plain")
    site.gateway.faults = FaultPlan(frozenset({"challenge-no-store"}))
    try:
        assert differences(case, real.observer.run(case), site.observer.run(case)) != []
    finally:
        site.gateway.faults = FaultPlan()
