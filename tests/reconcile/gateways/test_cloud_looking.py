"""Looking at a service on Cloud Run: everything is read, nothing is written, and what is no answer is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.embedded.cloud import seed
from fixtures.embedded.faults import FaultPlan
from reconcile.errors import GatewayError
from reconcile.gateways import ApplyRequest
from reconcile.inspection.services import read_services
from reconcile.models import Rollout, Step
from tests.reconcile.gateways.cloud import FIRST, Cloud, Run, compiled, running

READS = {"GetService", "GetRevision", "GetSecret", "AccessSecretVersion"}


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    """A cloud whose operator's own revision serves."""
    with running(tmp_path) as found:
        yield found


def test_operators_own_service_is_seen_and_has_none_of_ours(cloud: Cloud) -> None:
    """Named by its revision; no service of ours, no mark, no lease; only reads were made."""
    gateway = cloud.gateway()
    sight = gateway.look()
    shown = gateway.serving_services(sight)
    assert sight.cloud is not None
    assert (sight.cloud.revision, sight.cloud.serving, sight.cloud.config_version) == (FIRST, (FIRST,), "1")
    assert (sight.cloud.verified, sight.cloud.failed, sight.cloud.lease) == (None, None, None)
    assert shown is not None
    assert (read_services(shown.document), shown.written_hash) == ((), None)
    assert gateway.objection(ApplyRequest("request-1", "dep_1", compiled())) is None
    assert set(cloud.calls) <= READS
    assert cloud.states == {1: "ENABLED"}


def test_what_was_deployed_is_what_is_read(cloud: Cloud) -> None:
    """The compiled services, with their hash, out of a file that holds the operator's as well; no password."""
    wanted = compiled("/staging", "/b", price_sat=12)
    Run(cloud, wanted, rollout=Rollout.DIRECT).apply()
    gateway = cloud.gateway()
    sight = gateway.look()
    shown = gateway.serving_services(sight)
    assert sight.deployment is not None
    assert shown is not None
    assert sight.deployment.config_hash == shown.written_hash == wanted.config_hash
    assert read_services(shown.document) == read_services(wanted.aperture_yaml)
    assert sight.cloud is not None
    assert sight.cloud.lease is not None, "the run that deployed still has it"
    assert seed.DATABASE_PASSWORD not in repr((sight, shown))


UNREAD = [
    ("cloud-get-service-403", "status_403"),
    ("cloud-get-revision-404", "status_404"),
    ("cloud-access-version-503", "status_503"),
]


@pytest.mark.parametrize(("fault", "reason"), UNREAD)
def test_what_cannot_be_read_is_an_error_with_its_reason(fault: str, reason: str, cloud: Cloud) -> None:
    """Never an empty list, which would read as nothing of ours."""
    cloud.cloud.faults = FaultPlan(frozenset({fault}))
    gateway = cloud.gateway()
    with pytest.raises(GatewayError) as caught:
        gateway.serving_services(gateway.look())
    assert caught.value.reason == reason


def test_lease_that_cannot_be_read_is_said_and_stops_nothing(cloud: Cloud) -> None:
    """A deployer that may not see the secret still sees what serves."""
    cloud.cloud.faults = FaultPlan(frozenset({"cloud-get-secret-403"}))
    sight = cloud.gateway().look()
    assert sight.deployment is not None
    assert sight.cloud is not None
    assert (sight.cloud.lease, sight.cloud.lease_problem) == (None, "status_403")


def test_what_a_run_would_be_refused_for_is_told_before(cloud: Cloud) -> None:
    """The same word as the run's own, and nothing is changed to learn it."""
    wanted = compiled()
    run = Run(cloud, wanted, rollout=Rollout.DIRECT)
    run.apply()
    run.settle(Step.APPLY, "revision_not_ready")
    before = len(cloud.calls)
    objection = cloud.gateway().objection(ApplyRequest("request-2", "dep_2", wanted))
    assert objection is not None
    assert objection.reason == "failed_before"
    assert set(cloud.calls[before:]) <= READS
