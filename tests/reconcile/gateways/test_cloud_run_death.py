"""A run that dies between any two calls, two runs at once, and what the service alone can tell of a run that is gone."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from fixtures.embedded.cloud import seed
from fixtures.embedded.faults import FaultPlan
from fixtures.embedded.stack import EmbeddedStack
from fixtures.local_stack import supplied_by
from reconcile import confirming, recovery
from reconcile.clock import SystemClock
from reconcile.gateways import cloud_lease
from reconcile.gateways.cloud_run import CloudRunApi
from reconcile.gateways.cloud_run_gateway import CloudRunGateway
from reconcile.models import DeploymentStatus, Stack
from reconcile.record import RunRecord
from reconcile.recovery import recover, recover_service, unfinished
from reconcile.settings import PREFIX, Settings, read_settings
from tests.e2e.test_cloud_run import break_after_the_move
from tests.reconcile.gateways.conducting import FIRST, calls, conducted, lease, maps, our_tags, shares

CALLS = 28  # of a run that goes well, at least


class Died(BaseException):
    """What a SIGKILL is to the code: nothing behind it runs."""


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """``before``: the number of the API call before which the process dies; 0: it lives."""
    left = {"before": 0}
    ask = CloudRunApi._ask

    def dying(self: CloudRunApi, what: str, kind: str, timeout_s: float, **sent: Any) -> Any:
        left["before"] -= 1
        if left["before"] == 0:
            raise Died
        return ask(self, what, kind, timeout_s, **sent)

    monkeypatch.setattr(CloudRunApi, "_ask", dying)
    monkeypatch.setattr(recovery, "LANDING_S", 0.05)
    return left


def settings_of(stack: EmbeddedStack) -> Settings:
    """A run's settings."""
    own = {PREFIX + "READY_TIMEOUT_S": "0.3", PREFIX + "REQUEST_ID": "recovery"}
    return read_settings({**supplied_by(stack), **own}, SystemClock())


def recover_all(stack: EmbeddedStack, folder: Path) -> None:
    """What the next run does first."""
    for journal in unfinished(folder):
        recover(journal, settings_of(stack), SystemClock())
    recover_service(settings_of(stack), SystemClock())


@pytest.mark.parametrize("before", range(1, CALLS))
def test_run_that_died_between_two_calls_is_brought_to_its_end(
    before: int, deadly: dict[str, int], tmp_path: Path
) -> None:
    """The former revision serves, no lease and no tag of ours is left, its row is terminal; then a new run is applied."""
    with EmbeddedStack(is_cloud=True) as stack:
        deadly["before"] = before
        with pytest.raises(Died):
            conducted(stack, tmp_path, "run-1")
        deadly["before"] = 0
        recover_all(stack, tmp_path)
        assert shares(stack) == {FIRST: 100}
        assert (lease(stack), our_tags(stack)) == (None, [])
        rows = {row["deploymentId"]: row["status"] for row in stack.khala.deployments()}
        assert rows["dep_reconcile_run-1"] in ("failed", "rolled_back")
        summary = json.loads((tmp_path / "run-1" / "summary.json").read_text())
        assert summary["failureReason"] == "interrupted"
        record = conducted(stack, tmp_path, "run-2")
        assert record.summary.deployment_status is DeploymentStatus.APPLIED, record.summary.failure_reason
        assert (lease(stack), our_tags(stack)) == (None, [])


