"""A warm process that forks one run after another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from tests.e2e.harness import ROOT, clean_environment

CASE_TIMEOUT_S = 90.0


class Zygote:
    """A warm process that forks one run after another; its children's children would become its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.child"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        self.child = 0

    def begin(self, order: dict[str, Any]) -> None:
        """Fork; ``child`` is the run's pid."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self.child = int(self._line())

    def end(self) -> tuple[int, bool]:
        """The exit code, and whether the run had to be killed because it hung."""
        hung = threading.Event()

        def kill() -> None:
            hung.set()
            os.kill(self.child, signal.SIGKILL)

        timer = threading.Timer(CASE_TIMEOUT_S, kill)
        timer.start()
        try:
            return int(self._line()), hung.is_set()
        finally:
            timer.cancel()

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def leftovers(self) -> list[str]:
        """Processes that a run left behind."""
        path = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return path.read_text().split() if path.exists() else []

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()
