"""The run's journal: one JSON line before each write to the gateway, Khala or a payer, on disk before the write is made."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from pathlib import Path
from typing import Any

from reconcile.clock import Clock
from reconcile.errors import JournalError

FILE_NAME = "journal.jsonl"
SCHEMA_VERSION = 1
FILE_MODE = 0o600


def append_line(path: Path, entry: dict[str, Any]) -> None:
    """Append one JSON line, flushed to disk before this returns; the file is its owner's only.

    Raises:
        JournalError: the file cannot be written.
    """
    line = (json.dumps(entry, separators=(",", ":")) + "\n").encode()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, FILE_MODE)
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        message = f"{path.name} cannot be written: {error.strerror}"
        raise JournalError(
            message, reason="journal_unwritable", remedy="free space, or give another OUTPUT_DIR"
        ) from error


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The entries of a file of JSON lines; a torn last line is left out."""
    entries: list[dict[str, Any]] = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        message = f"{path.name} cannot be read: {error.strerror}"
        raise JournalError(message, reason="journal_unreadable", remedy="look at the file by hand") from error
    for number, line in enumerate(lines, 1):
        try:
            entry = json.loads(line)
            if not isinstance(entry, dict):
                raise ValueError("no object")
            entries.append(entry)
        except ValueError:
            if number < len(lines):
                message = f"{path.name}: line {number} is no JSON"
                raise JournalError(message, reason="journal_corrupt", remedy="look at the file by hand") from None
    return entries


class FileLock:
    """An advisory lock on a file, let go when the process ends. A file system without locks holds nobody off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """False when another process holds it; true again when it is ours already."""
        if self._descriptor is not None:
            return True
        with contextlib.suppress(OSError):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, FILE_MODE)
            self._descriptor = descriptor
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.release()
                return False
        return True

    def release(self) -> None:
        """Let it go; safe to call twice."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


class Journal:
    """Appends events to one file, and holds a lock on it for as long as the run lives: a dead run's journal is free."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._lock = FileLock(path)

    def write(self, event: str, **fields: object) -> None:
        """Append ``event``; raises JournalError when it is not on disk."""
        append_line(
            self.path, {"schemaVersion": SCHEMA_VERSION, "atMs": self._clock.now_ms(), "event": event, **fields}
        )
        self.hold()

    def hold(self) -> bool:
        """Take the lock, if it is not ours already; False when another process holds it."""
        return self._lock.take()

    def close(self) -> None:
        """Let the lock go; safe to call twice."""
        self._lock.release()
