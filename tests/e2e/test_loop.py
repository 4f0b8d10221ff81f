"""The loop that succeeds, and what it leaves: records, reports, money."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from reports.schema import SCHEMA_FILE
from tests.e2e.harness import (
    PREFIX,
    ROOT,
    WALLET,
    clean_environment,
    embedded,
    hosted_environment,
    run_against,
    run_command,
    run_pytest,
)

pytestmark = pytest.mark.e2e


def test_correct_gateway_is_applied_without_a_warning(tmp_path: Path) -> None:
    """Exit 0, every step passed, one payment of the price, one row, four events, a valid summary, no warning."""
    with embedded() as stack:
        ran = run_against(stack, tmp_path)
        summary = ran.summary
        assert ran.code == 0, ran.output
        assert (summary["ok"], summary["deploymentStatus"], summary["failureCode"]) == (True, "applied", None)
        assert "warning" not in ran.output.lower()
        skipped = [step["name"] for step in summary["steps"] if step["status"] != "passed"]
        assert skipped == ["promote", "confirm", "rollback"]
        jsonschema.validate(summary, json.loads(SCHEMA_FILE.read_text()))
        assert stack.wallet.payments == [(stack.wallet.payments[0][0], 10_000)]
        assert summary["spentMsats"] == 10_000
        assert summary["invoicesMinted"] == stack.node.minted
        assert stack.ops.active is not None
        assert summary["servingConfigHash"] == summary["configHash"] == stack.ops.active.config_hash
        assert [row["status"] for row in stack.khala.deployments()] == ["applied"]
        types = [event["eventType"].removeprefix("gateway_reconcile_") for event in stack.khala.events()]
        assert types == ["health_ok", "challenge_ok", "proxy_ok", "applied"]
        assert ran.verdict_failure is None
        assert ran.properties["ok"] == "true"
        assert "failureCode" not in ran.properties
        assert ran.folder is not None
        names = {path.name for path in ran.folder.iterdir()}
        assert names == {
            "summary.json",
            "junit.xml",
            "report.html",
            "allure-results",
            "observability.jsonl",
            "journal.jsonl",
            "services.yaml",
        }
        page = (ran.folder / "report.html").read_text()
        assert "APPLIED" in page
        assert "pw_regexp:r_regexp" in page
        records = [json.loads(line) for line in (ran.folder / "observability.jsonl").read_text().splitlines()]
        assert all(len(record) == 19 for record in records)
        assert [r["plane"] for r in records].count("settlement") == 1


def test_every_request_carries_the_request_id(tmp_path: Path) -> None:
    """RECONCILE.md §5: ``x-oa-request-id`` on every request to the gateway."""
    with embedded() as stack:
        ran = run_against(stack, tmp_path, REQUEST_ID="ci:run-7")
        assert ran.code == 0
        assert {request.header("x-oa-request-id") for request in stack.requests} == {"ci:run-7"}
        assert ran.folder is not None
        assert ran.folder.name == "ci_run-7"
        assert ran.summary["deploymentId"] == "dep_reconcile_ci_run-7"
        again = run_against(stack, tmp_path, REQUEST_ID="ci:run-7")
        assert again.code == 4
        assert "REQUEST_ID" in again.output


def test_records_wait_in_the_outbox_and_are_delivered_once(tmp_path: Path) -> None:
    """Khala down after the deploy: exit 75; the command delivers, and nothing twice when it is run again."""
    with embedded("khala-down-after-intent") as stack:
        ran = run_against(stack, tmp_path)
        assert (ran.code, ran.summary["deploymentStatus"], ran.summary["recordsDelivered"]) == (75, "applied", False)
        assert ran.folder is not None
        outbox = ran.folder / "khala-outbox.jsonl"
        assert outbox.stat().st_mode & 0o777 == 0o600
        assert stack.khala_secret not in outbox.read_text()
        command = [sys.executable, "-m", "reconcile", "deliver"]
        assert run_command(command, tmp_path, hosted_environment(stack)).code == 75
        stack.break_with()
        for _ in range(2):
            assert run_command([*command, str(ran.folder)], tmp_path, hosted_environment(stack)).code == 0
        assert not outbox.exists()
        assert [row["status"] for row in stack.khala.deployments()] == ["applied"]
        types = [event["eventType"] for event in stack.khala.events()]
        assert len(types) == len(set(types)) == 4


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({WALLET + "BASE_URL": "", WALLET + "AUTH_TOKEN": ""}, "missing_proxy_authorization"),
        ({"MAX_SPEND_MSATS": "0"}, "inconclusive:payer_over_cap"),
        ({"MAX_SPEND_MSATS": "9999"}, "inconclusive:payer_over_cap"),
    ],
)
def test_nothing_is_paid_without_a_payer_or_above_the_cap(
    settings: dict[str, str], reason: str, tmp_path: Path
) -> None:
    """The cap is looked at before anything is sent; without a payer the reason says what to set."""
    with embedded() as stack:
        ran = run_against(stack, tmp_path, **settings)
        assert (ran.summary["failureCode"], ran.summary["failureReason"]) == ("proxy_check_failed", reason)
        assert stack.wallet.payments == []


def test_fees_count_and_an_unknown_outcome_counts_as_spent(tmp_path: Path) -> None:
    """``spentMsats`` holds the fee; a payment whose answer was lost counts with its whole cap."""
    with embedded("wallet-fee") as stack:
        assert run_against(stack, tmp_path).summary["spentMsats"] == 11_000
    with embedded("wallet-cut") as stack:
        ran = run_against(stack, tmp_path, MAX_SPEND_MSATS="50000")
        assert (ran.summary["spentMsats"], len(stack.wallet.payments)) == (50_000, 1)


def test_smoke_header_is_used_without_a_payer_and_named(tmp_path: Path) -> None:
    """The challenge's own credential proves nothing about payment, and every output says so."""
    nobody = {WALLET + "BASE_URL": "", WALLET + "AUTH_TOKEN": ""}
    with embedded("smoke-auth") as stack:
        ran = run_against(stack, tmp_path, **nobody)
        assert (ran.code, ran.summary["proofSource"]) == (0, "smoke_header")
        assert "x-oa-smoke-auth" in ran.output
    with embedded("smoke-auth") as stack:
        ran = run_against(stack, tmp_path)
        assert (ran.code, ran.summary["proofSource"]) == (0, "wallet_executor")
        assert "anybody can read it" in ran.output


