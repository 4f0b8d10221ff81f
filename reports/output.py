"""The terminal may go away while a run goes on: a closed pipe, a hung-up line, a full disk behind a redirection."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any

import pytest

from reconcile.plain import plain


class Output:
    """A stream whose failure ends the output and nothing else."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._is_broken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write, or drop what nobody can read."""
        self._try(lambda: self._stream.write(text))
        return len(text)

    def flush(self) -> None:
        """Flush, or drop."""
        self._try(self._stream.flush)

    def _try(self, action: Callable[[], object]) -> None:
        if self._is_broken:
            return
        try:
            action()
        except UnicodeError:
            raise
        except (OSError, ValueError):
            self._is_broken = True
            with contextlib.suppress(OSError, ValueError):
                self._drain()

    def _drain(self) -> None:
        """What the stream still holds goes nowhere: flushed at the end, it would change the process's exit code."""
        descriptor = self._stream.fileno()
        saved, nowhere = os.dup(descriptor), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, descriptor)
            self._stream.flush()
        finally:
            os.dup2(saved, descriptor)
            os.close(saved)
            os.close(nowhere)


def guard_terminal(config: pytest.Config) -> None:
    """Put an ``Output`` between pytest's terminal reporter and its file."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    writer = getattr(reporter, "_tw", None)  # private: pytest has no public way to the writer's file
    if writer is not None:
        writer._file = Output(writer._file)


def say(config: pytest.Config, line: str) -> None:
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
