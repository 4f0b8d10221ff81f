"""The runbook's script: stdout is one line of JSON, whatever happens."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reports.schema import SCHEMA_FILE
from tests.e2e.harness import PREFIX, ROOT, clean_environment, embedded, hosted_environment

pytestmark = pytest.mark.e2e
SCRIPT = "scripts/staging-reconcile.sh"


def run_script(root: Path, output: Path, env: Mapping[str, str], *args: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, the parsed line, and stderr; fails unless stdout is exactly one line of valid summary."""
    environment = {**clean_environment(), PREFIX + "OUTPUT_DIR": str(output), **env}
    done = subprocess.run(
        ["bash", SCRIPT, *args], cwd=root, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.count("\n") == 1, (done.stdout, done.stderr)
    summary: dict[str, Any] = json.loads(done.stdout)
    jsonschema.validate(summary, json.loads(SCHEMA_FILE.read_text()))
    return done.returncode, summary, done.stderr


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout to break, with the same virtual environment."""
    root = tmp_path_factory.mktemp("checkout")
    for name in ("reconcile", "fixtures", "checks", "reports", "scripts", "requirements"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "conftest.py"):
        shutil.copy(ROOT / name, root / name)
    if (ROOT / ".venv").exists():
        (root / ".venv").symlink_to(ROOT / ".venv")
    return root


@pytest.mark.parametrize(
    ("faults", "code", "status", "failure"),
    [
        ((), 0, "applied", None),
        (("challenge-amount",), 1, "rolled_back", "challenge_check_failed"),
        (("challenge-amount", "rollback-500"), 70, "failed", "rollback_failed"),
        (("khala-read-forbidden",), 1, "failed", "compile_validation_failed"),
        (("khala-down-after-intent",), 75, "applied", None),
    ],
)
def test_script_prints_the_summary(
    faults: tuple[str, ...], code: int, status: str, failure: str | None, tmp_path: Path
) -> None:
    """On success and on failures the line is the run's own summary, and the exit code the run's."""
    with embedded(*faults) as stack:
        got, summary, stderr = run_script(ROOT, tmp_path, hosted_environment(stack))
        assert (got, summary["deploymentStatus"], summary["failureCode"]) == (code, status, failure), stderr
        assert summary == json.loads((tmp_path / "latest" / "summary.json").read_text())


@pytest.mark.parametrize(
    ("env", "args", "code", "word"),
    [
        ({}, (), 4, "KHALA_URL"),
        ({PREFIX + "KHALA_URL": "https://x.convex.site"}, (), 4, "convex.site"),
        ({}, ("--stack=embedded",), 4, "--stack"),
        ({}, ("--no-such-option",), 4, "--no-such-option"),
        ({PREFIX + "REQUEST_ID": "a b"}, (), 4, "KHALA_URL"),
    ],
)
def test_usage_errors_have_their_line_too(
    env: dict[str, str], args: tuple[str, ...], code: int, word: str, tmp_path: Path
) -> None:
    """``failureStage`` settings, no code; stderr names the input."""
    got, summary, stderr = run_script(ROOT, tmp_path, env, *args)
    assert (got, summary["failureStage"], summary["failureCode"]) == (code, "settings", None)
    assert summary["deploymentStatus"] == "failed"
    assert word in stderr


def test_broken_conftest_has_its_line_too(copy: Path, tmp_path: Path) -> None:
    """pytest dies before any hook of ours: the launcher outside keeps the promise."""
    original = (copy / "conftest.py").read_text()
    (copy / "conftest.py").write_text("raise RuntimeError('broken')\n")
    try:
        code, summary, _ = run_script(copy, tmp_path, {})
    finally:
        (copy / "conftest.py").write_text(original)
    assert (code, summary["failureReason"]) == (4, "usage_error")


def test_missing_python_has_its_line_too(copy: Path, tmp_path: Path) -> None:
    """Not even the virtual environment can be made."""
    (copy / "requirements" / "run.txt").write_text("no-such-package==0 --hash=sha256:00\n")
    (copy / ".venv").unlink()
    code, summary, _ = run_script(copy, tmp_path, {"PYTHON": "no-python-here", "PATH": "/nowhere:/usr/bin:/bin"})
    assert code in (3, 4)
    assert summary["failureReason"] == "setup_failed"


def test_interrupt_puts_the_gateway_back(tmp_path: Path) -> None:
    """SIGTERM to the script while checks run: the rollback, the line, exit 143."""
    with embedded("node-frozen") as stack:
        environment = {**clean_environment(), **hosted_environment(stack), PREFIX + "OUTPUT_DIR": str(tmp_path)}
        environment[PREFIX + "PROBE_TIMEOUT_S"] = "30"
        script = subprocess.Popen(
            ["bash", SCRIPT], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 20
        while not any(what == "deploy" for what, _ in stack.ops.history) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        stack.break_with()
        script.send_signal(signal.SIGTERM)
        stdout, stderr = script.communicate(timeout=60)
        summary = json.loads(stdout)
        assert (script.returncode, summary["deploymentStatus"], summary["failureReason"]) == (
            143,
            "rolled_back",
            "interrupted",
        ), stderr
        assert stack.ops.active is not None
        assert stack.ops.active.config_hash == stack.ops.history[0][1].config_hash
        assert [row["status"] for row in stack.khala.deployments()] == ["rolled_back"]


def test_script_that_runs_nothing_is_never_green(tmp_path: Path) -> None:
    """``--collect-only`` is 0 for pytest, and would be "applied" for a gate."""
    with embedded() as stack:
        code, summary, _ = run_script(ROOT, tmp_path, hosted_environment(stack), "--collect-only")
        assert (code, summary["ok"], summary["failureReason"]) == (5, False, "nothing_selected")
        assert stack.requests == []


def test_script_that_is_killed_outright_takes_its_run_with_it(tmp_path: Path) -> None:
    """The run gets a SIGTERM, and puts the gateway back."""
    with embedded("node-frozen") as stack:
        env = {**clean_environment(), **hosted_environment(stack), PREFIX + "OUTPUT_DIR": str(tmp_path)}
        script = subprocess.Popen(["bash", SCRIPT], cwd=ROOT, env={**env, PREFIX + "PROBE_TIMEOUT_S": "60"})
        deadline = time.monotonic() + 60
        while stack.ops.history[-1][0] == "seed" and time.monotonic() < deadline:
            time.sleep(0.01)
        script.kill()
        script.wait(10)
        while not list(tmp_path.glob("*/summary.json")) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert [what for what, _ in stack.ops.history] == ["seed", "deploy", "rollback"]
        assert [row["status"] for row in stack.khala.deployments()][:1] != ["pending"]
