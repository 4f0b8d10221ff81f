"""The upstream of the fidelity suite: keeps every request byte for byte, and answers what the case's script says."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

from tests.contracts.case import ECHO, Do, Part, Reached, Seen
from tests.contracts.messages import WAIT_S, Line, Meeting, Message, Stalled, read_message


class Upstream:
    """Serves on loopback, a thread a connection. ``received``: the requests since the last ``play``, in order of their end."""

    def __init__(self, wrap: Callable[[socket.socket], socket.socket] | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self._wrap = wrap or (lambda connection: connection)
        self.port: int = self._listener.getsockname()[1]
        self.received: list[Message] = []
        self.stalled: list[str] = []
        self._script: tuple[Part, ...] = ECHO
        self._meeting = Meeting()
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._quiet = threading.Condition(self._lock)
        self._in_flight = 0
        self._thread = threading.Thread(target=self._accept, name="fidelity-upstream", daemon=True)
        self._thread.start()

    def play(self, script: tuple[Part, ...], meeting: Meeting) -> None:
        """What to do with the next requests."""
        self._script, self._meeting = script, meeting
        self.received, self.stalled = [], []

    def settle(self) -> list[Message]:
        """What was received, once every request that has begun is over."""
        with self._quiet:
            self._quiet.wait_for(lambda: self._in_flight == 0, WAIT_S)
            return list(self.received)

    def stop(self) -> None:
        """Close the listener and all connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(WAIT_S)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        try:
            connection = self._wrap(plain)
        except OSError:
            plain.close()
            return
        with self._lock:
            self._connections.add(connection)
        connection.settimeout(None)
        try:
            while self._serve_one(connection):
                pass
        except OSError:
            pass
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def _serve_one(self, connection: socket.socket) -> bool:
        """One request; False when the connection is over. What has been read of a request counts as of this one only."""
        line = Line(connection, on_bytes=lambda: self._meeting.tell())
        if not line.more():
            return False
        with self._lock:
            self._in_flight += 1
        try:
            return self._serve_begun(connection, line)
        finally:
            with self._quiet:
                self._in_flight -= 1
                self._quiet.notify_all()

    def _serve_begun(self, connection: socket.socket, line: Line) -> bool:
        meeting = self._meeting
        meeting.upstream.append(line)
        script = self._script
        is_early = script[:1] == ("early",)
        message = read_message(line, is_bodiless=lambda _: is_early, is_answer=False)
        if message is None:
            return False
        with self._lock:
            self.received.append(message)
        if message.is_cut:
            return False
        try:
            return self._answer(connection, message, script[1:] if is_early else script, meeting)
        except Stalled as stalled:
            self.stalled.append(str(stalled))
            return False

    def _answer(self, connection: socket.socket, message: Message, script: tuple[Part, ...], meeting: Meeting) -> bool:
        if script == ECHO:
            connection.sendall(echo(message))
            return True
        for part in script:
            match part:
                case Seen():
                    meeting.wait(meeting.client, part.text)
                case Do.CLOSE:
                    return False
                case Do.RESET:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return False
                case Reached() | Do():
                    raise AssertionError(f"{part} is not the upstream's to do")
                case str():
                    connection.sendall(part.encode("latin-1"))
        return True


def echo(message: Message) -> bytes:
    """What the upstream of the contract's recording answered."""
    start, *headers = message.head.decode("latin-1").split("\r\n")
    method, target, _ = start.split(" ", 2)
    text = "\n".join([f"UPSTREAM {method} {target}", *headers]) + "\n\n"
    body = text.encode("latin-1") + (message.body if len(message.body) <= 4096 else b"%d bytes" % len(message.body))
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + (b"" if method == "HEAD" else body)
