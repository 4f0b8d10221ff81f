"""Runs ``pytest -m staging`` in a process of its own, so that stdout is one line of JSON whatever becomes of pytest.

Imports only the standard library until pytest is done: a broken checkout still gets its line.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REASONS = {2: "interrupted", 4: "usage_error", 5: "nothing_selected", 143: "interrupted"}
REMEDIES = {
    "usage_error": "read the error on stderr and mend what it names",
    "nothing_selected": "select the staging checks: give no -k, -m or path that excludes them",
    "interrupted": "run again",
    "internal_error": "read the traceback on stderr",
}


def main(arguments: Sequence[str]) -> int:
    """Run pytest, print the summary line, return pytest's exit code."""
    with tempfile.TemporaryDirectory(prefix="l402-summary-") as folder:
        summary = Path(folder, "summary.json")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-m",
            "staging",
            "--no-local-stack",
            f"--summary-file={summary}",
            *arguments,
        ]
        code = _run(command)
        line = summary.read_text().strip() if summary.exists() else ""
    print(line or json.dumps(fallback(code)), flush=True)  # noqa: T201 - the one line that the script is for
    return code


def _run(command: list[str]) -> int:
    """pytest's exit code; its output goes to stderr, signals are passed on and waited out."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr.fileno())  # noqa: S603 - our own command

    def forward(number: int, _: FrameType | None) -> None:
        child.send_signal(number)

    saved = {number: signal.signal(number, forward) for number in FORWARDED}
    try:
        code = child.wait()
    finally:
        for number, handler in saved.items():
            signal.signal(number, handler)
    return code if code >= 0 else 128 - code


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
