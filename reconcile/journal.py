"""The run's journal: one JSON line before each write to the gateway, Khala or a payer, on disk before the write is made."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from reconcile.clock import Clock
from reconcile.errors import JournalError

FILE_NAME = "journal.jsonl"
SCHEMA_VERSION = 1
FILE_MODE = 0o600
TAIL_BYTES = 4 * 1024 * 1024  # longer than any line of a journal or an outbox


def append_line(path: Path, entry: dict[str, Any]) -> None:
    """Append one JSON line, flushed to disk before this returns; the file is its owner's only.

    What a kill tore off in the middle of a line is mended first, and a line that does not fit is taken back: the file
    holds whole lines only. Two processes never append to one file: the journal's lock is held by one of them.

    Raises:
        JournalError: the file cannot be written.
    """
    line = (json.dumps(entry, separators=(",", ":")) + "\n").encode()
    try:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, FILE_MODE)
        try:
            size = _mend_end(descriptor)
            try:
                _write_whole(descriptor, line)
                os.fsync(descriptor)
            except OSError:
                with contextlib.suppress(OSError):
                    os.ftruncate(descriptor, size)
                raise
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(path.parent)
    except OSError as error:
        message = f"{path.name} cannot be written: {error.strerror}"
        raise JournalError(
            message, reason="journal_unwritable", remedy="free space, or give another OUTPUT_DIR"
        ) from error


def sync_folder(folder: Path) -> None:
    """Flush a folder, so that a file that was made or replaced in it outlives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems flush no folders
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_whole(descriptor: int, data: bytes) -> None:
    """A disk that fills up takes a part of a line without a word."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _mend_end(descriptor: int) -> int:
    """The file's size, once its last line is whole: ended when it is JSON, else cut off as what was never written."""
    size = os.fstat(descriptor).st_size
    start = max(0, size - TAIL_BYTES)
    tail = os.pread(descriptor, size - start, start)
    torn = tail[tail.rfind(b"\n") + 1 :]
    if not torn:
        return size
    try:
        json.loads(torn)
    except ValueError:
        os.ftruncate(descriptor, size - len(torn))
        return size - len(torn)
    _write_whole(descriptor, b"\n")
    return size + 1


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
    """An advisory lock on a file or folder, let go when the process ends. A file system without locks holds nobody off."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool:
        """False when another process holds it; true again when it is ours already."""
        if self._descriptor is not None:
            return True
        with contextlib.suppress(OSError):
            how = os.O_RDONLY if self._path.is_dir() else os.O_RDWR | os.O_CREAT
            descriptor = os.open(self._path, how, FILE_MODE)
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


def gateway_lock(output_dir: Path, gateway_base_url: str) -> FileLock:
    """Held by the run, or the recovery, that conducts on this gateway: one at a time in one OUTPUT_DIR."""
    return FileLock(output_dir / f".{hashlib.sha256(gateway_base_url.encode()).hexdigest()[:16]}.lock")


class Journal:
    """Appends events to one file, and holds a lock on it for as long as the run lives: a dead run's journal is free."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._lock = FileLock(path)

    def write(self, event: str, **fields: object) -> None:
        """Append ``event``; raises JournalError when it is not on disk, or when another process holds the journal."""
        if not self.hold():
            remedy = "wait for the other one to end"
            raise JournalError(f"{self.path.name} is held by another process", reason="journal_held", remedy=remedy)
        append_line(
            self.path, {"schemaVersion": SCHEMA_VERSION, "atMs": self._clock.now_ms(), "event": event, **fields}
        )

    def hold(self) -> bool:
        """Take the lock, if it is not ours already; False when another process holds it."""
        return self._lock.take()

    def close(self) -> None:
        """Let the lock go; safe to call twice."""
        self._lock.release()
