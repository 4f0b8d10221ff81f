"""The header of ``report.html``: verdict, what to do, the steps and the routes. Everything it did not write is escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

from reconcile.models import DeploymentStatus, Finding
from reconcile.plain import plain
from reconcile.record import RunRecord, Summary
from reports.observability import observability_records, triage
from reports.terminal import headline, is_unverified_serving

MAX_PROBLEMS = 20  # of one check that a table shows; the record holds them all
STYLE = """<style>
.l402 table{border-collapse:collapse;margin:.5em 0}.l402 td,.l402 th{border:1px solid #ccc;padding:.2em .6em;text-align:left}
.l402 .verdict{font-size:2em;font-weight:bold;padding:.3em .6em;color:#fff;background:#b3261e}.l402 .verdict.ok{background:#1b7f3b}
.l402 .bad{background:#fde7e5}.l402 .alarm{border:3px solid #b3261e;padding:.4em;font-weight:bold}.l402 code{font-size:.95em}
</style>"""


def summary_html(record: RunRecord) -> str:
    """The block above the results table."""
    summary = record.summary
    is_applied = summary.deployment_status is DeploymentStatus.APPLIED
    parts = [STYLE, '<div class="l402">', f'<p class="verdict{" ok" if is_applied else ""}">{_e(headline(record))}</p>']
    if is_unverified_serving(record):
        parts.append('<p class="alarm">An unverified config may be serving.</p>')
    parts.append(_table((), ((name, value) for name, value in _facts(summary) if value is not None)))
    parts += [f"<p>Warning: {_e(text)}</p>" for text in record.warnings]
    parts += [f"<p>Triage: {_e(text)}</p>" for text in triage(observability_records(record))]
    parts += _tables(record)
    return "\n".join([*parts, "</div>"])


def _facts(summary: Summary) -> Iterable[tuple[str, object]]:
    """Name and value; None: nothing to tell."""
    is_applied = summary.deployment_status is DeploymentStatus.APPLIED
    failure = f"{summary.failure_code} at {summary.failure_stage}: {summary.failure_reason}"
    restored = f"{summary.rolled_back_from}, verified: {summary.rollback_verified}"
    return (
        ("request", summary.request_id),
        ("stack", summary.stack),
        ("config", summary.config_hash),
        ("serving", summary.serving_config_hash),
        ("failure", None if is_applied else failure),
        ("cause", summary.cause),
        ("what to do", summary.remedy),
        ("proof", summary.proof_source),
        ("spent", f"{summary.spent_msats} msat, {summary.invoices_minted} invoices minted"),
        ("restored", None if summary.rolled_back_from is None else restored),
        ("records delivered", "yes" if summary.records_delivered else "no: python -m reconcile deliver"),
    )


def _tables(record: RunRecord) -> Iterator[str]:
    """Steps, routes, what was found at other times, diagnostics: each with its title, the last three if there are any."""
    yield "<h3>Steps</h3>"
    yield _table(("step", "status", "seconds", ""), _step_rows(record))
    yield "<h3>Routes</h3>"
    yield _table(("route", "pattern", "price", "asked", "status", "charged", "problem"), _route_rows(record))
    for title, findings in (
        ("On the public URLs, after the traffic moved", record.confirm_findings),
        ("After the rollback, by the restored config", record.restored_findings),
    ):
        if findings:
            yield f"<h3>{title}</h3>"
            yield _table(("check", "outcome", "reason", "seen"), _finding_rows(findings))
    summary = record.summary
    if summary.diagnostics:
        rows = ((d["severity"], d["code"], d["message"]) for d in summary.diagnostics[:200])
        yield f"<h3>Diagnostics ({summary.diagnostics_count})</h3>"
        yield _table(("severity", "code", ""), rows)


def _step_rows(record: RunRecord) -> Iterable[tuple[object, ...]]:
    for step in record.summary.steps:
        seconds = "" if step.duration_ms is None else f"{step.duration_ms / 1000:.2f}"
        yield step.name, step.status, seconds, step.detail or ""


def _route_rows(record: RunRecord) -> Iterable[tuple[object, ...]]:
    for route in record.routes:
        charged = "" if route.charged_msat is None else f"{route.charged_msat} msat"
        pattern = f"{route.host_pattern} {route.path_pattern}"
        status = route.status or ""
        yield (
            route.route_id,
            pattern,
            f"{route.price_sat} sat",
            route.request or "",
            status,
            charged,
            route.problem or "",
        )


def _finding_rows(findings: Iterable[Finding]) -> Iterable[tuple[object, ...]]:
    for found in findings:
        wrong = [f"{p.subject}: got {p.got}, expected {p.expected}" for p in found.problems[:MAX_PROBLEMS]]
        more = len(found.problems) - len(wrong)
        seen = "; ".join([*wrong, *([f"and {more} more"] if more else [])]) or found.detail or ""
        yield found.check, found.outcome, found.reason or "", seen


def _table(head: Iterable[str], rows: Iterable[tuple[object, ...]]) -> str:
    header = "".join(f"<th>{_e(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{_e(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>{'<tr>' + header + '</tr>' if header else ''}{body}</table>"


def _e(value: object) -> str:
    return html.escape(plain(str(value)))
