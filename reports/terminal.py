"""What a person sees: a line a step while the run goes on, and in the end a verdict that needs no scrolling."""

from __future__ import annotations

from pathlib import Path

from reconcile.models import DeploymentStatus, Step, StepStatus
from reconcile.record import RunRecord
from reports.observability import observability_records, triage

MARKS = {StepStatus.PASSED: "ok", StepStatus.FAILED: "FAILED", StepStatus.INCONCLUSIVE: "OPEN", StepStatus.SKIPPED: "-"}
WIDTH = 100


def step_line(record: RunRecord, step: Step) -> str:
    """One line of progress."""
    entry = next(entry for entry in record.summary.steps if entry.name is step)
    seconds = (entry.duration_ms or 0) / 1000
    return f"  {MARKS[entry.status]:<6} {entry.name:<10} {seconds:6.2f} s  {entry.detail or ''}"[:WIDTH].rstrip()


def headline(record: RunRecord) -> str:
    """The verdict in a few words."""
    summary = record.summary
    if summary.deployment_status is DeploymentStatus.APPLIED:
        return "APPLIED" if summary.records_delivered else "APPLIED, BUT RECORDS ARE NOT DELIVERED"
    if summary.failure_code == "rollback_failed":
        return "ROLLBACK FAILED"
    if summary.failure_stage is Step.SETTINGS:
        return "REFUSED"
    return "ROLLED BACK" if summary.deployment_status is DeploymentStatus.ROLLED_BACK else "FAILED"


def is_unverified_serving(record: RunRecord) -> bool:
    """True when a config that was not verified may be left serving."""
    summary = record.summary
    is_ours = summary.serving_config_hash is not None and summary.serving_config_hash == summary.config_hash
    is_bad = summary.deployment_status is not DeploymentStatus.APPLIED
    is_old = str(summary.failure_reason or "").startswith("already_active:")
    return summary.failure_code == "rollback_failed" or (is_bad and is_ours and not is_old)


def verdict_lines(record: RunRecord) -> list[str]:
    """The block at the very end: at most eighteen lines."""
    summary = record.summary
    lines = [f"{headline(record)}   {summary.request_id}   stack {summary.stack}", ""]
    if is_unverified_serving(record):
        lines.append(f"!! AN UNVERIFIED CONFIG MAY BE SERVING: {summary.serving_config_hash or 'unknown'}")
    if summary.failure_stage is not None:
        code = summary.failure_code or "usage"
        lines.append(f"failure   {code} at {summary.failure_stage}: {summary.failure_reason}")
        if summary.cause:
            lines.append(f"cause     {summary.cause}")
        if "inconclusive:" in str(summary.failure_reason):
            lines.append("          the gateway was not shown to be wrong")
        lines.append(f"do        {summary.remedy}")
    lines.append(f"config    {summary.config_hash or 'none'}, {summary.rule_count} routes")
    lines.append(f"serving   {summary.serving_config_hash or 'unknown'}{_restored(record)}")
    spent = f"spent {summary.spent_msats} msat, {summary.invoices_minted} invoices minted"
    lines.append(
        f"checks    health {_ok(summary.health_ok)}, challenge {_ok(summary.challenge_ok)}, proxy {_ok(summary.proxy_ok)}; {spent}"
    )
    lines.append(f"proof     {summary.proof_source or 'none'}")
    lines += [f"warning   {text}" for text in record.warnings[:3]]
    lines += [f"triage    {text}" for text in triage(observability_records(record))[:1]]
    if not summary.records_delivered:
        lines.append("records   wait in khala-outbox.jsonl: python -m reconcile deliver")
    lines.append(f"report    {Path(record.run_folder) / 'report.html'}")
    return lines


def _ok(value: bool) -> str:
    return "ok" if value else "not ok"


def _restored(record: RunRecord) -> str:
    summary = record.summary
    if summary.rolled_back_from is None:
        return ""
    words = {True: "verified", False: "NOT healthy", None: "not verified"}
    return f" (restored, {words[summary.rollback_verified]})"
