"""A deadline on a whole exchange: a peer that drips a byte now and then outlives every timeout between two bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any


class Deadline:
    """Shuts down the exchange's socket when its time is over. ``trace`` goes into the request's extensions."""

    def __init__(self, seconds: float) -> None:
        self.has_passed = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._strike)
        self._timer.daemon = True

    def __enter__(self) -> Deadline:
        """Start the clock."""
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self._timer.cancel()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """httpcore tells of every connection that is opened, and of its TLS."""
        if not event.endswith(("connect_tcp.complete", "start_tls.complete")):
            return
        self.hold(info["return_value"].get_extra_info("socket"))

    def hold(self, connection: socket.socket | None) -> None:
        """What is shut down when the time is over; at once when it is."""
        with self._lock:
            self._socket = connection
            if self.has_passed:
                self._shut()

    def _strike(self) -> None:
        with self._lock:
            self.has_passed = True
            self._shut()

    def _shut(self) -> None:
        """Wakes whoever reads; the TLS layer's own shutdown would pull its state away from under the reader."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
