"""What Google's clients send with: each exchange has one deadline for the whole of it, and a bound on its answer.

requests times the pause between two bytes, and reads as much as it is sent. Imported when the first client is made.
"""

from __future__ import annotations

import io
import socket
from contextvars import ContextVar
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from reconcile.deadline import Deadline

MAX_BODY_BYTES = 16 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


def bind(session: requests.Session) -> None:
    """Let the session send so, and follow no redirect: it would carry the caller's token."""
    session.max_redirects = 0
    for scheme in ("http://", "https://"):
        session.mount(scheme, _WholeAnswers())


def was_sent(error: requests.RequestException) -> bool:
    """False when there never was a connection: the name is not known, or the port refuses."""
    cause = error.args[0] if error.args else None
    return not isinstance(getattr(cause, "reason", cause), NewConnectionError)


def _hold(connection: HTTPConnection) -> None:
    deadline = _deadline.get()
    if deadline is not None and isinstance(connection.sock, socket.socket):
        deadline.hold(connection.sock)


class _Plain(HTTPConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself
        """Wait for the answer no longer than the exchange's deadline."""
        _hold(self)
        return super().getresponse()


class _Secure(HTTPSConnection):
    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself
        """Wait for the answer no longer than the exchange's deadline."""
        _hold(self)
        return super().getresponse()


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _Secure


_POOLS = {"http": _PlainPool, "https": _SecurePool}


class _WholeAnswers(HTTPAdapter):
    """Reads each answer to its end before anybody sees it."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """Connections that a deadline can end."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """The same behind a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def send(self, request: Any, **options: Any) -> requests.Response:  # type: ignore[override]  # a session sends so
        """Send, and read the whole answer within ``timeout`` seconds.

        Raises:
            requests.RequestException: no answer, half of one, one that is too large, or one that takes too long.
        """
        timeout = options.get("timeout")
        if not isinstance(timeout, (int, float)):
            return super().send(request, **options)
        with Deadline(timeout) as deadline:
            mark = _deadline.set(deadline)
            try:
                response = super().send(request, **options)
                body = self._body(response.raw, deadline)
            except (requests.RequestException, HTTPError, OSError) as error:
                if deadline.has_passed:
                    raise requests.ReadTimeout("the answer took too long") from error
                if isinstance(error, requests.RequestException):
                    raise
                raise requests.ConnectionError("the answer broke off") from error
            finally:
                _deadline.reset(mark)
        response.raw = io.BytesIO(body)
        return response

    def _body(self, raw: HTTPResponse, deadline: Deadline) -> bytes:
        body = bytearray()
        try:
            while data := raw.read(CHUNK_BYTES, decode_content=True):
                body += data
                if len(body) > MAX_BODY_BYTES:
                    raise requests.ConnectionError("the answer is too large")
            if deadline.has_passed:  # a body without a length looks whole when its connection is shut
                raise requests.ReadTimeout("the answer took too long")
        except BaseException:
            raw.close()  # what is left of it must not be taken for the next answer
            raise
        raw.release_conn()
        return bytes(body)
