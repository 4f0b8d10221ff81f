"""Hostile weather: closed and full outputs, folders that cannot be written, clocks that jump, peers that never end, odd names."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from fixtures.embedded import seed
from fixtures.embedded.stack import EmbeddedStack
from tests.e2e.harness import PREFIX, ROOT, WALLET, Ran, clean_environment, embedded, hosted_environment, run_against

pytestmark = pytest.mark.e2e

MEMORY_BOUND_KB = 512 * 1024  # the whole process, whatever its peers send (README, "Security")
EVIL = "\x1b]0;owned\x07<script>alert(1)</script>\u202e\r\n::error::x"
SCHEMA = json.loads((ROOT / "reports" / "summary.schema.json").read_text())


def start(stack: EmbeddedStack, output: Path, **how: Any) -> subprocess.Popen[bytes]:
    """A hosted run against ``stack`` whose streams and limits the test sets."""
    env = {**clean_environment(), **hosted_environment(stack), PREFIX + "OUTPUT_DIR": str(output)}
    command = [sys.executable, "-m", "pytest", "-m", "staging", *how.pop("arguments", ())]
    return subprocess.Popen(command, cwd=ROOT, env={**env, **how.pop("env", {})}, stdin=subprocess.DEVNULL, **how)


def summary_of(output: Path) -> dict[str, Any]:
    """The newest run's, valid."""
    loaded: dict[str, Any] = json.loads((output / "latest" / "summary.json").read_text())
    jsonschema.validate(loaded, SCHEMA)
    return loaded


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


