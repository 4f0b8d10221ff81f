"""A run that was killed is brought to its end by a command, or by the next run (RECONCILE.md §4, ``recover``)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fixtures.embedded.ops import Deployed
from fixtures.embedded.stack import EmbeddedStack
from reconcile.journal import FileLock
from tests.e2e.harness import (
    PREFIX,
    ROOT,
    Ran,
    clean_environment,
    embedded,
    hosted_environment,
    run_against,
    run_command,
)
from tests.e2e.processes import at_its_challenge


def kill_at_challenge(stack: EmbeddedStack, output: Path) -> Path:
    """Start a run whose challenges hang, SIGKILL it as soon as it is there; its folder."""
    child = at_its_challenge(stack, output)
    child.kill()
    child.wait()
    return next(output.glob("*/journal.jsonl")).parent


def recover(stack: EmbeddedStack, output: Path) -> Ran:
    """Run the command."""
    return run_command([sys.executable, "-m", "reconcile", "recover"], output, hosted_environment(stack))


def former(stack: EmbeddedStack) -> str:
    """The configHash that served before the run."""
    return stack.ops.history[0][1].config_hash


def test_killed_run_is_rolled_back_and_recorded_once(tmp_path: Path) -> None:
    """Its snapshot serves again, its row is terminal, its summary is there; a second recovery has nothing to do."""
    with embedded("node-frozen") as stack:
        folder = kill_at_challenge(stack, tmp_path)
        ran = recover(stack, tmp_path)
        assert ran.code == 0, ran.output
        assert stack.ops.active is not None
        assert stack.ops.active.config_hash == former(stack)
        assert [row["status"] for row in stack.khala.deployments()] == ["rolled_back"]
        assert stack.khala.events()[-1]["eventType"] == "gateway_reconcile_rolled_back"
        summary = json.loads((folder / "summary.json").read_text())
        assert (summary["deploymentStatus"], summary["failureCode"], summary["failureReason"]) == (
            "rolled_back",
            "challenge_check_failed",
            "interrupted",
        )
        history, events = len(stack.ops.history), len(stack.khala.events())
        again = recover(stack, tmp_path)
        assert (again.code, "nothing to recover" in again.stdout) == (0, True)
        assert (len(stack.ops.history), len(stack.khala.events())) == (history, events)
        assert stack.khala_secret not in ran.output


def test_next_run_recovers_first_and_goes_back_no_further_than_the_verified_config(tmp_path: Path) -> None:
    """Otherwise the dead run's config would be the one to go back to."""
    with embedded("node-frozen") as stack:
        kill_at_challenge(stack, tmp_path)
        ran = run_against(stack, tmp_path, PROBE_TIMEOUT_S="0.2")
        assert ran.code == 1, ran.output
        assert "had died" in ran.output
        assert ran.summary["rolledBackFrom"] == former(stack)
        assert [what for what, _ in stack.ops.history] == ["seed", "deploy", "rollback", "deploy", "rollback"]
        assert {row["status"] for row in stack.khala.deployments()} == {"rolled_back"}


def test_somebody_elses_deployment_is_not_touched(tmp_path: Path) -> None:
    """Neither the journal's deployment nor its snapshot: exit 1, hands off, the row says failed."""
    with embedded("node-frozen") as stack:
        folder = kill_at_challenge(stack, tmp_path)
        text = stack.ops.history[0][1].aperture_yaml
        asyncio.run(stack.ops.serve("other", Deployed("dep_other", "cfg_" + "7" * 64, text)))
        ran = recover(stack, tmp_path)
        assert ran.code == 1, ran.output
        assert stack.ops.active is not None
        assert stack.ops.active.deployment_id == "dep_other"
        assert json.loads((folder / "summary.json").read_text())["failureReason"] == "concurrent_modification"
        assert [row["status"] for row in stack.khala.deployments()] == ["failed"]


def test_rollback_that_fails_is_exit_70_and_the_next_run_is_refused(tmp_path: Path) -> None:
    """A person has to look before anything else is deployed."""
    with embedded("node-frozen") as stack:
        kill_at_challenge(stack, tmp_path)
        stack.break_with("rollback-500")
        ran = run_against(stack, tmp_path)
        assert ran.code == 4, ran.output
        assert "rollback_failed" in ran.output
        assert [what for what, _ in stack.ops.history] == ["seed", "deploy"]


