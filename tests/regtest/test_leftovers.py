"""Whatever ends a run on the regtest stack, no process and so no port is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.harness import ROOT

pytestmark = pytest.mark.regtest
GONE_S, MOMENT_S = 20.0, 60.0


def processes(folder: Path) -> list[str]:
    """Command lines of living processes that name ``folder``, but pytest's own."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if entry.name.isdigit() and str(folder) in line and "pytest" not in line:
            found.append(line)
    return found


def wait_for(text: str, log: Path, child: subprocess.Popen[bytes]) -> None:
    """Until the run has said ``text``."""
    deadline_s = time.monotonic() + MOMENT_S
    while text not in log.read_text(errors="replace"):
        assert child.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < deadline_s, log.read_text(errors="replace")
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("moment", ["collected", "note   chain", "note   both nodes", "ok     apply"])
def test_interrupted_run_leaves_nothing_behind(number: signal.Signals, moment: str, tmp_path: Path) -> None:
    """At any moment, by any signal."""
    log = tmp_path / "log"
    env = {name: value for name, value in os.environ.items() if not name.startswith("OA_LIGHTNING_")}
    env |= {"TMPDIR": str(tmp_path), "OA_LIGHTNING_OPS_OUTPUT_DIR": str(tmp_path / "out"), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "pytest", "-m", "staging", "--stack=regtest", "--basetemp", str(tmp_path / "base")]
    with log.open("wb") as sink:
        child = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=sink, stderr=sink, stdin=subprocess.DEVNULL, start_new_session=True
        )
    try:
        wait_for(moment, log, child)
        child.send_signal(number)
        code = child.wait(MOMENT_S)
    finally:
        child.kill()
        child.wait()
    text = log.read_text(errors="replace")
    assert (
        code
        in {
            signal.SIGINT: (2,),
            signal.SIGTERM: (143, -15) if moment == "collected" else (143,),
            signal.SIGKILL: (-9,),
        }[number]
    ), text
    deadline_s = time.monotonic() + GONE_S
    while left := processes(tmp_path):
        assert time.monotonic() < deadline_s, left
        time.sleep(0.05)
    if number is not signal.SIGKILL:
        assert list(tmp_path.glob("l402-regtest-*")) == []
