"""The probe engine: bounded concurrency, a deadline on each whole exchange, raw targets, no redirects."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reconcile.clock import Clock
from reconcile.probe.evidence import NODE_UNAVAILABLE, Exchange
from reconcile.tls import default_context
from reconcile.urls import host_of, is_loopback_host

if TYPE_CHECKING:
    import httpx
    from pydantic import SecretStr

MAX_BODY_BYTES = 64 * 1024
TIMEOUTS_IN_A_ROW = 10  # so many say that the Lightning node hangs (RECONCILE.md §3)
TIMEOUTS_FOR_S = 25.0  # or a row of them for so long (or five deadlines): the run ends within 60 s of the first
MAX_RETRY_AFTER_S = 30.0  # all waits for a 429 of one batch together, too
CONNECT_TIMEOUT_S = 5.0
RETRY_WAIT_S, MAX_RETRY_WAIT_S = 0.1, 1.0
Done = Callable[[int, Exchange], None]
Identify = Callable[[], "SecretStr | None"]  # an ID token for a service that requires one


@dataclass(frozen=True, slots=True)
class Probe:
    """One request to make. ``authorization``: a credential, never shown."""

    subject: str
    host: str
    target: str
    authorization: str | None = field(default=None, repr=False)


class _Resolvers(ThreadPoolExecutor):
    """Threads that look names up, and are never waited for."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Without waiting."""
        super().shutdown(wait=False, cancel_futures=True)


