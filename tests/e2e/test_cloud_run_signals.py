"""Signals to the real process of a run on Cloud Run: users meet the former revision throughout, and nothing of ours stays."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.embedded.stack import EmbeddedStack
from tests.e2e.harness import PREFIX, ROOT, clean_environment, embedded, hosted_environment, run_against, run_command
from tests.e2e.test_cloud_run import FIRST, nothing_is_left, percents, served_ever

pytestmark = pytest.mark.e2e
DEADLINE_S = 40.0


def started(stack: EmbeddedStack, output: Path, rollout: str) -> subprocess.Popen[str]:
    """A run whose challenges hang, once its revision is there."""
    env = {**clean_environment(), **hosted_environment(stack), PREFIX + "OUTPUT_DIR": str(output)}
    env |= {PREFIX + "PROBE_TIMEOUT_S": "60", PREFIX + "ROLLOUT": rollout}
    child = subprocess.Popen(
        [sys.executable, "-m", "pytest", "-m", "staging"],
        cwd=ROOT,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        lines = [line for path in output.glob("*/journal.jsonl") for line in path.read_text().splitlines()]
        if any('"step":"apply"' in line and '"status":"passed"' in line for line in lines):
            return child
        time.sleep(0.02)
    child.kill()
    raise AssertionError(child.communicate()[0])


@pytest.mark.parametrize("rollout", ["candidate", "direct"])
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 2)])
def test_signal_puts_the_service_back(number: signal.Signals, code: int, rollout: str, tmp_path: Path) -> None:
    """The candidate's tag goes with it; with ``direct`` the former traffic comes back."""
    with embedded("node-frozen", is_cloud=True) as stack:
        child = started(stack, tmp_path, rollout)
        stack.break_with()
        child.send_signal(number)
        output, _ = child.communicate(timeout=DEADLINE_S)
        assert child.returncode == code, output
        assert percents(stack) == {FIRST: 100}
        assert (served_ever(stack) == {FIRST}) is (rollout == "candidate")
        assert nothing_is_left(stack)
        assert [row["status"] for row in stack.khala.deployments()] == ["rolled_back"]


@pytest.mark.parametrize("rollout", ["candidate", "direct"])
def test_killed_run_is_brought_to_its_end_by_the_next_one(rollout: str, tmp_path: Path) -> None:
    """Its record gets its terminal status, its lease goes, and the new run ends on a verified revision."""
    with embedded("node-frozen", is_cloud=True) as stack:
        child = started(stack, tmp_path, rollout)
        child.kill()
        child.communicate()
        stack.break_with()
        (folder,) = [path.parent for path in tmp_path.glob("*/journal.jsonl")]
        ran = run_against(stack, tmp_path)
        assert ran.code == 0, ran.output
        assert "had died" in ran.output
        assert FIRST not in percents(stack)
        assert nothing_is_left(stack)
        statuses = sorted(row["status"] for row in stack.khala.deployments())
        assert statuses == ["applied", "rolled_back"]
        assert json.loads((folder / "summary.json").read_text())["deploymentStatus"] == "rolled_back"


def test_recover_command_works_by_the_services_audit_alone(tmp_path: Path) -> None:
    """Without the run folder the dead run's lease must end first; then the last verified revision serves again."""
    with embedded("node-frozen", is_cloud=True) as stack:
        child = started(stack, tmp_path / "gone", "direct")
        child.kill()
        child.communicate()
        stack.break_with()
        secret = stack.cloud.secrets.secret("staging-project", "l402-aperture-config")
        held = json.loads(secret.resource["annotations"]["l402-harness.lease"])
        secret.resource["annotations"]["l402-harness.lease"] = json.dumps({**held, "expires_at_ms": 1})
        command = [sys.executable, "-m", "reconcile", "recover"]
        ran = run_command(command, tmp_path / "new", hosted_environment(stack))
        assert (ran.code, "serves again" in ran.stdout) == (0, True), ran.output
        assert percents(stack) == {FIRST: 100}
        assert nothing_is_left(stack)
        again = run_command(command, tmp_path / "new", hosted_environment(stack))
        assert "nothing to recover" in again.stdout
