"""No secret in pytest's reports, and a last look through every artefact of the run."""

from __future__ import annotations

import base64
import binascii
import gzip
import logging
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from reconcile.plain import plain_lines
from reconcile.redact import Redactor

NOISY_LOGGERS = ("httpx", "httpcore", "h11", "asyncio")  # at DEBUG they log headers, and so credentials
_DATA_URI = re.compile(r"data:[a-z/+.-]*;(?:charset=[\w-]+;)?base64,([A-Za-z0-9+/=]+)")
_GZIP = b"\x1f\x8b"


class ReportRedaction:
    """A plugin: every report goes through the redactor before anybody else sees it."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        for name in NOISY_LOGGERS:
            logging.getLogger(name).setLevel(logging.WARNING)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Message, captured output and properties; never the node id, which other plugins compare."""
        self._scrub(report)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """The same for errors of the collection."""
        self._scrub(report)

    def _scrub(self, report: pytest.TestReport | pytest.CollectReport) -> None:
        if report.longrepr and not isinstance(report.longrepr, tuple):
            text = str(report.longrepr)
            if (clean := plain_lines(self._redactor.redact(text))) != text:
                report.longrepr = clean
        report.sections = [(name, plain_lines(self._redactor.redact(text))) for name, text in report.sections]
        if isinstance(report, pytest.TestReport):
            report.user_properties = self._redactor.redact_deep(report.user_properties)


def clean_artefacts(folder: Path, redactor: Redactor) -> list[str]:
    """Scan every file below ``folder``; one that holds a secret is redacted in place. The names of those."""
    return clean_files(sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()), redactor)


def clean_files(paths: Iterable[Path], redactor: Redactor) -> list[str]:
    """The same for these files."""
    found = []
    for path in paths:
        raw = path.read_bytes()
        text = raw.decode("utf-8", "surrogateescape")
        if redactor.holds_secret(text):
            path.write_bytes(redactor.redact(text).encode("utf-8", "surrogateescape"))
            found.append(path.name)
        elif any(redactor.holds_secret(part) for part in _embedded(raw, text)):
            path.write_bytes(_DATA_URI.sub("data:,removed", text).encode("utf-8", "surrogateescape"))
            found.append(path.name)
    return found


def _embedded(raw: bytes, text: str) -> list[str]:
    """What is packed inside a file: gzip, and data: URIs in base64."""
    parts = [gzip.decompress(raw).decode("utf-8", "replace")] if raw.startswith(_GZIP) else []
    for match in _DATA_URI.finditer(text):
        try:
            inner = base64.b64decode(match[1])
        except (ValueError, binascii.Error):
            continue
        parts.append((gzip.decompress(inner) if inner.startswith(_GZIP) else inner).decode("utf-8", "replace"))
    return parts
