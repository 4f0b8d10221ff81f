"""The deadline of a whole exchange, against a peer that drips."""

from __future__ import annotations

import contextlib
import socket
import threading

import pytest

from reconcile.wire import Wire, WireError


def drip(listener: socket.socket, first: bytes, stop: threading.Event) -> None:
    """Answer with ``first``, and then a byte every few hundredths of a second."""
    with contextlib.suppress(OSError):
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(first)
            while not stop.wait(0.03):
                connection.sendall(b"x")


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\nX-Slow: ", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["headers", "body"])
def test_peer_that_drips_is_left_at_the_deadline(first: bytes) -> None:
    """No timeout between two bytes ever fires: the exchange as a whole has one."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener, first, stop))
        thread.start()
        wire = Wire(f"http://127.0.0.1:{listener.getsockname()[1]}")
        try:
            with pytest.raises(WireError) as caught:
                wire.send("GET", "/", headers={}, timeout_s=0.4)
            assert (caught.value.reason, caught.value.was_sent) == ("timeout", True)
        finally:
            stop.set()
            wire.close()
            thread.join(10)
