"""A proxy before each peer of a run: it passes calls on, and at one of them does what the schedule says, and signals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import h11

from fixtures.embedded.http import Request, _read_request
from tests.faults.calls import CallNames

DELAY_S, DRIP_S, ENDLESS_BYTES = 0.4, 0.05, 24 * 1024 * 1024
MOST_DRIPS = 400


class Fault(StrEnum):
    """What may become of a call. The last three happen on the way to the proxy: the caller is sent elsewhere."""

    NONE = "none"
    DELAY = "delay"
    CUT_BEFORE = "cut-before"
    CUT_AFTER = "cut-after"
    HALF = "half"
    GARBAGE = "garbage"
    WRONG_TYPE = "wrong-type"
    ENDLESS = "endless"
    DRIP = "drip"
    REFUSED = "refused"
    DNS = "dns"
    TLS = "tls"


ELSEWHERE = frozenset({Fault.REFUSED, Fault.DNS, Fault.TLS})
WITHOUT_EFFECT = frozenset({Fault.CUT_BEFORE, *ELSEWHERE})
GARBLED = frozenset({Fault.GARBAGE, Fault.WRONG_TYPE})


@dataclass(frozen=True, slots=True)
class Schedule:
    """At the first call of this name: the fault, and what is called before and after it."""

    call: str = ""
    fault: Fault = Fault.NONE
    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None


@dataclass
class Proxy:
    """Listens once for each upstream; ``calls``: the names in their order; ``is_struck``: the scheduled one came."""

    upstreams: Mapping[str, str]  # peer → base URL
    schedule: Schedule = field(default_factory=Schedule)
    calls: list[str] = field(default_factory=list)
    is_struck: bool = False
    ports: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing listens yet."""
        self._names = CallNames()
        self._loop = asyncio.new_event_loop()
        self._servers: list[asyncio.Server] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, name="fault-proxy", daemon=True)

    def __enter__(self) -> Proxy:
        """Listen."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        """Close every socket and end the thread."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def heal(self) -> None:
        """From here on everything is passed on."""
        self.schedule = Schedule()

    def url(self, peer: str) -> str:
        """Where the run finds that peer."""
        return f"http://127.0.0.1:{self.ports[peer]}"

    async def _listen(self) -> None:
        for peer, url in self.upstreams.items():
            port = int(url.rsplit(":", 1)[1])

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int = port) -> None:
                self._writers.add(writer)
                try:
                    await self._serve(reader, writer, port)
                except (OSError, h11.ProtocolError, asyncio.CancelledError):
                    writer.transport.abort()  # asyncio 3.11 would print a cancelled handler as an error
                finally:
                    self._writers.discard(writer)
                    writer.close()

            server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=512)
            self._servers.append(server)
            self.ports[peer] = server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        while tasks := [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]:
            for task in tasks:
                task.cancel()
            for writer in list(self._writers):
                writer.transport.abort()
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # aborted transports close their sockets in the next turn of the loop

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        """The calls of one connection, one after another; a fault ends it."""
        connection = h11.Connection(h11.SERVER)
        while True:
            request = await _read_request(connection, reader, writer, "")
            if request is None:
                return
            name = self._names.name(request.method, request.target, request.header("authorization") or "", request.body)
            self.calls.append(name)
            plan = self.schedule
            if name != plan.call or self.is_struck or plan.fault in ELSEWHERE:
                writer.write(await _pass_on(request, port))
                await writer.drain()
            else:
                self.is_struck = True
                if plan.before is not None:
                    plan.before()
                await self._strike(plan.fault, request, writer, port)
                if plan.after is not None:
                    plan.after()
                return
            connection.start_next_cycle() if _reset(connection) else None
            if connection.our_state is not h11.IDLE:
                return

    async def _strike(self, fault: Fault, request: Request, writer: asyncio.StreamWriter, port: int) -> None:
        """The fault; the call takes effect unless it is cut before."""
        if fault is Fault.DELAY:
            await asyncio.sleep(DELAY_S)
        answer = b"" if fault in WITHOUT_EFFECT else await _pass_on(request, port)
        if fault in (Fault.CUT_BEFORE, Fault.CUT_AFTER):
            writer.transport.abort()
        elif fault in (Fault.NONE, Fault.DELAY):
            await _give(writer, answer)
        elif fault is Fault.HALF:
            head, _, body = answer.partition(b"\r\n\r\n")
            await _give(writer, head + b"\r\n\r\n" + body[: len(body) // 2])
        elif fault is Fault.GARBAGE:
            await _give(writer, _page(b"application/json", b"\x00\xff{{{ no json"))
        elif fault is Fault.WRONG_TYPE:
            await _give(writer, _page(b"text/html", b"<html><script>alert(1)</script>maintenance</html>"))
        elif fault is Fault.ENDLESS:
            await _give(writer, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
            for _ in range(ENDLESS_BYTES // 65536):
                await _give(writer, b" " * 65536)
        elif fault is Fault.DRIP:
            for byte in (b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * MOST_DRIPS)[:MOST_DRIPS]:
                await _give(writer, bytes((byte,)))
                await asyncio.sleep(DRIP_S)
            writer.transport.abort()


def _reset(connection: h11.Connection) -> bool:
    """The answer went past h11, as it came: tell it that one was sent."""
    with contextlib.suppress(h11.ProtocolError):
        connection.send(h11.Response(status_code=200, headers=[("Content-Length", "0")]))
        connection.send(h11.EndOfMessage())
    return connection.our_state is h11.DONE and connection.their_state is h11.DONE


async def _give(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def _page(kind: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (kind, len(body), body)


async def _pass_on(request: Request, port: int) -> bytes:
    """The upstream's whole answer, as it came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [f"{request.method} {request.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers if name.lower() != "connection"]
        writer.write("\r\n".join([*lines, "connection: close", "", ""]).encode("latin-1") + request.body)
        await writer.drain()
        answer = await reader.read()
    finally:
        writer.transport.abort()
    head, mark, body = answer.partition(b"\r\n\r\n")
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join(kept) + mark + body


def signal_to(find_pid: Callable[[], int], number: int) -> Callable[[], None]:
    """An action that signals the run; a run that is gone is none."""

    def action() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(find_pid(), number)

    return action
