"""Every output is a function of the record: escaped, bounded, decided nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.models import CheckId, DeploymentStatus, Finding, Outcome, Problem, Stack, Step, StepStatus
from reconcile.record import PaymentRow, RouteRow, RunRecord, StepRecord, Summary
from reports.html import summary_html
from reports.junit import scalar_properties
from reports.observability import KEYS, observability_records, payment_proof_ref, triage
from reports.refused import unstarted_summary
from reports.schema import SCHEMA_FILE, schema_text
from reports.terminal import verdict_lines
from reports.verdict import verdict_reports

EVIL = "<script>alert('x')</script>"


def record(*, failed: Step | None = None, reason: str = "status_500", detail: str | None = None) -> RunRecord:
    """A record that is applied, or failed at a step."""
    wire = unstarted_summary("reconcile:test", "x", "do this")
    steps = [
        StepRecord(
            name=step,
            status=StepStatus.FAILED if step is failed else StepStatus.PASSED,
            started_at_ms=1,
            duration_ms=2,
            detail=detail,
        )
        for step in Step
    ]
    summary = Summary.model_validate(wire).model_copy(
        update={
            "ok": failed is None,
            "stack": Stack.EMBEDDED,
            "deployment_status": DeploymentStatus.APPLIED if failed is None else DeploymentStatus.ROLLED_BACK,
            "failure_stage": failed,
            "failure_code": None if failed is None else "challenge_check_failed",
            "failure_reason": None if failed is None else reason,
            "steps": tuple(steps),
        }
    )
    route = RouteRow(f"pw:{EVIL}", "s", "*", f"/{EVIL}", 10, problem=EVIL)
    finding = Finding(CheckId.CHALLENGE_STATUS, Outcome.PASSED)
    return RunRecord(
        summary, "/run", (finding,), routes=(route,), warnings=(EVIL,), challenge_url="https://c", proxy_url="https://p"
    )


def test_committed_schema_is_the_models() -> None:
    """``python -m reports.schema`` renews it."""
    assert SCHEMA_FILE.read_text() == schema_text()


def test_html_has_a_table_of_what_confirm_found_and_one_of_the_restored_gateway() -> None:
    """Check, outcome, reason, and what was seen or, bounded, what was wrong; none where nothing was looked at."""
    assert "On the public URLs" not in summary_html(record())
    assert "After the rollback" not in summary_html(record())
    wrong = tuple(Problem(f"pw:{number}", "amount_mismatch", EVIL, "10000 msat") for number in range(25))
    found = (
        Finding(CheckId.HEALTH_ANSWERS, Outcome.PASSED, detail="status 200"),
        Finding(CheckId.CHALLENGE_AMOUNT, Outcome.FAILED, "amount_mismatch", wrong),
    )
    page = summary_html(replace(record(failed=Step.CONFIRM), confirm_findings=found, restored_findings=found[:1]))
    confirmed, restored = page.partition("On the public URLs")[2].split("After the rollback")
    assert "<td>health.answers</td><td>passed</td><td></td><td>status 200</td>" in confirmed
    assert "<td>challenge.amount</td><td>failed</td><td>amount_mismatch</td><td>pw:0: got &lt;script&gt;" in confirmed
    assert "and 5 more" in confirmed
    assert "pw:20" not in confirmed
    assert EVIL not in page
    assert "health.answers" in restored
    assert "challenge.amount" not in restored


def test_html_escapes_what_it_did_not_write() -> None:
    """Names, patterns, details and warnings are somebody else's text."""
    page = summary_html(record(failed=Step.CHALLENGE, reason=EVIL, detail=EVIL))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 5


def test_html_shows_verdict_and_what_to_do() -> None:
    """A person sees at once what happened and what to do."""
    page = summary_html(record(failed=Step.CHALLENGE))
    for words in ("ROLLED BACK", "challenge_check_failed", "status_500", "do this"):
        assert words in page
    assert 'class="verdict ok"' in summary_html(record())


def test_verdict_is_short() -> None:
    """It needs no scrolling."""
    assert len(verdict_lines(record(failed=Step.PROXY))) <= 18


def test_properties_are_scalars_and_nulls_are_absent() -> None:
    """Booleans in lower case; no lists."""
    found = dict(scalar_properties(record().summary.as_json()))
    assert found["ok"] == "true"
    assert found["healthOk"] == "false"
    assert found["spentMsats"] == "0"
    assert "failureCode" not in found
    assert "steps" not in found


@pytest.mark.parametrize(("failed", "outcome"), [(None, "passed"), (Step.PROXY, "failed")])
def test_verdict_is_a_testcase(failed: Step | None, outcome: str) -> None:
    """Setup, call, teardown; the call says whether the run is applied."""
    reports = list(verdict_reports(record(failed=failed)))
    assert [report.when for report in reports] == ["setup", "call", "teardown"]
    assert [report.outcome for report in reports] == ["passed", outcome, "passed"]


def test_observability_has_a_record_a_step_with_all_keys() -> None:
    """Nineteen keys each; planes as the contract says; the payment is settlement's."""
    paid = replace(record(), payment=PaymentRow(10_000, 5, "ab" * 32, 7))
    records = observability_records(paid)
    assert len(records) == len(Step) + 1
    assert all(tuple(entry) == KEYS for entry in records)
    planes = [entry["plane"] for entry in records]
    assert planes.count("control") == 3
    assert (records[-1]["plane"], records[-1]["paidAmountMsats"]) == ("settlement", 10_005)
    assert records[-1]["paymentProofRef"] == payment_proof_ref("ab" * 32)


def test_triage_is_decided_from_the_fields_alone() -> None:
    """Denied before payment, and gateway path without a proof."""
    assert "before payment" in " ".join(triage(observability_records(record(failed=Step.READ))))
    assert "gateway" in " ".join(triage(observability_records(record(failed=Step.CHALLENGE))))
    assert triage(observability_records(record())) == []
