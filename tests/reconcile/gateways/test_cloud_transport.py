"""Google's clients against a peer that drips, floods, breaks off or redirects."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from fixtures.embedded.cloud import seed
from reconcile.errors import Effect, GatewayError
from reconcile.gateways import cloud_run
from reconcile.gateways.cloud_run import CloudRunApi
from reconcile.gateways.cloud_transport import bind
from tests.contracts.sites import _server_context

Peer = Callable[[socket.socket, threading.Event], None]
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextmanager
def listening(peer: Peer, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of that peer, for each connection anew."""
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            with contextlib.suppress(OSError):
                accepted, _ = listener.accept()
                with tls.wrap_socket(accepted, server_side=True) if tls else accepted as connection:
                    connection.recv(65536)
                    peer(connection, stop)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            stop.set()
            thread.join(10)


@contextmanager
def asked(peer: Peer) -> Iterator[CloudRunApi]:
    """A client whose service is that peer."""
    with listening(peer) as port:
        url = f"http://127.0.0.1:{port}"
        api = CloudRunApi(seed.SERVICE, seed.CONFIG_SECRET, url, url, "run-1")
        try:
            yield api
        finally:
            api.close()


def dripping(first: bytes) -> Peer:
    """Sends ``first``, and then a byte every few hundredths of a second."""

    def drip(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(first)
        while not stop.wait(0.03):
            connection.sendall(b"x")

    return drip


def flood(connection: socket.socket, stop: threading.Event) -> None:
    """Sends more than any answer holds."""
    connection.sendall(OK + b"\r\n")
    while not stop.is_set():
        connection.sendall(b" " * 65536)


def sending(data: bytes) -> Peer:
    """Sends it, and closes."""
    return lambda connection, _: connection.sendall(data)


@pytest.mark.parametrize("first", [OK + b"X-Slow: ", OK + b"\r\n"], ids=["headers", "body"])
def test_peer_that_drips_is_left_at_the_deadline(first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """No timeout between two bytes ever fires: the exchange as a whole has one."""
    monkeypatch.setattr(cloud_run, "READ_TIMEOUT_S", 0.4)
    with asked(dripping(first)) as api, pytest.raises(GatewayError) as caught:
        api.get_service()
    assert (caught.value.reason, caught.value.effect) == ("timeout", Effect.NONE)


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")  # the peer's certificate is its own
@pytest.mark.parametrize("first", [OK + b"X-Slow: ", OK + b"\r\n"], ids=["headers", "body"])
def test_deadline_holds_behind_tls_and_behind_a_proxy(first: bytes, tmp_path: Path) -> None:
    """As Google's own endpoints are asked."""
    with requests.Session() as session:
        session.trust_env = False
        bind(session)
        context = _server_context(tmp_path)
        with listening(dripping(first), context) as port, pytest.raises(requests.ReadTimeout):
            session.get(f"https://127.0.0.1:{port}/", timeout=0.5, verify=False)
        with listening(dripping(first)) as port, pytest.raises(requests.ReadTimeout):
            session.get("http://run.localhost/", timeout=0.5, proxies={"http": f"http://127.0.0.1:{port}"})


@pytest.mark.parametrize(
    "peer",
    [flood, sending(OK + b"Content-Length: 100\r\n\r\n{"), sending(b"")],
    ids=["endless", "half", "nothing"],
)
def test_answer_without_an_end_is_no_answer(peer: Peer) -> None:
    """What is too large, or breaks off, is not read as JSON."""
    with asked(peer) as api, pytest.raises(GatewayError) as caught:
        api.get_service()
    assert caught.value.reason == "connection_failed"


def test_redirect_is_not_followed() -> None:
    """It would carry the caller's token to somebody else."""
    seen: list[bytes] = []

    def elsewhere(connection: socket.socket, _: threading.Event) -> None:
        seen.append(b"once")
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")

    with asked(elsewhere) as api, pytest.raises(GatewayError):
        api.get_service()
    assert seen == [b"once"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://unknown.localhost"], ids=["refused", "no such port"])
def test_write_that_found_no_peer_was_not_sent(url: str) -> None:
    """Its outcome is known: nothing has to be read back."""
    api = CloudRunApi(seed.SERVICE, seed.CONFIG_SECRET, url, url, "run-1")
    with pytest.raises(GatewayError) as caught:
        api.disable_version("1")
    assert (caught.value.reason, caught.value.effect) == ("connection_failed", Effect.NONE)
    api.close()
