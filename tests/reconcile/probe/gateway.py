"""A scripted HTTP server on loopback: each test says what it answers, and reads what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """One request: the raw target, and headers with names in lower case."""

    target: str
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What to say. ``delay_s`` comes before the status line, ``drip_s`` before each byte of the body.

    ``stall_at``: so many bytes of the body are sent, and no more until the test is over.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delay_s: float = 0.0
    drip_s: float = 0.0
    stall_at: int | None = None


class ScriptedGateway:
    """Answers by ``script``, called with the request and its number from 0."""

    def __init__(self, script: Callable[[Asked, int], Answer]) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.most_at_once = 0
        self.released = threading.Event()
        self._at_once = 0
        self._lock = threading.Lock()
        self.base_url = ""

    def answer(self, asked: Asked) -> Answer:
        """The script's answer, counted; waits its delay or until the test is over."""
        with self._lock:
            number = len(self.asked)
            self.asked.append(asked)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        answer = self.script(asked, number)
        self.released.wait(answer.delay_s)
        with self._lock:
            self._at_once -= 1
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is what these tests are about."""


@contextmanager
def running(script: Callable[[Asked, int], Answer]) -> Iterator[ScriptedGateway]:
    """The server, on a port of its own."""
    gateway = ScriptedGateway(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = gateway.answer(Asked(self.requestline.split(" ")[1], headers))
            self.send_response_only(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if not answer.drip_s:
                self.wfile.write(answer.body[: answer.stall_at])
                if answer.stall_at is not None:
                    gateway.released.wait()
                return
            for byte in answer.body:
                if gateway.released.wait(answer.drip_s):
                    return
                self.wfile.write(bytes([byte]))

        def log_message(self, format: str, *args: Any) -> None:
            """Silent."""

    server = _Server(("127.0.0.1", 0), Handler)
    gateway.base_url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield gateway
    finally:
        gateway.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