class Flood(BaseHTTPRequestHandler):
    """Answers everything with a gigabyte, or with HTML."""

    is_html = False
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Any call."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.is_html:
            page = b"<html><script>alert(1)</script>down for maintenance</html>"
            self._head(len(page), "text/html")
            self.wfile.write(page)
            return
        self._head(1 << 30, "application/json")
        try:
            for _ in range(1 << 14):
                self.wfile.write(b" " * 65536)
        except OSError:
            self.close_connection = True

    do_GET = do_POST  # noqa: N815 - the base's name

    def _head(self, length: int, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def flood(*, is_html: bool = False) -> Iterator[str]:
    """A server of that kind; its URL."""
    handler = type("Handler", (Flood,), {"is_html": is_html})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def measured(stack: EmbeddedStack, output: Path, env: dict[str, str]) -> tuple[int, int, str]:
    """Exit code, the most memory that the process held (kB), and its output."""
    with (output / "log").open("wb") as log:
        child = start(stack, output, stdout=log, stderr=log, env=env)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, usage.ru_maxrss, (output / "log").read_text()


@pytest.mark.parametrize("peer", ["khala", "gateway", "wallet"])
def test_gigabyte_from_a_peer_is_cut_off(peer: str, tmp_path: Path) -> None:
    """Each adapter has its bound, and the whole process keeps below the one that the README states."""
    with embedded() as stack, flood() as url:
        names = {
            "khala": [PREFIX + "KHALA_URL"],
            "gateway": [PREFIX + name for name in ("GATEWAY_BASE_URL", "CHALLENGE_URL", "PROXY_URL")],
            "wallet": [WALLET + "BASE_URL"],
        }
        changes = {
            name: f"{url}/staging" if name.endswith(("CHALLENGE_URL", "PROXY_URL")) else url for name in names[peer]
        }
        code, most_kb, output = measured(stack, tmp_path, changes)
        assert code == 1, output
        assert most_kb < MEMORY_BOUND_KB
        stage = {"khala": "read", "gateway": "snapshot", "wallet": "proxy"}[peer]
        assert summary_of(tmp_path)["failureStage"] == stage
        assert "INTERNALERROR" not in output


def test_khala_that_answers_html_is_one_clear_error(tmp_path: Path) -> None:
    """Its page is not shown anywhere."""
    with embedded() as stack, flood(is_html=True) as url:
        code, _, output = measured(stack, tmp_path, {PREFIX + "KHALA_URL": url})
        assert code == 1
        assert summary_of(tmp_path)["failureReason"] == "control_plane_invalid_payload"
        assert "<script" not in output
        assert "<script>alert(1)" not in (tmp_path / "latest" / "report.html").read_text()


def spoil(stack: EmbeddedStack, change: Callable[[dict[str, Any]], None], count: int) -> None:
    """``count`` copies of a paywall, each changed, beside the seed's."""
    pattern = seed.paywalls(stack.upstream_url)[1]
    for number in range(count):
        text = json.dumps(pattern).replace("pw_exact", f"pw_{number}").replace("r_exact", f"r_{number}")
        paywall = json.loads(text.replace("/premium", f"/p{number}"))
        change(paywall)
        stack.khala.put_paywall(paywall)


def test_ten_thousand_diagnostics_are_bounded(tmp_path: Path) -> None:
    """The row holds 200 and the count of all; terminal, page and junit stay readable."""

    def without_price(paywall: dict[str, Any]) -> None:
        paywall["policy"]["fixedAmountMsats"] = 0

    with embedded() as stack:
        spoil(stack, without_price, 10_000)
        code, most_kb, output = measured(stack, tmp_path, {})
        assert (code, most_kb < MEMORY_BOUND_KB) == (1, True), output[-2000:]
        summary = summary_of(tmp_path)
        assert summary["failureCode"] == "compile_validation_failed"
        assert summary["diagnosticsCount"] >= 10_000
        stored = stack.khala.deployments()[0]["diagnostics"]
        assert (len(stored["diagnostics"]), stored["metadata"]["diagnosticsCount"]) == (
            200,
            summary["diagnosticsCount"],
        )
        folder = tmp_path / "latest"
        assert len(output) < 200_000
        assert (folder / "junit.xml").stat().st_size < 500_000
        assert (folder / "report.html").stat().st_size < 2_000_000


@pytest.mark.parametrize("fault", ["names", "khala"])
def test_control_characters_and_markup_in_names_stay_text(fault: str, tmp_path: Path) -> None:
    """In paywall names, route ids, hosts, paths and Khala's own words: escaped in terminal, page, junit and JSON."""

    def named(paywall: dict[str, Any]) -> None:
        paywall["name"] = EVIL
        paywall["routes"][0] |= {"routeId": f"r{EVIL}", "hostPattern": f"h{EVIL}", "pathPattern": f"/{EVIL}"}

    with embedded() as stack:
        if fault == "names":
            spoil(stack, named, 3)
        else:
            stack.khala._error = lambda *_: error_answer()  # type: ignore[method-assign]  # a Khala of another mind
            stack.khala.secret = "another-secret"
        ran = run_against(stack, tmp_path, "-rA", "--tb=long")
        assert ran.code == 1, ran.output
        verify_text(ran, tmp_path / "latest")


def error_answer() -> Any:
    """A function error with everything in it that could hurt."""
    from fixtures.embedded.khala import _json

    return _json(200, {"status": "error", "errorMessage": f"Uncaught Error: {EVIL}", "errorData": {"code": EVIL}})


def verify_text(ran: Ran, folder: Path) -> None:
    """No raw control character, no live markup, valid XML and JSON."""
    for character in ("\x1b", "\x07", "\u202e"):
        assert character not in ran.output
    assert not any(line.startswith("::error") for line in ran.output.splitlines())
    page = (folder / "report.html").read_text()
    assert "<script>alert(1)" not in page
    assert "\x1b" not in page
    ElementTree.parse(folder / "junit.xml")
    jsonschema.validate(ran.summary, SCHEMA)
    for name in ("journal.jsonl", "observability.jsonl"):
        assert [json.loads(line) for line in (folder / name).read_text().split("\n") if line]
    for path in (folder / "allure-results").glob("*.json"):
        json.loads(path.read_text())


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
        env = {PREFIX + "PROBE_TIMEOUT_S": "60"}
        child = start(stack, tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        challenged = threading.Event()
        for _ in range(300):
            if any(request.target == "/staging" for request in stack.requests):
                break
            challenged.wait(0.1)
        if peer == "khala":
            hang(stack)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGINT, signal.SIGHUP):
            child.send_signal(number)
            challenged.wait(0.3)  # signals that are pending together are delivered by their numbers
        assert child.wait(10) == 143
        assert stack.ops.active is not None
        assert stack.ops.active.config_hash == stack.ops.history[0][1].config_hash
        summary = summary_of(tmp_path)
        assert (summary["failureReason"], summary["deploymentStatus"]) == ("interrupted", "rolled_back")
        assert (tmp_path / "latest" / "khala-outbox.jsonl").exists() is (peer == "khala")
        assert (tmp_path / "latest" / "junit.xml").exists()


def hang(stack: EmbeddedStack) -> None:
    """Khala takes every call, and answers none."""
    import asyncio

    async def never(_: object) -> Any:
        await asyncio.sleep(3600)

    stack._servers[0]._handler = never