def test_khala_that_is_away_gets_the_records_from_the_outbox(tmp_path: Path) -> None:
    """The gateway comes first; 75, and the records wait."""
    with embedded("node-frozen") as stack:
        folder = kill_at_challenge(stack, tmp_path)
        env = {**hosted_environment(stack), PREFIX + "SECRET": "wrong-secret"}
        ran = run_command([sys.executable, "-m", "reconcile", "recover"], tmp_path, env)
        assert ran.code == 75, ran.output
        assert (folder / "khala-outbox.jsonl").exists()
        assert stack.ops.active is not None
        assert stack.ops.active.config_hash == former(stack)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", None])
def test_gateway_that_is_away_or_another_leaves_the_journal_unfinished(url: str | None, tmp_path: Path) -> None:
    """Nothing is decided without knowing what serves."""
    with embedded("node-frozen") as stack:
        folder = kill_at_challenge(stack, tmp_path)
        env = hosted_environment(stack)
        if url is None:
            stack.break_with("snapshot-500")
            stack.ops.calls.clear()
        else:
            env |= {PREFIX + name: url for name in ("GATEWAY_BASE_URL", "CHALLENGE_URL", "PROXY_URL")}
        ran = run_command([sys.executable, "-m", "reconcile", "recover"], tmp_path, env)
        assert ran.code == (1 if url is None else 0), ran.output
        assert '"concluded"' not in (folder / "journal.jsonl").read_text()
        stack.break_with()
        assert recover(stack, tmp_path).code == 0


def test_run_that_lives_is_left_alone(tmp_path: Path) -> None:
    """Its journal is locked by it."""
    with embedded() as stack:
        run_against(stack, tmp_path)
        folder = (tmp_path / "latest").resolve()
        lines = (folder / "journal.jsonl").read_text().splitlines()
        (folder / "journal.jsonl").write_text("\n".join(lines[:2]) + "\n")
        with (folder / "journal.jsonl").open() as held:
            import fcntl

            fcntl.flock(held, fcntl.LOCK_EX)
            ran = recover(stack, tmp_path)
        assert (ran.code, "alive" in ran.stdout) == (0, True)
        assert [what for what, _ in stack.ops.history] == ["seed", "deploy"]


def test_run_that_died_after_its_verdict_has_its_records_delivered(tmp_path: Path) -> None:
    """What was decided stands: applied stays applied."""
    with embedded("khala-down-after-intent") as stack:
        ran = run_against(stack, tmp_path)
        folder = (tmp_path / "latest").resolve()
        lines = (folder / "journal.jsonl").read_text().splitlines()
        (folder / "journal.jsonl").write_text("\n".join(line for line in lines if '"concluded"' not in line) + "\n")
        (folder / "khala-outbox.jsonl").unlink(missing_ok=True)
        stack.break_with()
        assert recover(stack, tmp_path).code == 0, ran.output
        assert [row["status"] for row in stack.khala.deployments()] == ["applied"]
        assert stack.ops.active is not None
        assert stack.ops.active.config_hash != former(stack)


def test_journal_of_a_run_that_wrote_nothing_is_closed(tmp_path: Path) -> None:
    """Nothing happened anywhere."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "journal.jsonl").write_text('{"event":"other","requestId":"r"}\n')
    with embedded() as stack:
        ran = recover(stack, tmp_path)
        assert (ran.code, "nothing_written" in ran.stdout) == (0, True)
        assert "nothing to recover" in recover(stack, tmp_path).stdout
        assert stack.requests == []


@pytest.mark.parametrize("text", ['{"event":"intent","requestId":"r"}\n', "rubbish\n{}\n", "[1]\n[2]\n", "\xff\n{}\n"])
def test_journal_of_another_form_is_named_and_kept(text: str, tmp_path: Path) -> None:
    """Nothing is guessed from a damaged file."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "journal.jsonl").write_bytes(text.encode("latin-1"))
    with embedded() as stack:
        ran = recover(stack, tmp_path)
        assert ran.code == 1
        assert "journal_corrupt" in ran.stdout
        assert stack.requests == []


