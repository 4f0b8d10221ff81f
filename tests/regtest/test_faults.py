"""The same run under the same fault on both stacks, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.regtest.faults import possible_faults
from tests.e2e.harness import ROOT

pytestmark = pytest.mark.regtest
MAX_RUN_S = 60.0
# What pays is another program on each stack: the code is the same, the payer's own word is not.
OTHER_REASON = {"wallet-no-liquidity"}


def run(stack: str, fault: str, folder: Path, **settings: str) -> dict[str, Any]:
    """The summary of a staging run under a fault; ``settings`` without their prefix."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("OA_LIGHTNING_")}
    env |= {f"OA_LIGHTNING_OPS_{name}": value for name, value in settings.items()}
    env["OA_LIGHTNING_OPS_OUTPUT_DIR"] = str(folder)
    command = [sys.executable, "-m", "pytest", "-m", "staging", "-q", f"--stack={stack}", f"--fault={fault}"]
    ended = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    file = folder / "latest" / "summary.json"
    assert file.exists(), ended.stdout + ended.stderr
    loaded: dict[str, Any] = json.loads(file.read_text())
    return loaded


@pytest.mark.parametrize("fault", possible_faults())
def test_fault_has_the_same_code_on_both_stacks(fault: str, tmp_path: Path) -> None:
    """A check that fails on the embedded stack fails with the same code and reason on the real one."""
    embedded = run("embedded", fault, tmp_path / "embedded", READY_TIMEOUT_S="3")
    real = run("regtest", fault, tmp_path / "regtest", READY_TIMEOUT_S="3")
    keys = ("deploymentStatus", "failureCode", "failureStage", "ok")
    assert {key: real[key] for key in keys} == {key: embedded[key] for key in keys}
    if fault in OTHER_REASON:
        assert str(real["failureReason"]).startswith("inconclusive:payer_")
    else:
        assert real["failureReason"] == embedded["failureReason"]


@pytest.mark.parametrize("fault", ["node-gone", "node-frozen"])
def test_dead_node_ends_the_run_in_time(fault: str, tmp_path: Path) -> None:
    """The seller stopped or frozen: named, and the run ends within 60 s of the first probe."""
    summary = run("regtest", fault, tmp_path)
    assert (summary["failureCode"], summary["failureReason"]) == (
        "challenge_check_failed",
        "lightning_node_unavailable",
    )
    assert (
        summary["finishedAtMs"] - next(step["startedAtMs"] for step in summary["steps"] if step["name"] == "challenge")
        < MAX_RUN_S * 1000
    )
