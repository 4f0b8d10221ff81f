"""Records that Khala did not take: kept whole on disk, delivered later in order, nothing twice (KHALA.md)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reconcile.clock import Clock, left_s
from reconcile.control_plane.interface import ControlPlane, DeploymentRecord, EventRecord
from reconcile.control_plane.khala import ABANDONED_S
from reconcile.errors import JournalError
from reconcile.journal import FILE_MODE, FileLock, append_line, read_lines, sync_folder
from reconcile.journal import FILE_NAME as JOURNAL_NAME

FILE_NAME = "khala-outbox.jsonl"
SCHEMA_VERSION = 1


class Outbox:
    """One run's outbox; the file is made with its first record."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, record: DeploymentRecord | EventRecord, abandoned_at_ms: int | None = None) -> None:
        """Keep ``record``, on disk; raises JournalError.

        Args:
            abandoned_at_ms: when a write of the same row was given up that may still land; Unix time in milliseconds.
        """
        kind = "deployment" if isinstance(record, DeploymentRecord) else "event"
        abandoned = {} if abandoned_at_ms is None else {"abandonedAtMs": abandoned_at_ms}
        append_line(self.path, {"schemaVersion": SCHEMA_VERSION, "kind": kind, "args": record.args(), **abandoned})


def deliver(path: Path, control_plane: ControlPlane, clock: Clock, say: Callable[[str], None]) -> int:
    """Deliver the outbox at ``path`` in order; what remains is rewritten after each record. The number delivered.

    A record behind a write that was given up is delivered when that one can no longer run and undo it (KHALA.md).

    Raises:
        ControlPlaneError: a record was not taken; it and all later ones stay.
        JournalError: the file cannot be read or rewritten, holds something else, or its run or another delivery is at it.
    """
    journal = path.with_name(JOURNAL_NAME)
    lock = FileLock(journal if journal.exists() else path.parent)
    if not lock.take():
        remedy = "wait for it to end, then deliver again"
        raise JournalError(f"{path.name} is held by its run or another delivery", reason="outbox_held", remedy=remedy)
    try:
        return _deliver(path, control_plane, clock, say) if path.exists() else 0
    finally:
        lock.release()


def _deliver(path: Path, control_plane: ControlPlane, clock: Clock, say: Callable[[str], None]) -> int:
    entries = read_lines(path)
    for number, entry in enumerate(entries, 1):
        record = _record(entry, path)
        _await_abandoned(entry, clock, say)
        if isinstance(record, DeploymentRecord):
            control_plane.record_deployment(record)
        else:
            control_plane.record_event(record)
        _rewrite(path, entries[number:])
    if not entries:
        path.unlink(missing_ok=True)
    return len(entries)


def _await_abandoned(entry: dict[str, Any], clock: Clock, say: Callable[[str], None]) -> None:
    abandoned_at_ms = entry.get("abandonedAtMs")
    if type(abandoned_at_ms) is int:
        wait_s = left_s(clock, abandoned_at_ms, ABANDONED_S)
        if wait_s > 0:
            say(f"waiting {wait_s:.0f} s: a write that was given up may land until then, and undo this one")
            clock.sleep(wait_s)


def _record(entry: dict[str, Any], path: Path) -> DeploymentRecord | EventRecord:
    try:
        if entry["kind"] == "deployment":
            return DeploymentRecord.model_validate(entry["args"])
        if entry["kind"] == "event":
            return EventRecord.model_validate(entry["args"])
        raise KeyError("kind")
    except (KeyError, TypeError, ValidationError):
        message = f"{path.name} holds something that is no record"
        raise JournalError(message, reason="outbox_corrupt", remedy="look at the file by hand") from None


def _rewrite(path: Path, entries: list[dict[str, Any]]) -> None:
    """Replace the file by what remains, atomically; an empty outbox is removed."""
    if not entries:
        path.unlink(missing_ok=True)
        return
    part = path.with_suffix(".part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with os.fdopen(descriptor, "w") as file:
            file.writelines(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        message = f"{path.name} cannot be rewritten: {error.strerror}"
        raise JournalError(message, reason="outbox_unwritable", remedy="free space and deliver again") from error
