"""Calls that never reach the proxy: sent to a closed port, to a name that nobody knows, or to an unknown certificate."""

from __future__ import annotations

import os
from typing import Any

import httpx
from requests.adapters import HTTPAdapter

from tests.faults.calls import CallNames

CLOSED_PORT, TLS_PORT = "FAULTS_CLOSED_PORT", "FAULTS_TLS_PORT"


class Diversion:
    """Turns the first call of a name; ``number``: the signal that the process gets before it, or 0."""

    def __init__(self, call: str, fault: str, number: int) -> None:
        changes: dict[str, dict[str, Any]] = {
            "refused": {"port": int(os.environ[CLOSED_PORT])},
            "dns": {"host": "unknown.localhost.invalid"},
            "tls": {"scheme": "https", "port": int(os.environ[TLS_PORT])},
        }
        self._change = changes[fault]
        self._call = call
        self._number = number
        self._names = CallNames()
        self._is_done = False

    def turn(self, method: str, target: str, authorization: str, body: bytes, url: httpx.URL) -> httpx.URL:
        """Where a request really goes."""
        if self._names.name(method, target, authorization, body) != self._call or self._is_done:
            return url
        self._is_done = True
        if self._number:
            os.kill(os.getpid(), self._number)
        return url.copy_with(**self._change)

    def turn_httpx(self, request: httpx.Request) -> httpx.Request:
        """The same of httpx's requests."""
        target = request.extensions.get("target", request.url.raw_path).decode()
        authorization = request.headers.get("authorization", "")
        request.url = self.turn(request.method, target, authorization, request.content, request.url)
        return request

    def turn_google(self, request: Any) -> Any:
        """The same of those that Google's clients make."""
        body = request.body or b""
        raw = body if isinstance(body, bytes) else body.encode()
        request.url = str(self.turn(request.method, request.path_url, "", raw, httpx.URL(request.url)))
        return request


def send_elsewhere(call: str, fault: str, number: int) -> None:
    """From here on, in this process alone."""
    diversion = Diversion(call, fault, number)
    send, send_async, send_google = httpx.Client.send, httpx.AsyncClient.send, HTTPAdapter.send

    def sync_send(self: httpx.Client, request: httpx.Request, **how: Any) -> httpx.Response:
        return send(self, diversion.turn_httpx(request), **how)

    async def async_send(self: httpx.AsyncClient, request: httpx.Request, **how: Any) -> httpx.Response:
        return await send_async(self, diversion.turn_httpx(request), **how)

    def google_send(self: HTTPAdapter, request: Any, **how: Any) -> Any:
        return send_google(self, diversion.turn_google(request), **how)

    httpx.Client.send = sync_send  # type: ignore[method-assign]  # in this process alone
    httpx.AsyncClient.send = async_send  # type: ignore[method-assign]  # in this process alone
    HTTPAdapter.send = google_send  # type: ignore[method-assign,assignment]  # in this process alone