@pytest.mark.parametrize("place", ["restore", "settle"])
def test_run_that_died_behind_its_failed_confirmation_has_that_checks_code(
    place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the public URLs had shown is what the run failed with: before its decision was written, and after it."""

    def die(*_: object) -> None:
        raise Died

    with EmbeddedStack(is_cloud=True) as stack:
        break_after_the_move(stack, "challenge-amount")
        with monkeypatch.context() as context:
            context.setattr(confirming, "SETTLING_S", 0.05)
            monkeypatch.setattr(recovery, "LANDING_S", 0.05)
            context.setattr(CloudRunGateway, place, die)
            with pytest.raises(Died):
                conducted(stack, tmp_path, "run-1")
        recover_all(stack, tmp_path)
        assert shares(stack) == {FIRST: 100}
        summary = json.loads((tmp_path / "run-1" / "summary.json").read_text())
        found = [summary[name] for name in ("failureStage", "failureCode", "failureReason")]
        assert found == ["confirm", "challenge_check_failed", "amount_mismatch"]


def test_number_of_calls_is_covered(tmp_path: Path) -> None:
    """The deaths above are between all calls up to the mark of what was verified."""
    with EmbeddedStack(is_cloud=True) as stack:
        conducted(stack, tmp_path)
        assert len(calls(stack)) >= CALLS
        assert "ListRevisions" in calls(stack)[CALLS - 3 :]


@pytest.mark.parametrize("rollout", ["candidate", "direct"])
def test_run_whose_journal_is_gone_is_undone_by_the_services_own_audit(
    rollout: str, deadly: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once its lease has ended; until then it may live, and the next run changes nothing."""
    with EmbeddedStack(is_cloud=True) as stack:
        deadly["before"] = 14  # the revision is there, its mark is not
        with pytest.raises(Died):
            conducted(stack, tmp_path / "gone", "run-1", ROLLOUT=rollout)
        deadly["before"] = 0
        before = (shares(stack), our_tags(stack))
        assert recover_service(settings_of(stack), SystemClock()) is None
        record = conducted(stack, tmp_path, "run-2")
        assert record.summary.failure_reason == "concurrent_modification"
        assert (shares(stack), our_tags(stack)) == before
        secret = stack.cloud.secrets.secret(seed.PROJECT, seed.CONFIG_SECRET_ID)
        held = json.loads(secret.resource["annotations"]["l402-harness.lease"])
        secret.resource["annotations"]["l402-harness.lease"] = json.dumps({**held, "expires_at_ms": 1})
        recover_service(settings_of(stack), SystemClock())
        assert shares(stack) == {FIRST: 100}
        assert (lease(stack), our_tags(stack)) == (None, [])
        assert conducted(stack, tmp_path, "run-3").summary.deployment_status is DeploymentStatus.APPLIED


def check_two_runs_at_once(tmp_path: Path) -> None:
    """One wins; the other changes nothing of the service, and says who was in its way."""
    with EmbeddedStack(FaultPlan(frozenset({"wallet-fee"})), is_cloud=True) as stack:
        records: dict[str, RunRecord] = {}

        def run(name: str) -> None:
            records[name] = conducted(stack, tmp_path, name)

        threads = [threading.Thread(target=run, args=(name,)) for name in ("run-a", "run-b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        by_status = {record.summary.deployment_status: record.summary for record in records.values()}
        assert set(by_status) == {DeploymentStatus.APPLIED, DeploymentStatus.FAILED}
        lost = by_status[DeploymentStatus.FAILED]
        assert (lost.failure_code, lost.failure_reason) == ("deploy_apply_failed", "concurrent_modification")
        (serving,) = shares(stack)
        assert {name for found in maps(stack) for name in found} == {FIRST, serving}
        record = stack.cloud.fleet.records[serving]
        winner = by_status[DeploymentStatus.APPLIED]
        assert record.template["annotations"]["l402-harness/deployment-id"] == winner.deployment_id
        assert (lease(stack), our_tags(stack)) == (None, [])
        statuses = sorted(row["status"] for row in stack.khala.deployments())
        assert statuses == ["applied", "failed"]


def test_two_runs_at_once_one_wins_and_both_tell_the_truth(tmp_path: Path) -> None:
    """The lease keeps them apart."""
    check_two_runs_at_once(tmp_path)


def test_without_the_lease_the_revisions_name_keeps_two_runs_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both derive it from the same generation: the second gets 409 ALREADY_EXISTS, or sees that the service changed."""
    monkeypatch.setattr(cloud_lease.LeaseKeeper, "take", lambda *_: None)
    monkeypatch.setattr(cloud_lease.LeaseKeeper, "renew", lambda *_: None)
    check_two_runs_at_once(tmp_path)


def test_operators_change_during_the_run_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the snapshot nor ours: nothing is promoted over it, nothing rolled back."""
    with EmbeddedStack(is_cloud=True) as stack:
        former = CloudRunApi.get_revision

        def meddle(api: CloudRunApi, name: str) -> Any:
            monkeypatch.setattr(CloudRunApi, "get_revision", former)
            if name != FIRST:
                monkeypatch.setattr(CloudRunApi, "get_revision", former)
                service = stack.cloud.service
                template = {**service.spec["template"], "revision": f"{seed.SERVICE_ID}-by-hand", "timeout": "100s"}
                record = stack.cloud.fleet.create(template["revision"], template, has_probe=False)
                service.spec = {**service.spec, "template": template}
                service.latest_created = record.name
                service.touch()
            else:
                monkeypatch.setattr(CloudRunApi, "get_revision", meddle)
            return former(api, name)

        monkeypatch.setattr(CloudRunApi, "get_revision", meddle)
        record = conducted(stack, tmp_path)
        assert record.summary.deployment_status is DeploymentStatus.FAILED
        assert "concurrent_modification" in (record.summary.failure_reason or "")
        assert shares(stack) == {FIRST: 100}
        assert lease(stack) is None
        assert record.summary.stack is Stack.EMBEDDED


def states(stack: EmbeddedStack) -> dict[int, str]:
    """The config secret's versions."""
    secret = stack.cloud.secrets.secret(seed.PROJECT, seed.CONFIG_SECRET_ID)
    return {number: version.state for number, version in secret.versions.items()}


def test_config_version_that_nothing_mounts_does_not_stay_enabled(deadly: dict[str, int], tmp_path: Path) -> None:
    """A run that died behind adding it: the next verified run disables it, and none that something names."""
    with EmbeddedStack(is_cloud=True) as stack:
        deadly["before"] = 9  # the update of the service
        with pytest.raises(Died):
            conducted(stack, tmp_path, "run-1")
        deadly["before"] = 0
        assert states(stack) == {1: "ENABLED", 2: "ENABLED"}
        recover_all(stack, tmp_path)
        conducted(stack, tmp_path, "run-2")
        assert states(stack) == {1: "ENABLED", 2: "DISABLED", 3: "ENABLED"}


def test_refused_update_leaves_no_config_version_enabled(tmp_path: Path) -> None:
    """It was added for a revision that never came to be."""
    with EmbeddedStack(FaultPlan(frozenset({"cloud-deploy-403"})), is_cloud=True) as stack:
        conducted(stack, tmp_path)
        assert states(stack) == {1: "ENABLED", 2: "DISABLED"}


def test_old_config_versions_are_disabled_beyond_the_number_that_is_kept(tmp_path: Path) -> None:
    """Never one that serves, that the template names, or that was verified last."""
    with EmbeddedStack(is_cloud=True) as stack:
        for number in range(5):
            record = conducted(stack, tmp_path, f"run-{number}", KEEP_DEPLOYMENTS="2")
            assert record.summary.deployment_status is DeploymentStatus.APPLIED
        assert states(stack) == {1: "DISABLED", 2: "DISABLED", 3: "DISABLED", 4: "DISABLED", 5: "ENABLED", 6: "ENABLED"}
        assert len(shares(stack)) == 1
