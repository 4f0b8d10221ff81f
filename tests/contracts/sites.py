"""A gateway of either kind with its upstreams, under the config of the suite."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import shutil
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fixtures.embedded.configs import read_services
from fixtures.embedded.faults import FaultPlan
from fixtures.embedded.gateway import Gateway
from fixtures.embedded.gohttp.server import GatewayServer
from fixtures.embedded.invoices import Node
from fixtures.embedded.tokens import TokenStore
from tests.contracts.case import DATA
from tests.contracts.configs import ASKED, CONFIGS, LIFETIMES_S, REFUSED
from tests.contracts.observe import Observed, Observer
from tests.contracts.upstream import Upstream
from tests.contracts.values import Values, invoice_hash

START_S = 10.0


def services(upstream: int, dead: int, secure: int) -> str:
    """The ``services:`` of the suite: the recording's, and more; with the ports of this site."""
    recorded = (DATA / "aperture-v0.5.0.config.yaml").read_text()
    text = recorded[recorded.index("services:") :] + (DATA / "gateway-fidelity.services.yaml").read_text()
    for before, port in ((9700, upstream), (9701, dead), (9702, secure)):
        assert port >= 10000, "ports of five digits: an answer's length depends on them"
        text = text.replace(f"127.0.0.1:{before}", f"127.0.0.1:{port}")
    return text


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything of a site but its gateway."""

    upstream: Upstream
    secure: Upstream
    services: str

    def config(self, name: str) -> str:
        """One of the configs that are asked about, with this site's upstream."""
        return CONFIGS[name].replace("{upstream}", f"127.0.0.1:{self.upstream.port}")

    def asked(self, port: int) -> list[Observed]:
        """What the gateway on ``port``, under one of those configs, answers."""
        values = Values(port, _nobody, {"{upstream}": f"127.0.0.1:{self.upstream.port}"})
        return Observer(values, [self.upstream], LIFETIMES_S).run(ASKED)

    def observer(self, port: int, pay: Callable[[str], str]) -> Observer:
        """Who runs cases at the gateway on ``port``."""
        entries: list[dict[str, Any]] = yaml.safe_load(self.services)["services"]
        lifetimes = {str(entry["name"]): int(entry["timeout"]) for entry in entries if "timeout" in entry}
        addresses = {"{upstream}": f"127.0.0.1:{self.upstream.port}", "{secure}": f"127.0.0.1:{self.secure.port}"}
        values = Values(port, pay, addresses)
        return Observer(values, [self.upstream, self.secure], lifetimes)


@contextlib.contextmanager
def ground() -> Iterator[Ground]:
    """The upstreams, one of them behind TLS, and a port on which nobody listens."""
    with socket.socket() as dead, tempfile.TemporaryDirectory() as folder:
        dead.bind(("127.0.0.1", 0))  # bound and never listening: refused, and nobody else gets it
        context = _server_context(Path(folder))
        upstream = Upstream()
        secure = Upstream(lambda plain: context.wrap_socket(plain, server_side=True))
        try:
            yield Ground(upstream, secure, services(upstream.port, dead.getsockname()[1], secure.port))
        finally:
            upstream.stop()
            secure.stop()


@dataclass(frozen=True, slots=True)
class EmbeddedSite:
    """The embedded gateway, to be looked at and broken. ``outcome``: what a config comes to (configs.py)."""

    observer: Observer
    gateway: Gateway
    outcome: Callable[[str], Any]


@contextlib.contextmanager
def embedded() -> Iterator[EmbeddedSite]:
    """The embedded gateway in a loop of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="fidelity-gateway", daemon=True)
    thread.start()
    folder = Path(tempfile.mkdtemp(prefix="l402-fidelity-"))
    node, tokens = Node(), TokenStore(str(folder / "gateway.db"))
    gateway = Gateway(node, tokens, FaultPlan())
    server = GatewayServer(gateway.answer)
    try:
        with ground() as site:
            gateway.services = read_services(site.services)
            asyncio.run_coroutine_threadsafe(server.start(), loop).result(START_S)
            observer = site.observer(server.port, lambda invoice: _settled(node, invoice))
            yield EmbeddedSite(
                observer, gateway, lambda name: _outcome(site, name, Gateway(node, tokens, FaultPlan()), loop)
            )
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(START_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(START_S)
        loop.close()
        tokens.close()
        shutil.rmtree(folder, ignore_errors=True)


def _outcome(site: Ground, name: str, gateway: Gateway, loop: asyncio.AbstractEventLoop) -> Any:
    try:
        gateway.services = read_services(site.config(name))
    except ValueError:
        return REFUSED
    server = GatewayServer(gateway.answer)
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(START_S)
    try:
        return site.asked(server.port)
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(START_S)


def _nobody(_: str) -> str:
    raise AssertionError("nothing is bought here")


def _settled(node: Node, invoice: str) -> str:
    settled = node.settle(invoice_hash(invoice))
    assert settled is not None, "an invoice of somebody else"
    return settled[0]


def _server_context(folder: Path) -> ssl.SSLContext:
    """A certificate for loopback, for as long as the site lives."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(
            name, name, key.public_key(), x509.random_serial_number(), now, now + datetime.timedelta(days=1)
        )
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "upstream.pem").write_bytes(pem + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "upstream.pem")
    return context
