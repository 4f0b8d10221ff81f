"""The checker that reads from outside is not blind: one planted violation of each kind, and none where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fixtures.embedded.ops import Deployed
from tests.e2e.harness import Ran, embedded, run_against
from tests.e2e.test_secrets import leaks
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
PLANTED: list[tuple[Kind, Outside]] = [
    (Kind.LOST_RECORD, replace(GOOD, rows=[])),
    (Kind.LOST_RECORD, replace(GOOD, rows=[row("pending")])),
    (Kind.LOST_RECORD, replace(GOOD, rows=[row("rolled_back")] * 2)),
    (Kind.LOST_RECORD, replace(GOOD, events=[])),
    (Kind.LOST_RECORD, replace(GOOD, events=[event("rolled_back"), event("applied")])),
    (Kind.UNRESTORED, replace(GOOD, history=GOOD.history[:2])),
    (Kind.DOUBLE_DEPLOY, replace(GOOD, history=[*GOOD.history[:2], *GOOD.history[1:]])),
    (Kind.DOUBLE_PAYMENT, replace(GOOD, payments=[("a", 1), ("b", 1)])),
]


@pytest.mark.parametrize(("kind", "outside"), PLANTED)
def test_planted_violation_is_found_by_its_kind_alone(kind: Kind, outside: Outside) -> None:
    """Each by itself; what is whole is not accused."""
    assert {violation.kind for violation in violations(outside)} == {kind}
    assert violations(GOOD) == []


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