class Engine:
    """Asks one gateway. Notices when its Lightning node is gone: then nothing more of the batch is asked."""

    def __init__(
        self, base_url: str, request_id: str, clock: Clock, *, is_local_stack: bool, concurrency: int, timeout_s: float
    ) -> None:
        self._base = urlsplit(base_url)
        self._base_url = _reachable(base_url)
        self._is_loopback = is_loopback_host(host_of(base_url))
        self._request_id = request_id
        self._clock = clock
        self._is_local_stack = is_local_stack
        self._concurrency = concurrency
        self.timeout_s = timeout_s
        self._timeouts, self._first_timeout_s = 0, 0.0
        self._last_wait_s: float | None = None
        self.ready_deadline_s = float("-inf")
        self.is_node_unavailable = False
        self.identify: Identify | None = None
        self._id_token: SecretStr | None = None

    def aimed_at(self, base_url: str) -> Engine:
        """The same engine for another base URL."""
        engine = Engine(
            base_url,
            self._request_id,
            self._clock,
            is_local_stack=self._is_local_stack,
            concurrency=self._concurrency,
            timeout_s=self.timeout_s,
        )
        engine.ready_deadline_s = self.ready_deadline_s
        engine.identify, engine._id_token = self.identify, self._id_token
        return engine

    def ask(self, probes: Sequence[Probe], done: Done | None = None) -> list[Exchange]:
        """Ask all, at most so many at once; answers in the probes' order. ``done`` is told each as it comes."""
        self.is_node_unavailable, self._timeouts = False, 0
        self._last_wait_s = None
        with asyncio.Runner() as runner:
            # Not joined in the end: a look-up of a name that hangs must not hold up a rollback.
            runner.get_loop().set_default_executor(_Resolvers(max_workers=self._concurrency))
            return runner.run(self._ask_all(probes, done))

    async def _ask_all(self, probes: Sequence[Probe], done: Done | None) -> list[Exchange]:
        import httpx  # 0.1 s to import: collecting needs none of it

        answers: dict[int, Exchange] = {}
        waiting = iter(enumerate(probes))

        async def work(client: httpx.AsyncClient) -> None:
            for number, probe in waiting:
                answers[number] = await self._exchange(client, probe)
                if done is not None:
                    done(number, answers[number])

        limits = httpx.Limits(max_connections=self._concurrency, max_keepalive_connections=self._concurrency)
        async with httpx.AsyncClient(  # noqa: SIM117 - two contexts, two lifetimes
            limits=limits,
            timeout=httpx.Timeout(
                None, connect=min(CONNECT_TIMEOUT_S, self.timeout_s * 0.9)
            ),  # the whole: asyncio.timeout
            follow_redirects=False,
            verify=default_context(trust_env=not self._is_loopback),
            trust_env=not self._is_loopback,
        ) as client:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._concurrency, len(probes))):
                    group.create_task(work(client))
        return [answers[number] for number in range(len(probes))]

    async def _exchange(self, client: httpx.AsyncClient, probe: Probe) -> Exchange:
        """One probe with its retries: until the ready deadline, and once after a 429."""
        url = self._url(probe.host)
        if url is None:
            return Exchange(probe.subject, probe.host, probe.target, error="host_not_routed")
        wait_s, has_waited, has_asked = RETRY_WAIT_S, False, False
        while True:
            if self.is_node_unavailable:
                return Exchange(probe.subject, probe.host, probe.target, error=NODE_UNAVAILABLE)
            answer = await self._once(client, probe, url)
            if _wants_identity(answer) and self.identify is not None and not has_asked:
                has_asked = True
                self._id_token = await asyncio.to_thread(self.identify)
                if self._id_token is None:
                    self.identify = None  # there is none to be had: the refusal is the answer
            elif answer.status == 429 and not has_waited and (pause_s := self._pause_s(answer)) is not None:
                has_waited = True
                await asyncio.sleep(pause_s)
            elif _is_unready(answer) and self._clock.monotonic_s() + wait_s < self.ready_deadline_s:
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, MAX_RETRY_WAIT_S)
            else:
                return self._judged(answer)

    def _pause_s(self, answer: Exchange) -> float | None:
        """How long to wait for a 429; None when all waits of the batch together would exceed the bound."""
        now_s, pause_s = self._clock.monotonic_s(), _retry_after_s(answer)
        if self._last_wait_s is None:
            self._last_wait_s = now_s + MAX_RETRY_AFTER_S
        return pause_s if now_s + pause_s <= self._last_wait_s else None

    def _judged(self, answer: Exchange) -> Exchange:
        """Notice a Lightning node that is gone, or hangs."""
        now_s = self._clock.monotonic_s()
        if answer.error == "timeout" and self._timeouts == 0:
            self._first_timeout_s = now_s - answer.elapsed_ms / 1000
        self._timeouts = self._timeouts + 1 if answer.error == "timeout" else 0
        is_hanging = self._timeouts > 1 and now_s - self._first_timeout_s >= min(TIMEOUTS_FOR_S, 5 * self.timeout_s)
        if answer.is_challenge_failure or self._timeouts >= TIMEOUTS_IN_A_ROW or is_hanging:
            self.is_node_unavailable = True
            return replace(answer, error=NODE_UNAVAILABLE)
        return answer

    async def _once(self, client: httpx.AsyncClient, probe: Probe, url: str) -> Exchange:
        import httpx

        answer = Exchange(probe.subject, probe.host, probe.target, at_ms=self._clock.now_ms())
        began_s = self._clock.monotonic_s()
        try:
            async with asyncio.timeout(self.timeout_s):
                answer = await self._read(client, probe, url, answer)
        except TimeoutError:
            answer = replace(answer, error="timeout")
        except (httpx.ConnectError, httpx.ConnectTimeout):
            answer = replace(answer, error="connection_failed" if self._is_base(probe.host) else "host_not_routed")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError):
            answer = replace(answer, error="connection_failed")
        return replace(answer, elapsed_ms=round((self._clock.monotonic_s() - began_s) * 1000))

    async def _read(self, client: httpx.AsyncClient, probe: Probe, url: str, answer: Exchange) -> Exchange:
        headers = {"host": probe.host, "x-oa-request-id": self._request_id, "accept": "*/*"}
        if probe.authorization is not None:
            headers["authorization"] = probe.authorization
        if self._id_token is not None:  # Authorization stays the L402 credential's (CLOUD_RUN.md §4)
            headers["x-serverless-authorization"] = f"Bearer {self._id_token.get_secret_value()}"
        # The raw target: httpx would fold dot segments away.
        request = client.build_request("GET", url, headers=headers, extensions={"target": probe.target.encode()})
        response = await client.send(request, stream=True)
        body = bytearray()
        try:
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) >= MAX_BODY_BYTES:
                    break
        finally:
            await response.aclose()
        pairs = tuple((key.decode("latin-1"), value.decode("latin-1")) for key, value in response.headers.raw)
        return replace(answer, status=response.status_code, headers=pairs, body=bytes(body[:MAX_BODY_BYTES]))

    def _is_base(self, host: str) -> bool:
        return self._is_local_stack or host in (self._base.netloc, self._base.hostname)

    def _url(self, host: str) -> str | None:
        """Where to connect for a route's host: a local stack's gateway, or the host itself; None: nowhere."""
        if self._is_base(host):
            return self._base_url
        if self._is_loopback is not is_loopback_host(_name(host)):
            return None  # a run on loopback contacts nothing else, a hosted one no loopback
        port = f":{self._base.port}" if self._base.port and _name(host) == host else ""
        return f"{self._base.scheme}://{host}{port}"


def _reachable(base_url: str) -> str:
    """Names below ``localhost`` are this machine, whether or not its resolver knows it (RFC 6761); the Host stays."""
    parts = urlsplit(base_url)
    if not (parts.hostname or "").endswith(".localhost"):
        return base_url
    return f"{parts.scheme}://127.0.0.1" + (f":{parts.port}" if parts.port else "")


def _name(host: str) -> str:
    """A Host header's host, without its port."""
    return urlsplit(f"//{host}").hostname or ""


def _wants_identity(answer: Exchange) -> bool:
    """Google's front end refuses a caller without an ID token, or with one that has expired; the container was not asked."""
    is_html = "html" in (answer.header("content-type") or "").lower()
    return answer.status in (401, 403) and is_html and (answer.header("server") or "").lower() == "google frontend"


def _is_unready(answer: Exchange) -> bool:
    """What a gateway that is still starting answers (RECONCILE.md §1, READY_TIMEOUT_S)."""
    return answer.error == "connection_failed" or answer.status in (502, 503) or answer.is_challenge_failure


def _retry_after_s(answer: Exchange) -> float:
    text = answer.header("retry-after") or ""
    return min(float(text) if text.isascii() and text.isdigit() else 1.0, MAX_RETRY_AFTER_S)
