"""One bounded HTTP exchange for the adapters: no redirect, no proxy for loopback, a deadline on the whole answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from reconcile.deadline import Deadline
from reconcile.tls import default_context
from reconcile.urls import host_of, is_loopback_host

if TYPE_CHECKING:
    import ssl

    import httpx

MAX_BODY_BYTES = 16 * 1024 * 1024
CONNECT_TIMEOUT_S = 5.0


class WireError(Exception):
    """No whole answer came. ``reason`` is ``timeout`` or ``connection_failed``; ``was_sent``: it may have been handled."""

    def __init__(self, reason: str, *, was_sent: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.was_sent = was_sent


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; ValueError when it is none, or holds what no JSON may (NaN, half a surrogate pair)."""
        return from_json(self.body, allow_inf_nan=False)


class Wire:
    """A client for one base URL."""

    def __init__(
        self,
        base_url: str,
        *,
        transport: httpx.BaseTransport | None = None,
        verify: ssl.SSLContext | bool = True,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        import httpx  # 0.1 s to import: collecting needs none of it

        self._httpx = httpx
        self._max_body_bytes = max_body_bytes
        trust_env = not is_loopback_host(host_of(base_url))
        self._make_client = partial(
            httpx.Client,
            base_url=base_url,
            transport=transport,
            verify=default_context(trust_env=trust_env) if verify is True else verify,
            trust_env=trust_env,
            follow_redirects=False,
            # A kept connection that its peer has just dropped would leave a write's outcome unknown.
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self._client = self._make_client()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(
        self, method: str, path: str, *, headers: Mapping[str, str], timeout_s: float, json_body: Any = None
    ) -> Answer:
        """Send once and read the whole answer within ``timeout_s``.

        Raises:
            WireError: no answer, half an answer, one that is too large, or one that takes too long.
        """
        with Deadline(timeout_s) as deadline:
            try:
                return self._exchange(method, path, headers, timeout_s, json_body, deadline)
            except WireError as error:
                if deadline.has_passed and error.was_sent:
                    raise WireError("timeout", was_sent=True) from error
                raise
            except KeyboardInterrupt:
                self._client = self._make_client()  # the pool's lock may be held for good
                raise

    def _exchange(
        self, method: str, path: str, headers: Mapping[str, str], timeout_s: float, json_body: Any, deadline: Deadline
    ) -> Answer:
        httpx = self._httpx
        timeout = httpx.Timeout(timeout_s, connect=min(CONNECT_TIMEOUT_S, timeout_s))
        request = self._client.build_request(
            method, path, headers=dict(headers), json=json_body, timeout=timeout, extensions={"trace": deadline.trace}
        )
        try:
            response = self._client.send(request, stream=True)
            try:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if deadline.has_passed or len(body) > self._max_body_bytes:
                        break
                if deadline.has_passed:  # a body without a length looks whole when its connection is shut
                    raise WireError("timeout", was_sent=True)
                if len(body) > self._max_body_bytes:
                    raise WireError("connection_failed", was_sent=True)
                return Answer(response.status_code, response.headers, bytes(body))
            finally:
                response.close()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol) as error:
            reason = "connection_failed" if isinstance(error, httpx.ConnectError) else "timeout"
            raise WireError(reason, was_sent=False) from error
        except httpx.TimeoutException as error:
            raise WireError("timeout", was_sent=True) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            raise WireError("connection_failed", was_sent=True) from error
