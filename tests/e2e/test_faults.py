"""Every fault, end to end through the real pytest process: code, reason, stage, status, records, reports, what serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fixtures.embedded.faults import fault_of
from fixtures.embedded.stack import EmbeddedStack
from reconcile.models import FAILURE_CODES, CheckId, Deployer, expected_checks
from tests.e2e.harness import Ran, embedded, run_against

pytestmark = pytest.mark.e2e


class Case(NamedTuple):
    """A fault and what must come of it."""

    fault: str
    code: str
    reason: str
    stage: str
    status: str
    exit_code: int = 1
    is_restored: bool = True  # the former config serves afterwards, by the gateway's own word


COMPILE, LOOKUP, APPLY = "compile_validation_failed", "active_lookup_failed", "deploy_apply_failed"
CASES = [
    Case("khala-read-forbidden", COMPILE, "control_plane_forbidden", "read", "failed"),
    Case("khala-read-redacted", COMPILE, "control_plane_function_error", "read", "failed"),
    Case("khala-read-fraction", COMPILE, "control_plane_invalid_payload", "read", "failed"),
    Case("khala-read-html", COMPILE, "control_plane_invalid_payload", "read", "failed"),
    Case("paywall-without-price", COMPILE, "missing_pricing", "compile", "failed"),
    Case("khala-intent-refused", COMPILE, "control_plane_invalid_input", "intent", "failed"),
    Case("snapshot-500", LOOKUP, "status_500", "snapshot", "failed"),
    Case("snapshot-401", LOOKUP, "unauthorized", "snapshot", "failed"),
    Case("snapshot-garbage", LOOKUP, "invalid_gateway_payload", "snapshot", "failed"),
    Case("snapshot-cut", LOOKUP, "connection_failed", "snapshot", "failed"),
    Case("deploy-status-400", APPLY, "status_400", "apply", "failed"),
    Case("deploy-status-401", APPLY, "unauthorized", "apply", "failed"),
    Case("deploy-status-403", APPLY, "status_403", "apply", "failed"),
    Case("deploy-status-404", APPLY, "status_404", "apply", "failed"),
    Case("deploy-status-405", APPLY, "status_405", "apply", "failed"),
    Case("deploy-status-409", APPLY, "concurrent_modification", "apply", "failed"),
    Case("deploy-status-412", APPLY, "concurrent_modification", "apply", "failed"),
    Case("deploy-status-413", APPLY, "status_413", "apply", "failed"),
    Case("deploy-status-422", APPLY, "status_422", "apply", "failed"),
    Case("deploy-status-429", APPLY, "status_429", "apply", "failed"),
    Case("deploy-500-before", APPLY, "status_500", "apply", "rolled_back"),
    Case("deploy-500-after", APPLY, "status_500", "apply", "rolled_back"),
    Case("deploy-bad-payload", APPLY, "invalid_gateway_payload", "apply", "rolled_back"),
    Case("deploy-wrong-hash", APPLY, "config_hash_mismatch", "apply", "rolled_back"),
    Case("deploy-502-before", APPLY, "status_502", "apply", "rolled_back"),
    Case("deploy-cut-before", APPLY, "connection_failed", "apply", "rolled_back"),
    Case("node-gone", "challenge_check_failed", "lightning_node_unavailable", "challenge", "rolled_back"),
    Case("node-frozen", "challenge_check_failed", "lightning_node_unavailable", "challenge", "rolled_back"),
    Case("upstream-down", "proxy_check_failed", "status_502", "proxy", "rolled_back"),
    Case("wallet-no-liquidity", "proxy_check_failed", "inconclusive:payer_payment_failed", "proxy", "rolled_back"),
    Case("wallet-pending", "proxy_check_failed", "inconclusive:payer_payment_pending", "proxy", "rolled_back"),
    Case("wallet-wrong-preimage", "proxy_check_failed", "inconclusive:payer_wrong_preimage", "proxy", "rolled_back"),
    Case("wallet-cut", "proxy_check_failed", "inconclusive:payer_outcome_unknown", "proxy", "rolled_back"),
    Case("wallet-unauthorized", "proxy_check_failed", "inconclusive:payer_unauthorized", "proxy", "rolled_back"),
]


def formerly_served(stack: EmbeddedStack) -> bool:
    """True when the former deployment's config serves, read from the gateway itself."""
    return stack.ops.active is not None and stack.ops.active.config_hash == stack.ops.history[0][1].config_hash


