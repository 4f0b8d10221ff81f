"""HTTP messages as they stand on the wire: read from a socket byte for byte, framing undone, nothing tidied."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

WAIT_S = 15.0  # for what ought to come at once; a case that waits longer has stalled


class Stalled(AssertionError):
    """Somebody waited for what never came."""


class Cut(Exception):
    """The other side closed in the middle of a message. ``got``: the body so far."""

    def __init__(self, got: bytes) -> None:
        super().__init__("cut")
        self.got = got


@dataclass(slots=True)
class Message:
    """``head``: start line and headers without the blank line. ``framing``: length, chunked, none or close."""

    head: bytes
    body: bytes = b""
    framing: str = "none"
    trailers: bytes = b""
    is_cut: bool = False

    @property
    def start(self) -> str:
        """The start line."""
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        found = re.search(rb"(?im)^%s:[ \t]*(.*?)\r?$" % re.escape(name.encode()), self.head)
        return found[1].decode("latin-1") if found else None


@dataclass
class Line:
    """A connection of which every byte received is kept, and can be waited for."""

    connection: socket.socket
    received: bytearray = field(default_factory=bytearray)
    on_bytes: Callable[[], None] = lambda: None
    _start: int = 0  # what is before it has been read

    def more(self) -> bool:
        """Wait for bytes; False at the end, however it came."""
        try:
            chunk = self.connection.recv(1 << 18)
        except TimeoutError as error:
            raise Stalled(f"nothing came in {WAIT_S:.0f} s; so far: {bytes(self.received[-300:])!r}") from error
        except OSError:
            return False
        self.received += chunk
        self.on_bytes()
        return bool(chunk)

    def rest(self) -> bytes:
        """What has come and is not read yet."""
        return bytes(self.received[self._start :])

    def until(self, end: bytes) -> bytes:
        """Up to and with ``end``."""
        while (at := self.received.find(end, self._start)) < 0:
            if not self.more():
                raise Cut(self.rest())
        return self._take(at + len(end) - self._start)

    def exactly(self, length: int) -> bytes:
        """So many bytes."""
        while len(self.received) - self._start < length:
            if not self.more():
                raise Cut(self.rest())
        return self._take(length)

    def to_the_end(self) -> bytes:
        """Until the other side closes."""
        while self.more():
            pass
        return self._take(len(self.received) - self._start)

    def _take(self, length: int) -> bytes:
        taken = bytes(self.received[self._start : self._start + length])
        self._start += length
        return taken


def read_message(line: Line, *, is_bodiless: Callable[[Message], bool], is_answer: bool) -> Message | None:
    """The next message; None if the other side closed before its first byte. A cut message says so."""
    try:
        head = line.until(b"\r\n\r\n")
    except Cut as cut:
        return Message(cut.got, is_cut=True) if cut.got else None
    message = Message(head[:-4])
    if is_bodiless(message):
        return message
    try:
        _read_body(line, message, is_answer)
    except Cut as cut:
        message.body, message.is_cut = message.body + cut.got, True
    return message


def _read_body(line: Line, message: Message, is_answer: bool) -> None:
    length = message.header("content-length")
    if (message.header("transfer-encoding") or "").lower() == "chunked":
        message.framing = "chunked"
        while size := int(line.until(b"\r\n").split(b";")[0], 16):
            try:
                message.body += line.exactly(size)
            except Cut as cut:
                raise Cut(cut.got) from None
            line.exactly(2)
        while (trailer := line.until(b"\r\n")) != b"\r\n":
            message.trailers += trailer
    elif length is not None:
        message.framing = "length"
        message.body = line.exactly(int(length))
    elif is_answer:
        message.framing = "close"
        message.body = line.to_the_end()


@dataclass
class Meeting:
    """Where client and upstream of one case wait for each other: bytes that the one has, told to the other."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    client: list[Line] = field(default_factory=list)
    upstream: list[Line] = field(default_factory=list)
    answers: int = 0

    def tell(self) -> None:
        """Something came."""
        with self.changed:
            self.changed.notify_all()

    def wait(self, lines: list[Line], text: str) -> None:
        """Until one of the lines has received ``text``."""
        wanted = text.encode("latin-1")
        deadline = time.monotonic() + WAIT_S
        with self.changed:
            while not any(wanted in line.received for line in lines):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Stalled(f"{text!r} never came through")
                self.changed.wait(left)
