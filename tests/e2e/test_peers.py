"""Peers that never end, or say what could hurt: answers of a gigabyte, thousands of findings, names full of markup."""

from __future__ import annotations

import json
import os
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
from tests.e2e.harness import PREFIX, WALLET, Ran, embedded, run_against
from tests.e2e.processes import SCHEMA, start, summary_of

pytestmark = pytest.mark.e2e

MEMORY_BOUND_KB = 512 * 1024  # the whole process, whatever its peers send (README, "Security")
EVIL = "\x1b]0;owned\x07<script>alert(1)</script>\u202e\r\n::error::x"


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
