"""The checker that reads from outside is not blind: one planted violation of each kind, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.embedded.cloud import seed
from fixtures.embedded.cloud.seed import CONFIG_SECRET_ID, FIRST_REVISION
from fixtures.embedded.ops import Deployed
from fixtures.embedded.stack import EmbeddedStack
from tests.e2e.harness import Ran, embedded, run_against
from tests.e2e.test_secrets import leaks
from tests.faults.cloud_outside import LEASE, CloudOutside
from tests.faults.invariants import Kind, Outside, look, violations

SEED, NEW = "cfg_" + "0" * 64, "cfg_" + "1" * 64


def row(status: str) -> dict[str, Any]:
    """A row of that status."""
    return {"deploymentId": "dep_1", "configHash": NEW, "status": status}


def event(name: str) -> dict[str, Any]:
    """An event of that name."""
    return {"eventType": f"gateway_reconcile_{name}", "metadata": {"details": {"eventKey": name}}}


GOOD = Outside(
    history=[("seed", "dep_0", SEED), ("deploy", "dep_1", NEW), ("rollback", "dep_0", SEED)],
    rows=[row("rolled_back")],
    events=[event("health_ok"), event("rolled_back"), event("rolled_back")],
    payments=[("hash", 10_000)],
)
CLEAN = CloudOutside(
    percents={"rev-1": 100}, tags=[], lease=None, verified="rev-1", unchecked=[], versions=1, is_config_enabled=True
)


def on_cloud(**changes: Any) -> Outside:
    """The same run on Cloud Run, with what is wrong there."""
    return replace(GOOD, cloud=replace(CLEAN, **changes))


PLANTED: list[tuple[Kind, Outside]] = [
    (Kind.LOST_RECORD, replace(GOOD, rows=[])),
    (Kind.LOST_RECORD, replace(GOOD, rows=[row("pending")])),
    (Kind.LOST_RECORD, replace(GOOD, rows=[row("rolled_back")] * 2)),
    (Kind.LOST_RECORD, replace(GOOD, events=[])),
    (Kind.LOST_RECORD, replace(GOOD, events=[event("rolled_back"), event("applied")])),
    (Kind.UNRESTORED, replace(GOOD, history=GOOD.history[:2])),
    (Kind.DOUBLE_DEPLOY, replace(GOOD, history=[*GOOD.history[:2], *GOOD.history[1:]])),
    (Kind.DOUBLE_PAYMENT, replace(GOOD, payments=[("a", 1), ("b", 1)])),
    (Kind.LEASE, on_cloud(lease="{}")),
    (Kind.TAG, on_cloud(tags=["l402-g2"])),
    (Kind.UNVERIFIED, on_cloud(unchecked=["rev-2"])),
    (Kind.AUDIT, on_cloud(verified="rev-2")),
    (Kind.UNRESTORED, on_cloud(percents={"rev-1": 50, "rev-2": 50})),
    (Kind.UNRESTORED, on_cloud(is_config_enabled=False)),
    (Kind.DOUBLE_DEPLOY, on_cloud(versions=2)),
]


@pytest.mark.parametrize(("kind", "outside"), PLANTED)
def test_planted_violation_is_found_by_its_kind_alone(kind: Kind, outside: Outside) -> None:
    """Each by itself; what is whole is not accused."""
    assert {violation.kind for violation in violations(outside)} == {kind}
    assert violations(GOOD) == violations(on_cloud()) == []


def test_rollback_that_failed_and_was_mended_is_whole() -> None:
    """Both events stand; the row says how it ended."""
    both = [event("failed_rollback_failed"), event("rolled_back")]
    assert violations(replace(GOOD, events=both)) == []
    assert violations(replace(GOOD, events=both, rows=[row("failed")])) != []


PLANTS: dict[Kind, Callable[[Any], object]] = {
    Kind.UNRESTORED: lambda stack: stack.ops.history.append(("other", Deployed("dep_x", NEW, "services: []\n"))),
    Kind.DOUBLE_DEPLOY: lambda stack: stack.ops.history.append(("deploy", stack.ops.active)),
    Kind.DOUBLE_PAYMENT: lambda stack: stack.wallet.payments.append(("again", 1)),
    Kind.LOST_RECORD: lambda stack: stack.khala._db.execute("DELETE FROM l402GatewayDeployments"),
}


def test_violation_planted_on_a_real_stack_is_found(tmp_path: Path) -> None:
    """After a real run that is whole: in the gateway's history, the wallet's ledger, Khala's rows, an artefact."""
    with embedded() as stack:
        ran = run_against(stack, tmp_path)
        assert violations(look(stack)) == [], ran.output
        for kind, plant in PLANTS.items():
            plant(stack)
            assert kind in {violation.kind for violation in violations(look(stack))}
        (tmp_path / "file").write_text(f"x {stack.khala_secret} y")
        assert leaks(Ran(0, "", "", tmp_path), {stack.khala_secret}) != set()


def annotate(stack: EmbeddedStack) -> None:
    """A lease that nobody let go of."""
    stack.cloud.secrets.secrets[CONFIG_SECRET_ID].resource["annotations"] = {LEASE: "{}"}


def deploy_again(stack: EmbeddedStack) -> None:
    """A second revision of a run's."""
    (serving,) = stack.cloud.service.served()[0]
    stack.cloud.fleet.create("l402-aperture-g9", stack.cloud.fleet.records[serving].template, has_probe=True)


def serve_unchecked(stack: EmbeddedStack) -> None:
    """Users meet a revision of which nothing was asked."""
    deploy_again(stack)
    stack.cloud.history.traffic({"l402-aperture-g9": 100}, {})


def tag(stack: EmbeddedStack) -> None:
    """A candidate's tag that stays."""
    (target,) = stack.cloud.service.traffic
    stack.cloud.service.traffic.append({"type": target["type"], "revision": FIRST_REVISION, "tag": "l402-g2"})


def add_version(stack: EmbeddedStack) -> None:
    """A second config version of a run's."""
    stack.cloud.secrets.add(stack.cloud.secrets.secrets[CONFIG_SECRET_ID], b"services: []\n")


CLOUD_PLANTS: list[tuple[Kind, Callable[[EmbeddedStack], object]]] = [
    (Kind.LEASE, annotate),
    (Kind.TAG, tag),
    (Kind.UNVERIFIED, serve_unchecked),
    (Kind.DOUBLE_DEPLOY, deploy_again),
    (Kind.DOUBLE_DEPLOY, add_version),
    (Kind.AUDIT, lambda stack: stack.cloud.service.spec["annotations"].update(verified_first())),
]


def verified_first() -> dict[str, str]:
    """The mark of the former revision, which serves no more."""
    marks: dict[str, str] = seed.verified("cfg_x")["service_annotations"]
    return marks


@pytest.mark.parametrize(("kind", "plant"), CLOUD_PLANTS)
def test_violation_planted_on_a_real_cloud_is_found(
    kind: Kind, plant: Callable[[EmbeddedStack], object], tmp_path: Path
) -> None:
    """After a real run that is whole: on the secret, in the traffic, among the revisions, in the audit."""
    with embedded(is_cloud=True) as stack:
        ran = run_against(stack, tmp_path)
        assert violations(look(stack, is_candidate=True)) == [], ran.output
        plant(stack)
        assert kind in {violation.kind for violation in violations(look(stack, is_candidate=True))}
