"""One staging run's reports: where they go, when each is written, and the last look for secrets in them."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from reconcile.models import Step
from reconcile.plain import plain
from reconcile.record import RunInfo, RunRecord
from reconcile.redact import Redactor
from reports.allure_run import write_run_result
from reports.files import point_latest_at, summary_json, write_run_files, write_summary_line
from reports.html import summary_html
from reports.junit import add_properties
from reports.output import say
from reports.redaction import clean_artefacts
from reports.terminal import step_line, verdict_lines
from reports.verdict import verdict_reports

JUNIT, HTML, ALLURE = "junit.xml", "report.html", "allure-results"
EXIT_INTERNAL = 3


class RunReports:
    """``record``: None until the run is concluded."""

    def __init__(self, config: pytest.Config, run: RunInfo, redactor: Redactor) -> None:
        """Send junit, HTML and Allure to the run folder; what the user asked for besides is copied in the end."""
        self.record: RunRecord | None = None
        self._config = config
        self._redactor = redactor
        self._folder = Path(run.run_folder)
        self._copies: dict[str, str] = {}  # where the user wants files as well, by our file's name
        self._has_unwritten = False  # an output could not be written
        option = config.option
        for name, wanted in ((JUNIT, "xmlpath"), (HTML, "htmlpath"), (ALLURE, "allure_report_dir")):
            if getattr(option, wanted, None):
                self._copies[name] = str(Path(config.invocation_params.dir, getattr(option, wanted)))
            setattr(option, wanted, str(self._folder / name))
        option.self_contained_html, option.clean_alluredir = True, False

    def show_step(self, record: RunRecord, step: Step) -> None:
        """Live progress."""
        say(self._config, self._redactor.redact(step_line(record, step)))

    def html(self) -> str:
        """What stands above the results of ``report.html``; of a run that is concluded."""
        assert self.record is not None
        return self._redactor.redact(summary_html(self.record))

    def take(self, record: RunRecord) -> None:
        """Write the run's files, and log the verdict's testcase for terminal, junit and HTML alike."""
        self.record = record
        with self._noting("the run's files"):
            write_run_files(record, self._redactor)
        line = json.dumps(summary_json(record, self._redactor))
        for problem in (point_latest_at(self._folder), write_summary_line(self._config.option.summary_file, line)):
            if problem is not None:
                self._note(problem)
        for report in verdict_reports(record):
            self._config.hook.pytest_runtest_logreport(report=report)

    def finishing(self, session: pytest.Session) -> Generator[None, None, None]:
        """Before the reports are written: properties and the run's Allure result. After: copies, and the last scan."""
        if self.record is not None:
            add_properties(self._config, summary_json(self.record, self._redactor))
            with self._noting(ALLURE):
                write_run_result(self._config, self.record, self._redactor)
        try:
            with self._noting("a report"):
                yield
        finally:
            if self.record is not None:
                with self._noting("a report's copy"):
                    self._finish(session)
                if self._has_unwritten and not session.exitstatus:
                    session.exitstatus = EXIT_INTERNAL
                self._show_verdict(self.record)

    @contextlib.contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        """An output that cannot be written is one line, and no crash of the others."""
        try:
            yield
        except OSError as error:
            self._has_unwritten = True
            self._note(f"{what} cannot be written: {error.strerror}")

    def _note(self, message: str) -> None:
        self._config.hook.pytest_reconcile_notice(config=self._config, message=message)

    def _finish(self, session: pytest.Session) -> None:
        leaking = clean_artefacts(self._folder, self._redactor)
        if leaking:
            self._note(f"a secret was found in, and removed from: {', '.join(leaking)}")
            session.exitstatus = EXIT_INTERNAL
        for name, wanted in self._copies.items():
            if (self._folder / name).is_dir():
                shutil.copytree(self._folder / name, wanted, dirs_exist_ok=True)
            elif (self._folder / name).exists():
                Path(wanted).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self._folder / name, wanted)

    def _show_verdict(self, record: RunRecord) -> None:
        """The verdict, last of all, behind pytest's own summary."""
        lines = [self._redactor.redact(line) for line in verdict_lines(record)]
        reporter = self._config.pluginmanager.get_plugin("terminalreporter")
        if reporter is None:
            for line in lines:
                say(self._config, line)
            return
        applied = record.summary.ok
        reporter.write_sep("=", "verdict", green=applied, red=not applied, bold=True)
        for line in lines:
            reporter.write_line(plain(line))