def failed_checks(ran: Ran) -> set[str]:
    """The testcases that were found wrong; one that could not be decided, because of another, is none of them."""
    cases = [
        (case.attrib["classname"] + "." + case.attrib["name"], case.find("failure"))
        for case in ran.suite.iterfind("testcase")
    ]
    return {name for name, found in cases if found is not None and ": inconclusive" not in found.attrib["message"]}


def verify_records(stack: EmbeddedStack, ran: Ran, case: Case) -> None:
    """One row with one terminal status, and the events that belong to it."""
    rows, summary = stack.khala.deployments(), ran.summary
    if case.stage == "read":
        assert rows == []
        assert stack.khala.events() == []
        return
    assert [row["status"] for row in rows] == [case.status]
    metadata: dict[str, Any] = rows[0]["diagnostics"]["metadata"]
    assert rows[0]["configHash"] == summary["configHash"] == metadata["correlation"]["configHash"]
    assert metadata["failure"] == {"code": case.code, "stage": case.stage, "reason": case.reason}
    terminal = "rolled_back" if case.status == "rolled_back" else f"failed_{case.code}"
    types = [event["eventType"] for event in stack.khala.events()]
    assert types[-1:] == ([] if case.stage == "compile" else [f"gateway_reconcile_{terminal}"])
    if case.status == "rolled_back":
        former = stack.ops.history[0][1].config_hash
        assert rows[0]["rolledBackFrom"] == summary["rolledBackFrom"] == former
        assert metadata["rollback"] == {"rolledBackFrom": former}


def verify_outputs(ran: Ran, case: Case) -> None:
    """Summary, exit code, junit's properties and the verdict's testcase say the same."""
    summary = ran.summary
    got = (summary["failureCode"], summary["failureReason"], summary["failureStage"], summary["deploymentStatus"])
    assert got == (case.code, case.reason, case.stage, case.status), ran.output
    assert ran.code == case.exit_code
    assert summary["ok"] is False
    assert ran.properties["failureCode"] == case.code
    assert ran.properties["deploymentStatus"] == case.status
    assert ran.verdict_failure is not None
    assert f"{case.code}: {case.reason}" in ran.verdict_failure


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_fault_gets_its_code_and_leaves_the_former_config_serving(case: Case, tmp_path: Path) -> None:
    """Every row of "the deploy's answer decides", every code but rollback_failed: right in every output, and put back."""
    with embedded(case.fault) as stack:
        timeout = {"PROBE_TIMEOUT_S": "1.5"} if case.fault == "node-frozen" else {}
        ran = run_against(stack, tmp_path, **timeout)
        verify_outputs(ran, case)
        verify_records(stack, ran, case)
        assert formerly_served(stack)
        assert len([what for what, _ in stack.ops.history if what == "deploy"]) <= 1


@pytest.mark.parametrize("check", expected_checks(Deployer.OPS_HTTP), ids=str)
def test_gateway_wrong_in_one_way_is_caught_by_that_check_alone(check: CheckId, tmp_path: Path) -> None:
    """Every check id has a gateway that is wrong in that way alone; it is caught, with its step's code, and put back."""
    with embedded(fault_of(check)) as stack:
        ran = run_against(stack, tmp_path, CHALLENGE_SCOPE="all")
        summary = ran.summary
        failed = failed_checks(ran)
        assert summary["failureCode"] == FAILURE_CODES[check.step], ran.output
        assert summary["failureStage"] == check.step
        own = f"checks.test_{check.step}.test_{check.value.split('.')[1]}"
        assert failed == {own, "checks.verdict.applied"}, "others may be undecided, but not wrong"
        assert summary["deploymentStatus"] == "rolled_back"
        assert formerly_served(stack)
        if check.step != "proxy":
            assert stack.wallet.payments == []


