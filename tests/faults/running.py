"""One case: a stack, the proxy before it, a run in a process of its own, what heals it, and what is found afterwards."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema

from fixtures.embedded.faults import FaultPlan
from fixtures.embedded.http import Server
from fixtures.embedded.stack import EmbeddedStack
from tests.e2e.harness import PREFIX, ROOT, WALLET, Ran, clean_environment, hosted_environment
from tests.e2e.test_secrets import leaks
from tests.faults.cases import Case, wrong_answers
from tests.faults.child import CLOSED_PORT, TLS_PORT
from tests.faults.invariants import Kind, Violation, look, violations
from tests.faults.lnd import MACAROON_HEX, LndTwin
from tests.faults.proxy import ELSEWHERE, Proxy, Schedule, signal_to

CASE_TIMEOUT_S = 90.0
# The warm process has imported what pytest would like to rewrite.
PYTEST = ("pytest", "-m", "staging", "-W", "ignore::pytest.PytestAssertRewriteWarning")
SCHEMA = json.loads((ROOT / "reports" / "summary.schema.json").read_text())


class Zygote:
    """A warm process that forks one run after another; its children's children would become its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.child"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )
        self.child = 0

    def begin(self, order: dict[str, Any]) -> None:
        """Fork; ``child`` is the run's pid."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        self.child = int(self._line())

    def end(self) -> tuple[int, bool]:
        """The exit code, and whether the run had to be killed because it hung."""
        hung = threading.Event()

        def kill() -> None:
            hung.set()
            os.kill(self.child, signal.SIGKILL)

        timer = threading.Timer(CASE_TIMEOUT_S, kill)
        timer.start()
        try:
            return int(self._line()), hung.is_set()
        finally:
            timer.cancel()

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def leftovers(self) -> list[str]:
        """Processes that a run left behind."""
        path = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return path.read_text().split() if path.exists() else []

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


@dataclass
class Bench:
    """A stack behind a proxy, a folder, and a warm process."""

    stack: EmbeddedStack
    proxy: Proxy
    folder: Path
    zygote: Zygote
    environment: dict[str, str]
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        """The output of everything that is run."""
        self.log = self.folder / "terminal.log"

    def run(self, *arguments: str, call: str = "", fault: str = "none", number: int = 0) -> tuple[int, bool]:
        """Run to its end."""
        order = {
            "arguments": arguments,
            "environment": self.environment,
            "output": str(self.log),
            "call": call,
            "fault": fault,
            "signal": number,
        }
        self.zygote.begin(order)
        return self.zygote.end()

    def ran(self, code: int) -> Ran:
        """The run's folder and output."""
        folders = [path for path in (self.folder / "out").glob("*/") if not path.is_symlink()]
        return Ran(code, self.log.read_text(errors="replace"), "", folders[0] if folders else None)


@contextmanager
def bench(scenario: str, zygote: Zygote) -> Iterator[Bench]:
    """Everything that a case needs, and nothing of it left afterwards."""
    plan = FaultPlan(frozenset({"challenge-amount"} if scenario == "wrong" else ()))
    with tempfile.TemporaryDirectory(prefix="l402-faults-") as folder, EmbeddedStack(faults=plan) as stack:
        lnd = Server(LndTwin(stack.wallet).answer)
        stack._servers.append(lnd)
        start_within(stack, lnd)
        upstreams = {"khala": stack.khala_url, "gateway": stack.gateway_url, "wallet": stack.wallet_url}
        upstreams["lnd"] = f"http://127.0.0.1:{lnd.port}"
        with Proxy(upstreams) as proxy, socket.socket() as closed, socket.create_server(("127.0.0.1", 0)) as tls:
            closed.bind(("127.0.0.1", 0))  # bound and not listening: refused
            threading.Thread(target=_break_tls, args=(tls,), daemon=True).start()
            environment = _environment(stack, proxy, scenario, Path(folder))
            environment |= {CLOSED_PORT: str(closed.getsockname()[1]), TLS_PORT: str(tls.getsockname()[1])}
            yield Bench(stack, proxy, Path(folder), zygote, environment)


def start_within(stack: EmbeddedStack, server: Server) -> None:
    """Let another server live in the stack's loop."""
    import asyncio

    asyncio.run_coroutine_threadsafe(server.start(), stack._loop).result(10)


