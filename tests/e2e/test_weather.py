"""Hostile weather: closed and full outputs, folders that cannot be written, clocks that jump, deadlines, signals."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fixtures.embedded.stack import EmbeddedStack
from tests.e2e.harness import PREFIX, ROOT, clean_environment, embedded, hosted_environment, run_against, run_command
from tests.e2e.processes import at_its_challenge, start, summary_of

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("where", ["pipe", "full"])
def test_run_outlives_its_terminal(where: str, tmp_path: Path) -> None:
    """A closed pipe or a full disk behind stdout: the run goes on, the reports come, the code is the run's."""
    with embedded() as stack:
        if where == "pipe":
            reader, writer = os.pipe()
            os.close(reader)
        else:
            writer = os.open("/dev/full", os.O_WRONLY)
        child = start(stack, tmp_path, stdout=writer, stderr=writer)
        os.close(writer)
        assert child.wait(90) == 0
        assert summary_of(tmp_path)["deploymentStatus"] == "applied"
        assert (tmp_path / "latest" / "junit.xml").exists()
        assert (tmp_path / "latest" / "report.html").exists()


@pytest.mark.parametrize("size", [1500, 3500, 6000])
def test_full_disk_leaves_no_unverified_config(size: int, tmp_path: Path) -> None:
    """Files stop growing (EFBIG, as ENOSPC): what cannot be written down is not done, or taken back."""
    with embedded() as stack:

        def limit() -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        child = start(stack, tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=limit)
        output, _ = child.communicate(timeout=90)
        assert child.returncode in (1, 3), output.decode()
        assert stack.ops.active is not None
        statuses = [row["status"] for row in stack.khala.deployments()]
        is_old = stack.ops.active.config_hash == stack.ops.history[0][1].config_hash
        assert (is_old, statuses) in ((True, ["failed"]), (True, ["rolled_back"]), (False, ["applied"]))
        assert child.returncode == (1 if is_old else 3), "verified and applied, but its reports are missing"
        assert b"cannot be written" in output or b"journal_unwritable" in output


@pytest.mark.parametrize("place", ["file/below", "/proc/l402"])
def test_output_dir_that_cannot_be_written_is_exit_4(place: str, tmp_path: Path) -> None:
    """Named, before anything is contacted; root can write everywhere else."""
    (tmp_path / "file").write_text("")
    with embedded() as stack:
        child = start(stack, tmp_path / place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = child.communicate(timeout=60)
        assert child.returncode == 4
        assert b"OUTPUT_DIR" in output
        assert b"Traceback" not in output
        assert stack.requests == []


def test_latest_that_is_a_folder_is_left_and_named(tmp_path: Path) -> None:
    """The run itself is none the worse."""
    (tmp_path / "latest").mkdir()
    with embedded() as stack:
        child = start(stack, tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output, _ = child.communicate(timeout=90)
        assert child.returncode == 0
        assert b"latest is no link" in output


def test_clock_that_jumps_changes_no_deadline(tmp_path: Path) -> None:
    """Wall time goes back and forth by hours; deadlines are monotonic, the summary is valid, nothing waits for ever."""
    jumping = (
        "import itertools, runpy, sys\nfrom reconcile.clock import SystemClock\nreal = SystemClock.now_ms\n"
        "jumps = itertools.cycle((0, -1_800_000, 900_000, -60_000))\n"
        "SystemClock.now_ms = lambda self: real(self) + next(jumps)\n"
        "sys.argv = ['pytest', '-m', 'staging', '-W', 'ignore::pytest.PytestAssertRewriteWarning']\n"
        "runpy.run_module('pytest', run_name='__main__', alter_sys=True)\n"
    )
    with embedded() as stack:
        env = {**clean_environment(), **hosted_environment(stack), PREFIX + "OUTPUT_DIR": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", jumping], cwd=ROOT, env=env, capture_output=True, text=True, timeout=90
        )
        assert done.returncode in (0, 1), done.stdout
        summary = summary_of(tmp_path)
        assert summary["finishedAtMs"] >= summary["startedAtMs"]
        assert all((step["durationMs"] or 0) >= 0 for step in summary["steps"])


@pytest.mark.parametrize(
    "arguments", [("--timeout=0.01", "--timeout-method=thread"), ("--timeout=0.01",), ("--session-timeout=0.001",)]
)
def test_timeouts_cut_no_deploy_and_no_rollback(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """Neither method ends the process, or a step; a session that is stopped is rolled back."""
    with embedded() as stack:
        ran = run_against(stack, tmp_path, *arguments)
        assert ran.code in (0, 1), ran.output
        assert ran.code == (0 if ran.summary["ok"] else 1)
        is_applied = ran.summary["deploymentStatus"] == "applied"
        serving = stack.ops.active.config_hash if stack.ops.active else None
        assert serving == (ran.summary["configHash"] if is_applied else stack.ops.history[0][1].config_hash)
        assert is_applied is not arguments[0].startswith("--session")


@pytest.mark.parametrize("peer", ["khala", "nobody"])
def test_sigterm_and_more_of_them_leave_within_the_grace(peer: str, tmp_path: Path) -> None:
    """CI kills 10 s after its SIGTERM: by then the gateway is back, whatever Khala does, and the reports are there."""
    with embedded("node-frozen") as stack:
        child = at_its_challenge(stack, tmp_path)
        if peer == "khala":
            hang(stack)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGINT, signal.SIGHUP):
            child.send_signal(number)
            time.sleep(0.3)  # signals that are pending together are delivered by their numbers
        assert child.wait(10) == 143
        assert stack.ops.active is not None
        assert stack.ops.active.config_hash == stack.ops.history[0][1].config_hash
        summary = summary_of(tmp_path)
        assert (summary["failureReason"], summary["deploymentStatus"]) == ("interrupted", "rolled_back")
        assert (tmp_path / "latest" / "khala-outbox.jsonl").exists() is (peer == "khala")
        assert (tmp_path / "latest" / "junit.xml").exists()


def test_outbox_waits_for_a_write_that_may_still_land(tmp_path: Path) -> None:
    """The pending row's first answer was lost: ``deliver`` at once could be undone by it (KHALA.md)."""
    with embedded("node-frozen", "khala-intent-lost") as stack:
        child = at_its_challenge(stack, tmp_path)
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 143
        outbox = tmp_path / "latest" / "khala-outbox.jsonl"
        row, *events = [json.loads(line) for line in outbox.read_text().splitlines()]
        assert row["abandonedAtMs"] >= int(time.time() - 60) * 1000
        assert not any("abandonedAtMs" in event for event in events)
        outbox.write_text(outbox.read_text().replace(str(row["abandonedAtMs"]), str(row["abandonedAtMs"] - 18_000)))
        ran = run_command([sys.executable, "-m", "reconcile", "deliver"], tmp_path, hosted_environment(stack))
        assert (ran.code, "waiting" in ran.stdout) == (0, True), ran.output
        assert [row["status"] for row in stack.khala.deployments()] == ["rolled_back"]


def hang(stack: EmbeddedStack) -> None:
    """Khala takes every call, and answers none."""
    import asyncio

    async def never(_: object) -> Any:
        await asyncio.sleep(3600)

    stack._servers[0]._handler = never
