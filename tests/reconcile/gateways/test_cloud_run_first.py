"""A service that serves nothing yet: how it is read, and what a first deployment that hangs leaves behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.embedded.cloud.schema import LATEST
from fixtures.embedded.faults import FaultPlan
from fixtures.embedded.stack import EmbeddedStack
from reconcile.gateways import cloud_waiting
from reconcile.gateways.cloud_views import ServiceTarget
from reconcile.models import DeploymentStatus
from tests.reconcile.gateways.cloud import running
from tests.reconcile.gateways.conducting import conducted, lease, shares


def test_latest_of_a_service_in_which_none_became_ready_is_no_revision(tmp_path: Path) -> None:
    """Statuses may say 100 % LATEST before there is any (CLOUD_RUN.md §1): nothing serves, and it is not looked up."""
    with running(tmp_path, is_ready=False) as cloud:
        api = cloud.gateway()._api
        view = replace(api.get_service(), statuses=(ServiceTarget(None, 100),))
        assert (view.latest_ready, view.served, view.serving) == (None, (), ())
        active = cloud.gateway().active()
        assert (active.deployment, active.saved) == (None, None)


def test_first_deployment_that_hangs_is_marked_and_lets_the_traffic_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bounded; ``failed``; the mark was taken though its operation never ends, and no warning says otherwise."""
    monkeypatch.setattr(cloud_waiting, "READ_BACK_S", 0.5)
    with EmbeddedStack(FaultPlan(frozenset({"cloud-empty", "cloud-revision-hangs"})), is_cloud=True) as stack:
        record = conducted(stack, tmp_path)
        summary = record.summary
        assert summary.deployment_status is DeploymentStatus.FAILED
        assert (summary.failure_code, summary.failure_reason) == ("deploy_apply_failed", "operation_timeout")
        assert (summary.serving_config_hash, shares(stack), lease(stack)) == (None, {}, None)
        assert record.warnings[-1] == "there was no snapshot to restore: nothing serves"
        assert stack.cloud.service.traffic == [{"type": LATEST, "percent": 100}]


def test_traffic_that_the_operator_pinned_in_an_empty_service_stays(tmp_path: Path) -> None:
    """Where ours was refused or never landed, what was asked for is not ours to change."""
    with EmbeddedStack(FaultPlan(frozenset({"cloud-empty", "cloud-deploy-does-nothing"})), is_cloud=True) as stack:
        pinned = [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION", "revision": "l402-aperture-00001-abc"}]
        pinned[0]["percent"] = 100  # type: ignore[assignment]  # JSON
        stack.cloud.service.spec["traffic"] = pinned
        record = conducted(stack, tmp_path)
        assert record.summary.failure_code == "deploy_apply_failed"
        assert stack.cloud.service.traffic == pinned
