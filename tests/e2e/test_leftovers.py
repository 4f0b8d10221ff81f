"""What an interrupted run leaves behind in memory does not change how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.harness import run_pytest

pytestmark = pytest.mark.e2e
LEAVER = """
import os, signal, socket

class Cycle:
    pass

kept = []

def pytest_runtest_call(item):
    if "proxy" in item.nodeid and not kept:
        kept.append(socket.socket())
        os.kill(os.getpid(), signal.SIGINT)

def pytest_terminal_summary():
    cycle = Cycle()
    cycle.itself, cycle.socket = cycle, kept.pop()
"""


def test_socket_that_an_interrupt_left_open_is_no_traceback(tmp_path: Path) -> None:
    """The garbage collector finds it when everything is written: exit 2, as interrupted."""
    (tmp_path / "leaver.py").write_text(LEAVER)
    env = {"PYTHONPATH": str(tmp_path)}
    ran = run_pytest(tmp_path / "out", env, "--stack=embedded", "-p", "leaver")
    assert (ran.code, "Traceback" in ran.output) == (2, False), ran.output
    assert ran.summary["failureReason"] == "interrupted"
