"""One answer that is lost or cannot be read: behind a write it is no refusal, and before a repeatable one it is asked for again."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.embedded.cloud import seed
from fixtures.embedded.cloud.rules import Does, Rule
from fixtures.embedded.stack import EmbeddedStack
from reconcile.gateways import cloud_settling
from reconcile.models import Step
from tests.reconcile.gateways.cloud import FIRST, Run, compiled, running
from tests.reconcile.gateways.conducting import conducted, lease, our_tags, shares

ONE_LOST = [Does.CUTS_BEFORE, Does.GARBAGE]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of hundredths."""
    monkeypatch.setattr(cloud_settling, "PAUSE_S", 0.02)


@pytest.mark.parametrize("rollout", ["candidate", "direct"])
@pytest.mark.parametrize("does", ONE_LOST)
def test_revision_that_cannot_be_read_behind_its_update_is_rolled_back(
    does: Does, rollout: str, tmp_path: Path
) -> None:
    """It was made, and with ``direct`` it serves: its config version must stay enabled until the former one serves."""
    with EmbeddedStack(is_cloud=True) as stack:
        stack.cloud.rules.add(Rule("GetRevision", does, first=2))  # the first is the snapshot's
        record = conducted(stack, tmp_path, ROLLOUT=rollout)
        found = record.summary
        assert (found.deployment_status, found.failure_code) == ("rolled_back", "deploy_apply_failed")
        assert shares(stack) == {FIRST: 100}
        assert (lease(stack), our_tags(stack)) == (None, [])
        secret = stack.cloud.secrets.secret(seed.PROJECT, seed.CONFIG_SECRET_ID)
        assert [version.state for version in secret.versions.values()] == ["ENABLED", "ENABLED"]


@pytest.mark.parametrize("does", ONE_LOST)
def test_service_that_cannot_be_read_once_is_put_back_all_the_same(does: Does, tmp_path: Path) -> None:
    """A single lost read is no ``rollback_failed``."""
    with running(tmp_path) as cloud:
        run = Run(cloud, compiled())
        run.apply()
        run.promote()
        assert FIRST not in cloud.percents
        cloud.cloud.rules.add(Rule("GetService", does))
        run.restore()
        assert cloud.percents == {FIRST: 100}


@pytest.mark.parametrize("call", ["GetService", "UpdateService"])
def test_mark_is_written_behind_an_answer_that_cannot_be_read(call: str, tmp_path: Path) -> None:
    """A verified deployment is not rolled back over one garbled answer."""
    with running(tmp_path) as cloud:
        run = Run(cloud, compiled())
        run.apply()
        run.promote()
        cloud.cloud.rules.add(Rule(call, Does.GARBAGE))
        assert run.settle() == ()
        mark = cloud.mark("verified")
        assert mark is not None
        assert [mark["revision"]] == list(cloud.percents)
        assert (cloud.tags, cloud.lease) == ({}, None)


def test_file_with_a_broken_mark_does_not_keep_a_run_from_its_end(tmp_path: Path) -> None:
    """An old config version that looks like ours, and is none, is left as it is."""
    with running(tmp_path) as cloud:
        secrets = cloud.cloud.secrets
        secrets.add(secrets.secret(seed.PROJECT, seed.CONFIG_SECRET_ID), b"# l402-harness {\nservices: []\n")
        run = Run(cloud, compiled())
        run.apply()
        run.promote()
        assert run.settle() == ()
        assert cloud.states == {1: "ENABLED", 2: "ENABLED", 3: "ENABLED"}
        assert cloud.lease is None


def test_failed_run_ends_where_the_revision_of_the_template_cannot_be_read_once(tmp_path: Path) -> None:
    """Somebody else's is what is known to be so, not what could not be asked."""
    with running(tmp_path) as cloud:
        Run(cloud, compiled()).apply()
        recovery = Run(cloud, compiled())  # of the same deployment, in a process that did not make it
        cloud.cloud.rules.add(Rule("GetRevision", Does.CUTS_BEFORE))
        recovery.restore()
        recovery.settle(Step.CHALLENGE, "amount_mismatch")
        assert (cloud.percents, cloud.tags) == ({FIRST: 100}, {})
