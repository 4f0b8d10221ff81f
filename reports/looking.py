"""The reports of ``pytest -m drift``: junit and HTML where the user asked for them, without secrets."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import pytest

from reconcile.redact import Redactor
from reports.redaction import clean_files

EXIT_INTERNAL = 3
WRITTEN = ("xmlpath", "htmlpath")


class LookingReports:
    """A plugin: the page's title, and a last look through the files that were written."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    @pytest.hookimpl(trylast=True, optionalhook=True)
    def pytest_html_report_title(self, report: object) -> None:
        """The page's title."""
        report.title = "L402 drift"  # type: ignore[attr-defined]  # pytest-html publishes no type for it

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """After the reports are written: one that holds a secret is redacted, and the run is broken (exit 3)."""
        yield
        folder, option = session.config.invocation_params.dir, session.config.option
        wanted = [Path(folder, getattr(option, name)) for name in WRITTEN if getattr(option, name, None)]
        leaking = clean_files([path for path in wanted if path.is_file()], self._redactor)
        if leaking:
            message = f"a secret was found in, and removed from: {', '.join(leaking)}"
            session.config.hook.pytest_reconcile_notice(config=session.config, message=message)
            session.exitstatus = EXIT_INTERNAL
