"""Wall time and peak memory of whole pytest processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RUNS = 5


def measure(*arguments: str) -> tuple[float, float]:
    """Seconds and peak MiB of one ``pytest`` with closed stdin."""
    with tempfile.TemporaryDirectory(prefix="l402-bench-") as folder:
        env = {name: value for name, value in os.environ.items() if not name.startswith("OA_LIGHTNING_")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's second start finds the compiled modules
        env["OA_LIGHTNING_OPS_OUTPUT_DIR"] = folder
        began = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-m", "pytest", *arguments],
            cwd=ROOT,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
    if status != 0:
        raise SystemExit(f"pytest {' '.join(arguments)} ended with wait status {status}")
    return seconds, usage.ru_maxrss / 1024


def lines() -> Iterator[str]:
    """The embedded loop and the collection, a line each."""
    for name, arguments, aim in (
        ("embedded loop", ("-m", "staging", "--stack=embedded", "--deployer=ops-http"), "1.3 s, 160 MiB"),
        ("Cloud Run loop", ("-m", "staging", "--stack=embedded"), "2.0 s"),
        ("collect-only", ("-m", "staging", "--stack=embedded", "--collect-only", "-q"), "0.4 s"),
    ):
        found = [measure(*arguments) for _ in range(RUNS)]
        seconds = [wall for wall, _ in found]
        yield (
            f"{name:<14} {RUNS} runs: min {min(seconds):.2f} s, median {statistics.median(seconds):.2f} s, "
            f"max {max(seconds):.2f} s; peak memory {max(mib for _, mib in found):.0f} MiB (aim {aim})"
        )
