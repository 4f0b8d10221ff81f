"""The reports' hooks. State lives in ``config.stash``; nothing happens in a run that is no staging run."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconcile.errors import UsageError
from reconcile.models import Step
from reconcile.plain import plain
from reconcile.record import RunInfo, RunRecord
from reconcile.redact import Redactor
from reports.allure_run import write_run_result
from reports.files import point_latest_at, summary_json, write_run_files
from reports.html import summary_html
from reports.junit import add_properties
from reports.looking import LookingReports
from reports.output import guard_terminal
from reports.redaction import ReportRedaction, clean_artefacts
from reports.refused import refused_summary
from reports.terminal import step_line, verdict_lines
from reports.verdict import verdict_reports

JUNIT, HTML, ALLURE = "junit.xml", "report.html", "allure-results"
EXIT_INTERNAL = 3


@dataclass
class State:
    """One staging run's reports. ``copies``: where the user wants files as well, by our file's name."""

    run: RunInfo
    redactor: Redactor
    copies: dict[str, str] = field(default_factory=dict)
    record: RunRecord | None = None
    has_unwritten: bool = False  # an output could not be written


STATE = pytest.StashKey[State]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--summary-file``."""
    parser.getgroup("staging").addoption(
        "--summary-file", metavar="PATH", default=None, help="write the summary there too, as one JSON line"
    )


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """A terminal that goes away must not end a run in the middle of a deployment."""
    if STATE in config.stash:
        guard_terminal(config)


def pytest_reconcile_configured(config: pytest.Config, run: RunInfo, redactor: Redactor) -> None:
    """Send junit, HTML and Allure to the run folder; what the user asked for besides is copied in the end."""
    option, folder = config.option, Path(run.run_folder)
    state = State(run, redactor)
    for name, wanted in ((JUNIT, "xmlpath"), (HTML, "htmlpath"), (ALLURE, "allure_report_dir")):
        if getattr(option, wanted, None):
            state.copies[name] = str(Path(config.invocation_params.dir, getattr(option, wanted)))
        setattr(option, wanted, str(folder / name))
    option.self_contained_html, option.clean_alluredir = True, False
    config.stash[STATE] = state
    config.pluginmanager.register(ReportRedaction(redactor), "staging-redaction")


def pytest_reconcile_looking(config: pytest.Config, redactor: Redactor) -> None:
    """Drift is looked for: no report of it holds a secret."""
    config.pluginmanager.register(ReportRedaction(redactor), "drift-redaction")
    config.pluginmanager.register(LookingReports(redactor), "drift-reports")


def pytest_reconcile_refused(config: pytest.Config, error: UsageError, request_id: str) -> None:
    """A refused run has a summary too, for whoever asked for the file."""
    _write_summary_line(config, json.dumps(refused_summary(error, request_id)))


def pytest_reconcile_step(config: pytest.Config, record: RunRecord, step: Step) -> None:
    """Live progress."""
    _say(config, config.stash[STATE].redactor.redact(step_line(record, step)))


def pytest_reconcile_notice(config: pytest.Config, message: str) -> None:
    """A line for whoever watches."""
    _say(config, f"  note   {message}")


def pytest_reconcile_concluded(config: pytest.Config, record: RunRecord) -> None:
    """Write the run's files, and log the verdict's testcase for terminal, junit and HTML alike."""
    state = config.stash[STATE]
    state.record = record
    with _noting(config, state, "the run's files"):
        write_run_files(record, state.redactor)
    problem = point_latest_at(Path(record.run_folder))
    if problem is not None:
        pytest_reconcile_notice(config, problem)
    _write_summary_line(config, json.dumps(summary_json(record, state.redactor)))
    for report in verdict_reports(record):
        config.hook.pytest_runtest_logreport(report=report)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Before the reports are written: properties and the run's Allure result. After: copies, and the last scan."""
    state = session.config.stash.get(STATE, None)
    if state is not None and state.record is not None:
        add_properties(session.config, summary_json(state.record, state.redactor))
        with _noting(session.config, state, ALLURE):
            write_run_result(session.config, state.record, state.redactor)
    try:
        with _noting(session.config, state, "a report"):
            yield
    finally:
        if state is not None and state.record is not None:
            with _noting(session.config, state, "a report's copy"):
                _finish(session, state)
            if state.has_unwritten and not session.exitstatus:
                session.exitstatus = EXIT_INTERNAL
            _show_verdict(session.config, state, state.record)


@contextlib.contextmanager
def _noting(config: pytest.Config, state: State | None, what: str) -> Iterator[None]:
    """An output that cannot be written is one line, and no crash of the others; of a staging run only."""
    try:
        yield
    except OSError as error:
        if state is None:
            raise
        state.has_unwritten = True
        pytest_reconcile_notice(config, f"{what} cannot be written: {error.strerror}")


def _finish(session: pytest.Session, state: State) -> None:
    folder = Path(state.run.run_folder)
    leaking = clean_artefacts(folder, state.redactor)
    if leaking:
        pytest_reconcile_notice(session.config, f"a secret was found in, and removed from: {', '.join(leaking)}")
        session.exitstatus = EXIT_INTERNAL
    for name, wanted in state.copies.items():
        if (folder / name).is_dir():
            shutil.copytree(folder / name, wanted, dirs_exist_ok=True)
        elif (folder / name).exists():
            Path(wanted).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, wanted)


def _show_verdict(config: pytest.Config, state: State, record: RunRecord) -> None:
    """The verdict, last of all, behind pytest's own summary."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        for line in verdict_lines(record):
            _say(config, state.redactor.redact(line))
        return
    applied = record.summary.ok
    reporter.write_sep("=", "verdict", green=applied, red=not applied, bold=True)
    for line in verdict_lines(record):
        reporter.write_line(plain(state.redactor.redact(line)))


@pytest.hookimpl(optionalhook=True)
def pytest_html_report_title(report: object) -> None:
    """The page's title; drift has its own."""
    report.title = "L402 staging run"  # type: ignore[attr-defined]  # pytest-html publishes no type for it


@pytest.hookimpl(optionalhook=True)
def pytest_html_results_summary(prefix: list[str], session: pytest.Session) -> None:
    """The verdict, the steps and the routes above the results."""
    state = session.config.stash.get(STATE, None)
    if state is not None and state.record is not None:
        prefix.append(state.redactor.redact(summary_html(state.record)))


def _write_summary_line(config: pytest.Config, line: str) -> None:
    path = config.option.summary_file
    if path:
        try:
            Path(path).write_text(line + "\n")
        except OSError as error:
            pytest_reconcile_notice(config, f"the summary file cannot be written: {error.strerror}")


def _say(config: pytest.Config, line: str) -> None:
    """One line at once, with -q and without a terminal plugin too."""
    line = plain(line)
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or not there
            sys.__stderr__.write(line + "\n")  # type: ignore[union-attr]  # suppressed above
        return
    capture = config.pluginmanager.get_plugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture is not None else contextlib.nullcontext():
        reporter.ensure_newline()
        reporter.write_line(line)