def _break_tls(listener: socket.socket) -> None:
    """Answers every TLS hello with a fatal alert: handshake_failure."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.recv(4096)
            connection.sendall(b"\x15\x03\x03\x00\x02\x02\x28")


def _environment(stack: EmbeddedStack, proxy: Proxy, scenario: str, folder: Path) -> dict[str, str]:
    gateway = proxy.url("gateway")
    found = {
        **clean_environment(),
        **hosted_environment(stack),
        PREFIX + "KHALA_URL": proxy.url("khala"),
        PREFIX + "GATEWAY_BASE_URL": gateway,
        PREFIX + "CHALLENGE_URL": f"{gateway}/staging",
        PREFIX + "PROXY_URL": f"{gateway}/staging",
        PREFIX + "PROBE_TIMEOUT_S": "3",
        PREFIX + "OUTPUT_DIR": str(folder / "out"),
        WALLET + "BASE_URL": proxy.url("wallet"),
        WALLET + "TIMEOUT_MS": "3000",
    }
    if scenario == "lnd":
        found |= {PREFIX + "PAYER_LND_REST_URL": proxy.url("lnd"), PREFIX + "PAYER_LND_MACAROON_HEX": MACAROON_HEX}
    return found


def record(scenario: str, zygote: Zygote) -> list[str]:
    """The calls of a run that nothing happens to, in their order."""
    with bench(scenario, zygote) as place:
        code, _ = place.run(*PYTEST)
        assert code == (1 if scenario == "wrong" else 0), f"{code}: {place.log.read_text()}"
        return list(place.proxy.calls)


def try_case(case: Case, zygote: Zygote) -> list[Violation]:
    """Run the case, heal everything, finish what is to be finished, and look."""
    with bench(case.scenario, zygote) as place:
        arm(place, case)
        is_diverted = case.fault in ELSEWHERE
        number = int(case.signal) if case.signal is not None and is_diverted else 0
        code, hung = place.run(*PYTEST, call=case.call, fault=case.fault if is_diverted else "none", number=number)
        found = [Violation(Kind.OTHER, "it hung")] if hung else []
        if not place.proxy.is_struck and not is_diverted:
            found.append(Violation(Kind.OTHER, f"{case.call} was never called: {place.proxy.calls}"))
        place.proxy.heal()
        before = _summary(place)
        found += _finish(place, code)
        found += [*violations(look(place.stack)), *_inside(place, case, code, before)]
        return found


def arm(place: Bench, case: Case) -> None:
    """Schedule the case's fault and signal."""
    if case.fault in ELSEWHERE:
        return
    action = None if case.signal is None else signal_to(lambda: place.zygote.child, case.signal)
    is_before = action is not None and not case.is_after
    place.proxy.schedule = Schedule(
        case.call, case.fault, action if is_before else None, action if not is_before else None
    )


def _finish(place: Bench, code: int) -> list[Violation]:
    """``recover`` where the process died or the rollback failed, ``deliver`` where records wait."""
    found = []
    if code in (-9, 70):
        recovered, _ = place.run("reconcile", "recover")
        if recovered not in (0, 75):
            found.append(Violation(Kind.OTHER, f"recover ended with {recovered}"))
    if list((place.folder / "out").glob("*/khala-outbox.jsonl")):
        delivered, _ = place.run("reconcile", "deliver")
        if delivered != 0 or list((place.folder / "out").glob("*/khala-outbox.jsonl")):
            found.append(Violation(Kind.LOST_RECORD, f"the outbox was not delivered: {delivered}"))
    return found


def _summary(place: Bench) -> dict[str, Any] | None:
    found = list((place.folder / "out").glob("*-*/summary.json"))
    if not found:
        return None
    loaded: dict[str, Any] = json.loads(found[0].read_text())
    return loaded


def _inside(place: Bench, case: Case, code: int, before: dict[str, Any] | None) -> list[Violation]:
    """What the run says of itself: its summary, its codes, its secrets, and that nothing of it lives."""
    found = [Violation(Kind.OTHER, f"left behind: {pid}") for pid in place.zygote.leftovers()]
    canaries = {place.stack.khala_secret, place.stack.ops_token, place.stack.wallet_token, MACAROON_HEX}
    canaries |= {preimage for preimage, _ in place.stack.node._preimages.values()}
    rows = place.stack.tokens._db.execute("SELECT raw FROM root_keys").fetchall()
    canaries |= {base64.b64encode(raw).decode() for (raw,) in rows}
    ran = place.ran(code)
    found += [Violation(Kind.LEAK, f"{where} holds a secret") for where in {name for name, _ in leaks(ran, canaries)}]
    summary = before or _summary(place)
    if summary is None:
        was_written = bool(place.stack.khala.deployments()) or len(place.stack.ops.history) > 1
        if was_written or code != -9:
            found.append(Violation(Kind.OTHER, "no summary"))
        return found
    try:
        jsonschema.validate(summary, SCHEMA)
    except jsonschema.ValidationError as error:
        found.append(Violation(Kind.OTHER, f"the summary is not valid: {error.message}"))
    wrong = wrong_answers(case, code, summary)
    found += [Violation(Kind.OTHER, text) for text in wrong]
    if "Traceback (most recent call last)" in ran.stdout or "INTERNALERROR" in ran.stdout:
        found.append(Violation(Kind.OTHER, "a traceback on the terminal"))
    return found