@pytest.mark.parametrize(
    "fault", ["deploy-502-after", "deploy-504-after", "deploy-cut-after", "khala-intent-lost", "khala-busy-twice"]
)
def test_lost_answer_that_is_confirmed_goes_on(fault: str, tmp_path: Path) -> None:
    """A deploy whose answer was lost is read back, not sent twice; a busy Khala is asked again."""
    with embedded(fault) as stack:
        ran = run_against(stack, tmp_path)
        assert ran.code == 0, ran.output
        assert [what for what, _ in stack.ops.history] == ["seed", "deploy"]
        assert [row["status"] for row in stack.khala.deployments()] == ["applied"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("rollback-500", "status_500"),
        ("rollback-409", "concurrent_modification"),
        ("rollback-does-nothing", "snapshot_not_serving"),
        ("rollback-cut-before", "connection_failed"),
    ],
)
def test_failed_restore_is_rollback_failed_with_its_cause(fault: str, reason: str, tmp_path: Path) -> None:
    """``rollback_failed`` replaces the code, the first one stays in ``cause``, exit 70, and the outputs are loud."""
    with embedded("challenge-amount", fault) as stack:
        ran = run_against(stack, tmp_path)
        summary = ran.summary
        assert ran.code == 70
        got = (summary["failureCode"], summary["failureReason"], summary["failureStage"], summary["cause"])
        assert got == ("rollback_failed", reason, "rollback", "challenge_check_failed")
        assert summary["deploymentStatus"] == "failed"
        assert summary["servingConfigHash"] == summary["configHash"]
        assert "UNVERIFIED CONFIG" in ran.output
        assert stack.khala.events()[-1]["eventType"] == "gateway_reconcile_failed_rollback_failed"
        assert stack.khala.deployments()[0]["status"] == "failed"
        assert ran.verdict_failure is not None
        assert ran.verdict_failure.startswith("rollback_failed")


def test_lost_rollback_that_took_effect_is_a_rollback(tmp_path: Path) -> None:
    """A rollback whose answer was lost is confirmed by the read-back."""
    with embedded("challenge-amount", "rollback-cut-after") as stack:
        ran = run_against(stack, tmp_path)
        assert (ran.code, ran.summary["deploymentStatus"]) == (1, "rolled_back")
        assert formerly_served(stack)


def test_without_a_snapshot_nothing_is_restored_and_it_is_said_loudly(tmp_path: Path) -> None:
    """No snapshot: ``failed``, and ``servingConfigHash`` says what is left serving."""
    with embedded("challenge-amount", "no-snapshot") as stack:
        ran = run_against(stack, tmp_path)
        summary = ran.summary
        assert (summary["deploymentStatus"], summary["failureCode"]) == ("failed", "challenge_check_failed")
        assert summary["servingConfigHash"] == summary["configHash"]
        assert summary["rolledBackFrom"] is None
        assert "UNVERIFIED CONFIG" in ran.output
        assert "POST /ops/rollback" not in stack.ops.calls


def test_config_that_was_active_already_is_not_restored(tmp_path: Path) -> None:
    """The active configHash is sent and verified like any other; a failure says ``already_active:`` and restores nothing."""
    with embedded() as stack:
        assert run_against(stack, tmp_path).code == 0
        stack.break_with("challenge-amount")
        ran = run_against(stack, tmp_path)
        summary = ran.summary
        assert (summary["deploymentStatus"], summary["failureReason"]) == ("failed", "already_active:amount_mismatch")
        assert "POST /ops/rollback" not in stack.ops.calls
        assert ran.code == 1