def test_prepaid_proof_for_another_service_is_refused_before_the_apply(tmp_path: Path) -> None:
    """Exit 4, nothing written anywhere; a proof for this service is used, and not paid for again."""
    with embedded() as stack:
        minted = stack.node.mint(10_000)
        settled = stack.node.settle(minted.payment_hash)
        assert settled is not None
        for service, code in (("pw_exact/r_exact", 4), ("pw_staging/r_staging", 0)):
            token = stack.tokens.mint(minted.payment_hash, [f"services={service}:0"])
            ran = run_against(stack, tmp_path, PROXY_AUTHORIZATION_HEADER=f"L402 {token}:{settled[0]}")
            assert ran.code == code, ran.output
            if code == 4:
                assert "PROXY_AUTHORIZATION_HEADER" in ran.output
                assert stack.khala.deployments() == []
                assert (ran.summary["failureStage"], ran.summary["failureCode"]) == ("settings", None)
        assert ran.summary["proofSource"] == "prepaid_header"
        assert stack.wallet.payments == []


def test_too_few_invoices_is_refused_before_the_apply(tmp_path: Path) -> None:
    """MAX_INVOICES is counted before anything is changed."""
    with embedded() as stack:
        ran = run_against(stack, tmp_path, MAX_INVOICES="3")
        assert ran.code == 4
        assert "MAX_INVOICES" in ran.output
        assert [what for what, _ in stack.ops.history] == ["seed"]


def test_unreachable_host_is_inconclusive_unless_it_is_only_to_be_reported(tmp_path: Path) -> None:
    """A host that cannot be reached fails the step as inconclusive; with ``report`` it is listed."""
    with embedded() as stack:
        row = next(p for p in stack.khala._rows("paywalls") if p["paywallId"] == "pw_catch_all")
        row["routes"][0]["hostPattern"] = "shop.example.test"
        stack.khala.put_paywall(row)
        ran = run_against(stack, tmp_path, UNROUTED_HOSTS="fail")
        assert ran.summary["failureReason"] == "inconclusive:host_not_routed"
        assert "not shown to be wrong" in ran.output
        assert run_against(stack, tmp_path, UNROUTED_HOSTS="report").code == 0


def test_embedded_stack_runs_the_whole_loop_by_itself(tmp_path: Path) -> None:
    """``--stack=embedded`` needs nothing else, and says that the verdict is about that stack."""
    ran = run_pytest(tmp_path, {}, "--stack=embedded")
    assert (ran.code, ran.summary["stack"], ran.summary["deploymentStatus"]) == (0, "embedded", "applied")


def test_google_front_end_is_recognised(tmp_path: Path) -> None:
    """Google's page on the health path is a warning with the remedy; the challenge URL's 402 decides."""
    with embedded("google-front-end") as stack:
        ran = run_against(stack, tmp_path)
        assert (ran.code, ran.summary["healthDetail"]) == (0, "google_frontend")
        assert "GATEWAY_HEALTH_PATH" in ran.output


def test_fault_names_are_listed_and_wrong_ones_refused(tmp_path: Path) -> None:
    """``--fault=list`` prints the names; a wrong name and a hosted run with a fault are exit 4."""
    listed = run_pytest(tmp_path, {}, "--fault=list")
    assert listed.code == 0
    assert "challenge-amount" in listed.stdout
    assert run_pytest(tmp_path, {}, "--stack=embedded", "--fault=nope").code == 4
    with embedded() as stack:
        assert run_against(stack, tmp_path, "--fault=challenge-amount").code == 4
    assert not list(tmp_path.glob("*/journal.jsonl"))


def test_plain_pytest_selects_no_check(tmp_path: Path) -> None:
    """Without ``-m staging`` no check is selected, by path neither, and nothing is contacted."""
    environment = {**clean_environment(), PREFIX + "OUTPUT_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "pytest", "checks", "-q"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 5
    assert list(tmp_path.iterdir()) == []
