"""Where a case runs: a stack, the proxy before everything that the run asks, a folder, and a warm process."""

from __future__ import annotations

import asyncio
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fixtures.embedded.cloud.seed import CONFIG_SECRET_ID
from fixtures.embedded.cloud_stack import marked
from fixtures.embedded.faults import FaultPlan
from fixtures.embedded.http import Server
from fixtures.embedded.stack import EmbeddedStack
from reconcile.models import Deployer
from tests.e2e.harness import PREFIX, WALLET, Ran, clean_environment, hosted_environment
from tests.e2e.test_cloud_run import break_after_the_move
from tests.faults.diversion import CLOSED_PORT, TLS_PORT
from tests.faults.lnd import MACAROON_HEX, LndTwin
from tests.faults.proxy import Proxy
from tests.faults.scenarios import SCENARIOS, Scenario
from tests.faults.zygote import Zygote

WRONG = "challenge-amount"
VERSIONS_BEFORE = 2  # of the config secret: the former deployment's, and one that a run added and died over


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
def bench(name: str, zygote: Zygote) -> Iterator[Bench]:
    """Everything that a case of the scenario needs, and nothing of it left afterwards."""
    scenario = SCENARIOS[name]
    is_cloud = scenario.deployer is Deployer.CLOUD_RUN
    plan = FaultPlan(frozenset({WRONG} if scenario.is_wrong and not scenario.is_late else ()))
    with ExitStack() as kept:
        folder = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="l402-faults-")))
        stack = kept.enter_context(EmbeddedStack(faults=plan, is_cloud=is_cloud))
        if scenario.is_late:
            break_after_the_move(stack, WRONG)
        lnd = Server(LndTwin(stack.wallet).answer)
        stack._servers.append(lnd)
        start_within(stack, lnd)
        proxy = kept.enter_context(Proxy({**_upstreams(stack), "lnd": f"http://127.0.0.1:{lnd.port}"}))
        if is_cloud:
            _leave_version(stack)
            stack.cloud.front_end.public_port = proxy.ports["gateway"]
        closed, tls = kept.enter_context(socket.socket()), kept.enter_context(socket.create_server(("127.0.0.1", 0)))
        closed.bind(("127.0.0.1", 0))  # bound and not listening: refused
        threading.Thread(target=_break_tls, args=(tls,), daemon=True).start()
        environment = _environment(stack, proxy, scenario, folder)
        environment |= {CLOSED_PORT: str(closed.getsockname()[1]), TLS_PORT: str(tls.getsockname()[1])}
        yield Bench(stack, proxy, folder, zygote, environment)


def _upstreams(stack: EmbeddedStack) -> dict[str, str]:
    """What the proxy stands before; the tags' URLs are the gateway's port."""
    found = {"khala": stack.khala_url, "gateway": stack.gateway_url, "wallet": stack.wallet_url}
    if stack.has_cloud:
        found |= {"run": stack.cloud.run_endpoint, "secrets": stack.cloud.secret_manager_endpoint}
    return found


def _leave_version(stack: EmbeddedStack) -> None:
    """A config version that nothing mounts: what a run that is verified finds, and disables."""
    secrets = stack.cloud.secrets
    text = marked("services: []\n", "services: []\n", "cfg_" + "0" * 64)
    secrets.add(secrets.secrets[CONFIG_SECRET_ID], text.encode())


def start_within(stack: EmbeddedStack, server: Server) -> None:
    """Let another server live in the stack's loop."""
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


def _environment(stack: EmbeddedStack, proxy: Proxy, scenario: Scenario, folder: Path) -> dict[str, str]:
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
    if scenario.is_lnd:
        found |= {PREFIX + "PAYER_LND_REST_URL": proxy.url("lnd"), PREFIX + "PAYER_LND_MACAROON_HEX": MACAROON_HEX}
    if stack.has_cloud:
        found |= {
            PREFIX + "CLOUD_RUN_ENDPOINT": proxy.url("run"),
            PREFIX + "SECRET_MANAGER_ENDPOINT": proxy.url("secrets"),
            PREFIX + "ROLLOUT": scenario.rollout,
        }
    return found
