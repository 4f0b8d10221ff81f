"""A staging run as a process whose streams and limits the test sets, and what it left."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema

from fixtures.embedded.stack import EmbeddedStack
from tests.e2e.harness import PREFIX, ROOT, clean_environment, hosted_environment

SCHEMA = json.loads((ROOT / "reports" / "summary.schema.json").read_text())


def start(stack: EmbeddedStack, output: Path, **how: Any) -> subprocess.Popen[bytes]:
    """A hosted run against ``stack`` whose streams and limits the test sets."""
    env = {**clean_environment(), **hosted_environment(stack), PREFIX + "OUTPUT_DIR": str(output)}
    command = [sys.executable, "-m", "pytest", "-m", "staging", *how.pop("arguments", ())]
    return subprocess.Popen(command, cwd=ROOT, env={**env, **how.pop("env", {})}, stdin=subprocess.DEVNULL, **how)


def at_its_challenge(stack: EmbeddedStack, output: Path) -> subprocess.Popen[bytes]:
    """A run whose health checks passed, and whose challenges hang: the stack's node is frozen."""
    env = {PREFIX + "PROBE_TIMEOUT_S": "60"}
    child = start(stack, output, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if any('"step":"health","status":"passed"' in path.read_text() for path in output.glob("*/journal.jsonl")):
            return child
        time.sleep(0.01)
    child.kill()
    child.wait()
    raise AssertionError("the run never came to its challenges")


def summary_of(output: Path) -> dict[str, Any]:
    """The newest run's, valid."""
    loaded: dict[str, Any] = json.loads((output / "latest" / "summary.json").read_text())
    jsonschema.validate(loaded, SCHEMA)
    return loaded
