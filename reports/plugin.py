"""The reports' hooks. State lives in ``config.stash``; nothing happens in a run that is no staging run.

Whatever writes a report is imported when there is a staging run to report, and not to collect.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from reports.output import guard_terminal, say

if TYPE_CHECKING:
    from reconcile.errors import UsageError
    from reconcile.models import Step
    from reconcile.record import RunInfo, RunRecord
    from reconcile.redact import Redactor
    from reports.run_reports import RunReports

REPORTS: pytest.StashKey[RunReports] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--summary-file``."""
    parser.getgroup("staging").addoption(
        "--summary-file", metavar="PATH", default=None, help="write the summary there too, as one JSON line"
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """A terminal that goes away must not end a run in the middle of a deployment."""
    if REPORTS in config.stash:
        guard_terminal(config)


def pytest_reconcile_configured(config: pytest.Config, run: RunInfo, redactor: Redactor) -> None:
    """Send the reports to the run folder."""
    from reports import redaction, run_reports

    config.stash[REPORTS] = run_reports.RunReports(config, run, redactor)
    config.pluginmanager.register(redaction.ReportRedaction(redactor), "staging-redaction")


def pytest_reconcile_looking(config: pytest.Config, redactor: Redactor) -> None:
    """Drift is looked for: no report of it holds a secret."""
    from reports import looking, redaction

    config.pluginmanager.register(redaction.ReportRedaction(redactor), "drift-redaction")
    config.pluginmanager.register(looking.LookingReports(redactor), "drift-reports")


def pytest_reconcile_refused(config: pytest.Config, error: UsageError, request_id: str) -> None:
    """A refused run has a summary too, for whoever asked for the file."""
    from reports.files import write_summary_line
    from reports.refused import refused_summary

    problem = write_summary_line(config.option.summary_file, json.dumps(refused_summary(error, request_id)))
    if problem is not None:
        pytest_reconcile_notice(config, problem)


def pytest_reconcile_step(config: pytest.Config, record: RunRecord, step: Step) -> None:
    """Live progress."""
    config.stash[REPORTS].show_step(record, step)


def pytest_reconcile_notice(config: pytest.Config, message: str) -> None:
    """A line for whoever watches."""
    say(config, f"  note   {message}")


def pytest_reconcile_concluded(config: pytest.Config, record: RunRecord) -> None:
    """The record is whole: write what is a function of it."""
    config.stash[REPORTS].take(record)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Before pytest's reports are written, and after."""
    reports = session.config.stash.get(REPORTS, None)
    if reports is None:
        yield
    else:
        yield from reports.finishing(session)


@pytest.hookimpl(optionalhook=True)
def pytest_html_report_title(report: object) -> None:
    """The page's title; drift has its own."""
    report.title = "L402 staging run"  # type: ignore[attr-defined]  # pytest-html publishes no type for it


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_summary(prefix: list[str], session: pytest.Session) -> None:
    """The verdict, the steps and the routes above the results."""
    reports = session.config.stash.get(REPORTS, None)
    if reports is not None and reports.record is not None:
        prefix.append(reports.html())
