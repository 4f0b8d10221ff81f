"""First deployments on Cloud Run, into a service that serves nothing yet or only the operator's own, and repeated ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from fixtures.embedded.cloud import seed
from fixtures.embedded.stack import EmbeddedStack
from tests.e2e.harness import embedded, run_against
from tests.e2e.test_cloud_run import FIRST, mark, nothing_is_left, percents, served_ever, verdict_of

pytestmark = pytest.mark.e2e
NOTHING_SERVES = "there was no snapshot to restore: nothing serves"
LEFT_SERVING = "there was no snapshot to restore: an unverified config is left serving"


def marks(stack: EmbeddedStack) -> set[str]:
    """The names of the audit's marks on the service."""
    return {key.partition("/")[2] for key in stack.cloud.service.spec.get("annotations") or {}}


@pytest.mark.parametrize("rollout", ["candidate", "direct"])
def test_first_deployment_into_an_empty_service_gets_the_traffic_at_once(rollout: str, tmp_path: Path) -> None:
    """Nothing serves that users could be kept on: no tag, no promote; checked on the public URLs, and marked as verified."""
    with embedded("cloud-empty", is_cloud=True) as stack:
        assert percents(stack) == {}
        ran = run_against(stack, tmp_path, ROLLOUT=rollout)
        summary = ran.summary
        assert ran.code == 0, ran.output
        statuses = {step["name"]: step["status"] for step in summary["steps"]}
        assert (statuses["promote"], statuses["confirm"], statuses["rollback"]) == ("skipped", "skipped", "skipped")
        (serving,) = percents(stack)
        assert served_ever(stack) == {serving}
        assert summary["servingConfigHash"] == summary["configHash"]
        assert mark(stack, "verified")["revision"] == serving
        assert nothing_is_left(stack)
        assert seed.OPERATOR_SERVICE in stack.cloud.served_config


def test_first_deployment_that_never_becomes_ready_leaves_nothing_serving_and_says_so(tmp_path: Path) -> None:
    """No snapshot, nothing to roll back to, nothing verified; the traffic waits for whatever becomes ready next."""
    with embedded("cloud-empty", "cloud-revision-fails", is_cloud=True) as stack:
        ran = run_against(stack, tmp_path)
        summary = ran.summary
        assert verdict_of(ran) == ("failed", "deploy_apply_failed", "revision_not_ready", "apply"), ran.output
        assert (ran.code, summary["servingConfigHash"], summary["rolledBackFrom"]) == (1, None, None)
        assert (NOTHING_SERVES in ran.output, LEFT_SERVING in ran.output) == (True, False)
        assert "could not be marked" not in ran.output
        assert percents(stack) == {}
        assert marks(stack) == {"failed"}
        assert stack.cloud.service.traffic == [{"type": "TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST", "percent": 100}]
        assert nothing_is_left(stack)
        stack.break_with()
        refused = run_against(stack, tmp_path)
        assert verdict_of(refused) == ("failed", "deploy_apply_failed", "failed_before", "apply")
        again = run_against(stack, tmp_path, "--force")
        assert again.code == 0, again.output
        names = [service["name"] for service in yaml.safe_load(stack.cloud.served_config)["services"]]
        assert len(names) == len(set(names)), "made from the failed template, whose compiled services are replaced"


def test_first_deployment_whose_checks_fail_is_left_serving_and_loudly_so(tmp_path: Path) -> None:
    """Without a snapshot: ``failed``; ``servingConfigHash`` is the unverified config's; no mark calls it verified."""
    with embedded("cloud-empty", "challenge-amount", is_cloud=True) as stack:
        ran = run_against(stack, tmp_path)
        summary = ran.summary
        assert verdict_of(ran) == ("failed", "challenge_check_failed", "amount_mismatch", "challenge"), ran.output
        assert (ran.code, summary["rolledBackFrom"], summary["rollbackVerified"]) == (1, None, None)
        assert summary["servingConfigHash"] == summary["configHash"]
        assert "AN UNVERIFIED CONFIG MAY BE SERVING" in ran.output
        assert LEFT_SERVING in ran.output
        assert len(percents(stack)) == 1
        assert marks(stack) == {"failed"}
        assert nothing_is_left(stack)
        assert [row["status"] for row in stack.khala.deployments()] == ["failed"]


def test_first_deployment_goes_behind_the_operators_own_service(tmp_path: Path) -> None:
    """The operator's revision is the one to go back to."""
    with embedded("no-snapshot", "challenge-amount", is_cloud=True) as stack:
        ran = run_against(stack, tmp_path)
        assert verdict_of(ran)[0] == "rolled_back", ran.output
        assert percents(stack) == {FIRST: 100}
        assert served_ever(stack) == {FIRST}
        stack.break_with()
        assert run_against(stack, tmp_path).code == 0
        (first,) = percents(stack)
        assert first != FIRST


@pytest.mark.parametrize("rollout", ["candidate", "direct"])
def test_config_that_is_active_already_is_sent_and_verified_like_any_other(rollout: str, tmp_path: Path) -> None:
    """A revision, a payment and a mark of its own; when its checks fail, ``already_active:``, and nothing is restored."""
    with embedded(is_cloud=True) as stack:
        assert run_against(stack, tmp_path, ROLLOUT=rollout).code == 0
        (first,) = percents(stack)
        again = run_against(stack, tmp_path, ROLLOUT=rollout)
        assert again.code == 0, again.output
        (serving,) = percents(stack)
        assert (first != serving, len(stack.wallet.payments)) == (True, 2)
        stack.break_with("challenge-amount")
        ran = run_against(stack, tmp_path, ROLLOUT=rollout)
        reason = "already_active:amount_mismatch"
        assert verdict_of(ran) == ("failed", "challenge_check_failed", reason, "challenge"), ran.output
        assert (ran.summary["rolledBackFrom"], ran.summary["rollbackVerified"]) == (None, None)
        assert ran.summary["servingConfigHash"] == ran.summary["configHash"]
        assert percents(stack) == {serving: 100}, "the revision that was verified, not the one that was not"
        assert mark(stack, "verified")["revision"] == serving
        assert nothing_is_left(stack)
