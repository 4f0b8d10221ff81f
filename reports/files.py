"""The run folder's own files: summary, observability records, the ``latest`` link; written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from reconcile.record import RunRecord
from reconcile.redact import Redactor
from reports.observability import observability_records

SUMMARY, OBSERVABILITY, LATEST = "summary.json", "observability.jsonl", "latest"


def write_atomically(path: Path, text: str) -> None:
    """Replace ``path`` by ``text``; OSError when it cannot be."""
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_text(text)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def summary_json(record: RunRecord, redactor: Redactor) -> dict[str, Any]:
    """The summary's wire form, without anything that looks like a secret."""
    redacted: dict[str, Any] = redactor.redact_deep(record.summary.as_json())
    return redacted


def write_run_files(record: RunRecord, redactor: Redactor) -> None:
    """``summary.json`` and ``observability.jsonl``."""
    folder = Path(record.run_folder)
    write_atomically(folder / SUMMARY, json.dumps(summary_json(record, redactor), indent=2) + "\n")
    lines = [json.dumps(redactor.redact_deep(entry)) + "\n" for entry in observability_records(record)]
    write_atomically(folder / OBSERVABILITY, "".join(lines))


def point_latest_at(folder: Path) -> str | None:
    """Replace ``latest`` beside ``folder`` by a relative link to it; what went wrong, or None."""
    link, part = folder.parent / LATEST, folder.parent / f".{LATEST}.{os.getpid()}"
    try:
        if link.exists() and not link.is_symlink():
            return f"{LATEST} is no link, and was left as it is"
        part.unlink(missing_ok=True)
        part.symlink_to(folder.name)
        part.replace(link)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        return f"{LATEST} cannot be written: {error.strerror}"
    return None


def write_summary_line(path: str | None, line: str) -> str | None:
    """The summary as one line where ``--summary-file`` asks for it; what is wrong, for people, or None."""
    try:
        if path:
            Path(path).write_text(line + "\n")
    except OSError as error:
        return f"the summary file cannot be written: {error.strerror}"
    return None
