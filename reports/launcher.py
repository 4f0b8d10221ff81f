"""Runs ``pytest -m staging`` in a process of its own, so that stdout is one line of JSON whatever becomes of pytest.

Imports only the standard library until pytest is done: a broken checkout still gets its line.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NOTHING_SELECTED = 5
REASONS = {2: "interrupted", 4: "usage_error", NOTHING_SELECTED: "nothing_selected", 137: "killed", 143: "interrupted"}
REMEDIES = {
    "usage_error": "read the error on stderr and mend what it names",
    "nothing_selected": "select the staging checks: give no -k, -m or path that excludes them",
    "interrupted": "run again",
    "killed": "put the gateway back: python -m reconcile recover",
    "internal_error": "read the traceback on stderr",
}


def main(arguments: Sequence[str]) -> int:
    """Run pytest, print the summary line, return pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-m", "staging", "--no-local-stack"]
    try:
        folder = tempfile.mkdtemp(prefix="l402-summary-")
    except OSError:  # no room for the summary: the run itself may still go
        folder = None
    summary = Path(folder or os.devnull, "summary.json")
    try:
        code = _run([*command, *([f"--summary-file={summary}"] if folder else []), *arguments])
        line = _line(summary)
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
    if line is None and code == 0:
        code = NOTHING_SELECTED  # e.g. --collect-only: nothing was applied, and 0 would say so
    _print(line or json.dumps(fallback(code)))
    return code


def _line(summary: Path) -> str | None:
    """The summary's line, if it is there and whole."""
    try:
        line = summary.read_text().strip()
        json.loads(line)
    except (OSError, ValueError):
        return None
    return line


def _print(line: str) -> None:
    """The one line that the script is for; the exit code says the same where nobody reads it."""
    data = memoryview(line.encode() + b"\n")
    with contextlib.suppress(OSError):
        while data:
            data = data[os.write(1, data) :]


def _run(command: list[str]) -> int:
    """pytest's exit code; its output goes to stderr, signals are passed on and waited out."""
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def forward(number: int, _: FrameType | None) -> None:
        if child is None:
            early.append(number)
        else:
            child.send_signal(number)

    saved = {number: signal.signal(number, forward) for number in FORWARDED if _is_wanted(number)}
    try:
        stderr = None if sys.stderr is not None else subprocess.DEVNULL
        stdout = subprocess.DEVNULL if sys.stderr is None else sys.stderr.fileno()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, preexec_fn=_follow)  # noqa: S603 - one thread, our own command
        for number in early:
            child.send_signal(number)
        code = child.wait()
    finally:
        for number, handler in saved.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


def _is_wanted(number: signal.Signals) -> bool:
    """A hang-up that nohup ignores stays ignored."""
    return number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN


def _follow() -> None:
    """In the child: a launcher that is killed outright takes the run with it, by SIGTERM, so that it is rolled back."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(1, int(signal.SIGTERM))  # PR_SET_PDEATHSIG


def fallback(code: int) -> dict[str, object]:
    """A summary of a run of which only the exit code is known."""
    reason = REASONS.get(code, "internal_error")
    request_id = os.environ.get("OA_LIGHTNING_OPS_REQUEST_ID", "").strip() or "reconcile:unknown"
    try:
        from reports.refused import unstarted_summary

        return unstarted_summary(request_id, reason, REMEDIES[reason])
    except Exception:  # the checkout itself is broken: the line must come all the same
        known = {"schemaVersion": 1, "ok": False, "requestId": request_id, "deploymentStatus": "failed"}
        return {**known, "failureStage": "settings", "failureCode": None, "failureReason": reason}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