def test_two_runs_on_one_gateway_do_not_both_conduct(tmp_path: Path) -> None:
    """The second is refused before it contacts anything; its folder is gone."""
    with embedded() as stack:
        key = hashlib.sha256(stack.gateway_url.encode()).hexdigest()[:16]
        lock = FileLock(tmp_path / f".{key}.lock")
        assert lock.take()
        ran = run_against(stack, tmp_path)
        assert ran.code == 4, ran.output
        assert "another run" in ran.output
        assert stack.requests == []
        assert [path.name for path in tmp_path.iterdir()] == [f".{key}.lock"]
        lock.release()
        assert run_against(stack, tmp_path).code == 0


def test_rollback_that_failed_is_mended_by_recover_and_by_the_next_run(tmp_path: Path) -> None:
    """What it left serving must not become the config to go back to; the row then says what is so."""
    with embedded("challenge-amount", "rollback-500") as stack:
        assert run_against(stack, tmp_path).code == 70
        assert recover(stack, tmp_path).code == 70, "it still fails"
        stack.break_with()
        assert recover(stack, tmp_path).code == 0
        assert stack.ops.active is not None
        assert stack.ops.active.config_hash == former(stack)
        assert [row["status"] for row in stack.khala.deployments()] == ["rolled_back"]
        assert "nothing to recover" in recover(stack, tmp_path).stdout
    with embedded("challenge-amount", "rollback-500") as stack:
        assert run_against(stack, tmp_path / "next").code == 70
        stack.break_with()
        assert run_against(stack, tmp_path / "next").code == 0
        assert [what for what, _ in stack.ops.history] == ["seed", "deploy", "rollback", "deploy"]


def test_run_that_was_killed_carries_the_code_of_the_step_it_died_over(tmp_path: Path) -> None:
    """From the journal's own lines: what had passed is no failure."""
    with embedded("node-frozen") as stack:
        folder = kill_at_challenge(stack, tmp_path)
        text = (folder / "journal.jsonl").read_text()
        entries = [json.loads(line) for line in text.splitlines()]
        passed = [entry["step"] for entry in entries if entry["event"] == "step" and entry["status"] == "passed"]
        assert recover(stack, tmp_path).code == 0
        summary = json.loads((folder / "summary.json").read_text())
        assert summary["failureStage"] not in passed
        assert summary["failureReason"] == "interrupted"


def test_same_config_that_somebody_else_deployed_again_is_not_touched(tmp_path: Path) -> None:
    """Its hash is ours, its deployment is not: it may have been verified since."""
    with embedded("node-frozen") as stack:
        kill_at_challenge(stack, tmp_path)
        ours = stack.ops.active
        assert ours is not None
        asyncio.run(stack.ops.serve("other", Deployed("dep_other", ours.config_hash, ours.aperture_yaml)))
        assert recover(stack, tmp_path).code == 1
        assert [what for what, _ in stack.ops.history] == ["seed", "deploy", "other"]


def test_command_that_is_stopped_says_so_and_is_run_again(tmp_path: Path) -> None:
    """SIGTERM is 143, without a traceback; the journal stays unfinished."""
    with embedded("node-frozen") as stack:
        folder = kill_at_challenge(stack, tmp_path)
        answering = stack.ops.answer

        async def hang(_: object) -> object:
            import asyncio

            await asyncio.sleep(3600)
            raise AssertionError

        stack.ops.answer = hang  # type: ignore[assignment,method-assign]  # a gateway that hangs
        env = {**clean_environment(), **hosted_environment(stack), PREFIX + "OUTPUT_DIR": str(tmp_path)}
        asked = len(stack.requests)
        child = subprocess.Popen(
            [sys.executable, "-m", "reconcile", "recover"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 30
        while len(stack.requests) == asked and time.monotonic() < deadline:
            time.sleep(0.01)
        child.send_signal(signal.SIGTERM)
        output, _ = child.communicate(timeout=30)
        assert (child.returncode, "run" in output) == (143, True)
        assert '"concluded"' not in (folder / "journal.jsonl").read_text()
        stack.ops.answer = answering  # type: ignore[method-assign]  # well again
        assert recover(stack, tmp_path).code == 0
