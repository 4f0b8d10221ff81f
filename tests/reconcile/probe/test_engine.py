"""Tests of reconcile.probe.engine, against a scripted server on loopback."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest

from reconcile.clock import SystemClock
from reconcile.probe import engine as engine_module
from reconcile.probe.engine import Engine, Probe
from tests.reconcile.probe.gateway import Answer, Asked, running

FAILURE = Answer(500, body=b"challenge failure\n")


def engine_for(base_url: str, **changes: Any) -> Engine:
    """An engine that connects to the gateway whatever the host, unless told otherwise."""
    fields: dict[str, Any] = {"is_local_stack": True, "concurrency": 4, "timeout_s": 2.0, **changes}
    return Engine(base_url, "reconcile:test", SystemClock(), **fields)


def probes(count: int) -> list[Probe]:
    """So many requests, numbered in their paths."""
    return [Probe(f"p{number}", "gateway.example", f"/{number}") for number in range(count)]


def closed_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_answers_come_in_the_order_of_the_requests() -> None:
    """Whichever answer comes first, each stands at its request's place."""
    with running(lambda asked, _: Answer(body=asked.target.encode(), delay_s=0.1 if asked.target == "/0" else 0)) as gw:
        found = engine_for(gw.base_url).ask(probes(6))
    assert [answer.body for answer in found] == [b"/0", b"/1", b"/2", b"/3", b"/4", b"/5"]


def test_nothing_asked_gives_nothing() -> None:
    """An empty batch is no error."""
    assert engine_for("http://127.0.0.1:1").ask([]) == []


def test_no_more_requests_at_once_than_allowed() -> None:
    """PROBE_CONCURRENCY bounds the probes, and is made use of."""
    with running(lambda *_: Answer(delay_s=0.05)) as gw:
        engine_for(gw.base_url, concurrency=3).ask(probes(9))
    assert gw.most_at_once == 3


@pytest.mark.parametrize("target", ["/a/../b", "/./a", "//a", "/a%2e%2e/b?x=%2f&y", "/a;b"])
def test_target_is_sent_as_written(target: str) -> None:
    """httpx would collapse dot segments (PYTEST.md): the gateway must see the very path."""
    with running(lambda *_: Answer()) as gw:
        engine_for(gw.base_url).ask([Probe("p", "gateway.example", target)])
    assert gw.asked[0].target == target


def test_host_request_id_and_credential_are_sent() -> None:
    """The route's Host, the correlation id (RECONCILE.md §5) and the credential as it is."""
    with running(lambda *_: Answer()) as gw:
        engine_for(gw.base_url).ask([Probe("p", "other.example:8443", "/", "L402 a:b")])
    headers = gw.asked[0].headers
    sent = (headers["host"], headers["x-oa-request-id"], headers["authorization"])
    assert sent == ("other.example:8443", "reconcile:test", "L402 a:b")


def test_no_credential_means_no_authorization_header() -> None:
    """A request without credential carries none."""
    with running(lambda *_: Answer()) as gw:
        engine_for(gw.base_url).ask(probes(1))
    assert "authorization" not in gw.asked[0].headers


def test_repr_of_a_request_shows_no_credential() -> None:
    """A credential is money."""
    assert "secret" not in repr(Probe("p", "h", "/", "L402 secret:secret"))


def test_loopback_never_goes_through_a_proxy_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """RECONCILE.md §1: a proxy in the environment does not see loopback."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with running(lambda *_: Answer()) as gw:
        assert engine_for(gw.base_url).ask(probes(1))[0].status == 200


def test_redirect_is_answered_not_followed() -> None:
    """No call follows a redirect (RECONCILE.md §1)."""
    with running(lambda *_: Answer(302, (("Location", "/elsewhere"),))) as gw:
        found = engine_for(gw.base_url).ask(probes(1))
    assert (found[0].status, len(gw.asked)) == (302, 1)


def test_body_is_read_up_to_its_bound() -> None:
    """64 KiB and no more are kept."""
    with running(lambda *_: Answer(body=b"x" * 200_000)) as gw:
        found = engine_for(gw.base_url).ask(probes(1))
    assert len(found[0].body) == 64 * 1024


def test_reading_stops_at_the_bound() -> None:
    """A body without end is not waited for: what comes behind the bound is not read."""
    with running(lambda *_: Answer(body=b"x" * 70_000, stall_at=66_000)) as gw:
        found = engine_for(gw.base_url, timeout_s=1).ask(probes(1))
    assert (found[0].error, len(found[0].body)) == (None, 64 * 1024)


@pytest.mark.parametrize("answer", [Answer(delay_s=5), Answer(body=b"x" * 100, drip_s=0.1)])
def test_deadline_covers_the_whole_exchange(answer: Answer) -> None:
    """A server that says nothing, and one that drips its body: both end at the deadline."""
    began_s = time.monotonic()
    with running(lambda *_: answer) as gw:
        found = engine_for(gw.base_url, timeout_s=0.3).ask(probes(1))
    assert found[0].error == "timeout"
    assert time.monotonic() - began_s < 2


def test_refused_connection_is_a_failure_of_the_gateway() -> None:
    """Nobody listens on the gateway's own port."""
    found = engine_for(f"http://127.0.0.1:{closed_port()}").ask(probes(1))
    assert (found[0].error, found[0].status) == ("connection_failed", None)


def test_target_that_cannot_be_sent_is_a_failed_connection() -> None:
    """What the transport refuses to send is an answer to record, not an exception."""
    with running(lambda *_: Answer()) as gw:
        found = engine_for(gw.base_url).ask([Probe("p", "h", "/\u00e9 \n")])
    assert (found[0].error, gw.asked) == ("connection_failed", [])


def test_hosted_run_connects_to_the_route_own_host() -> None:
    """Hosted: the route's host at the base's port; a name in *.localhost is loopback too."""
    with running(lambda *_: Answer()) as gw:
        port = gw.base_url.rpartition(":")[2]
        engine = engine_for(f"http://localhost:{port}", is_local_stack=False)
        found = engine.ask([Probe("p", "127.0.0.1", "/own"), Probe("q", f"127.0.0.1:{port}", "/with-port")])
    assert [answer.status for answer in found] == [200, 200]


def test_loopback_run_contacts_no_other_host() -> None:
    """A base on loopback and a route elsewhere: nothing is contacted (RECONCILE.md §3)."""
    with running(lambda *_: Answer()) as gw:
        found = engine_for(gw.base_url, is_local_stack=False).ask([Probe("p", "shop.example", "/")])
    assert (found[0].error, gw.asked) == ("host_not_routed", [])


def test_route_host_that_refuses_is_not_routed() -> None:
    """Failing to reach a route's own host says nothing about the gateway."""
    engine = engine_for(f"http://localhost:{closed_port()}", is_local_stack=False)
    assert engine.ask([Probe("p", "127.0.0.1", "/")])[0].error == "host_not_routed"


@pytest.mark.parametrize("first", [Answer(502), Answer(503), FAILURE])
def test_starting_gateway_is_asked_again_until_ready(first: Answer) -> None:
    """502, 503 and 500 "challenge failure" are retried before the ready deadline."""
    with running(lambda _, number: first if number < 2 else Answer()) as gw:
        engine = engine_for(gw.base_url)
        engine.ready_deadline_s = time.monotonic() + 5
        found = engine.ask(probes(1))
    assert (found[0].status, len(gw.asked), engine.is_node_unavailable) == (200, 3, False)


def test_refused_connection_is_tried_until_the_deadline_and_no_longer() -> None:
    """Connection errors are retried before the ready deadline, never after it."""
    engine = engine_for(f"http://127.0.0.1:{closed_port()}")
    began_s = time.monotonic()
    engine.ready_deadline_s = began_s + 0.5
    assert engine.ask(probes(1))[0].error == "connection_failed"
    assert 0.25 < time.monotonic() - began_s < 0.6


@pytest.mark.parametrize("answer", [Answer(502), Answer(503)])
def test_ready_gateway_is_asked_once(answer: Answer) -> None:
    """After the ready time nothing is retried."""
    with running(lambda *_: answer) as gw:
        engine = engine_for(gw.base_url)
        engine.ready_deadline_s = time.monotonic() - 1
        found = engine.ask(probes(1))
    assert (found[0].status, len(gw.asked)) == (answer.status, 1)


@pytest.mark.parametrize("answer", [Answer(500, body=b"oops"), Answer(504), Answer(404)])
def test_other_failures_are_not_retried(answer: Answer) -> None:
    """Only what a starting gateway shows is retried."""
    with running(lambda *_: answer) as gw:
        engine = engine_for(gw.base_url)
        engine.ready_deadline_s = time.monotonic() + 5
        engine.ask(probes(1))
    assert len(gw.asked) == 1


def test_429_is_asked_again_once() -> None:
    """429: wait Retry-After once."""
    with running(lambda _, number: Answer(429, (("Retry-After", "0"),)) if number == 0 else Answer()) as gw:
        assert engine_for(gw.base_url).ask(probes(1))[0].status == 200
    with running(lambda *_: Answer(429, (("Retry-After", "0"),))) as gw:
        assert engine_for(gw.base_url).ask(probes(1))[0].status == 429
    assert len(gw.asked) == 2


@pytest.mark.parametrize("value", ["86400", "9" * 400, "soon"])
def test_retry_after_is_bounded(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the gateway asks for, or in whatever words, the wait is bounded."""
    monkeypatch.setattr(engine_module, "MAX_RETRY_AFTER_S", 0.1)
    began_s = time.monotonic()
    with running(lambda _, number: Answer(429, (("Retry-After", value),)) if number == 0 else Answer()) as gw:
        assert engine_for(gw.base_url).ask(probes(1))[0].status == 200
    assert 0.1 <= time.monotonic() - began_s < 1


def test_challenge_failure_after_the_ready_time_stops_the_batch() -> None:
    """500 "challenge failure": the Lightning node is gone; nothing more is asked."""
    with running(lambda *_: FAILURE) as gw:
        engine = engine_for(gw.base_url, concurrency=1)
        found = engine.ask(probes(20))
    assert {answer.error for answer in found} == {"lightning_node_unavailable"}
    assert (len(gw.asked), engine.is_node_unavailable) == (1, True)


def test_ten_timeouts_in_a_row_stop_the_batch() -> None:
    """Ten timeouts in a row mean the same (RECONCILE.md §3)."""
    with running(lambda *_: Answer(delay_s=5)) as gw:
        engine = engine_for(gw.base_url, concurrency=5, timeout_s=0.2)
        found = engine.ask(probes(40))
    assert engine.is_node_unavailable
    assert len(gw.asked) < 20
    assert found[-1].error == "lightning_node_unavailable"


def test_answers_between_timeouts_keep_the_batch_going() -> None:
    """Only timeouts in a row count."""

    def script(asked: Asked, _: int) -> Answer:
        return Answer(delay_s=0 if int(asked.target[1:]) % 5 == 0 else 5)

    with running(script) as gw:
        engine = engine_for(gw.base_url, concurrency=1, timeout_s=0.1)
        engine.ask(probes(21))
    assert (len(gw.asked), engine.is_node_unavailable) == (21, False)


def test_next_batch_begins_afresh() -> None:
    """A node that was gone may be back."""
    with running(lambda _, number: FAILURE if number == 0 else Answer()) as gw:
        engine = engine_for(gw.base_url)
        engine.ask(probes(1))
        assert engine.ask(probes(1))[0].status == 200
    assert not engine.is_node_unavailable


def test_batch_stops_within_a_minute_of_the_first_timeout_at_any_concurrency(monkeypatch: pytest.MonkeyPatch) -> None:
    """RECONCILE.md §3: the run ends within 60 s of the first; scaled here by 100 (deadline 0.1 s for 10 s)."""
    monkeypatch.setattr(engine_module, "TIMEOUTS_IN_A_ROW", 10)
    began_s = time.monotonic()
    with running(lambda *_: Answer(delay_s=5)) as gw:
        engine_for(gw.base_url, concurrency=1, timeout_s=0.1).ask(probes(10))
    assert time.monotonic() - began_s < 0.7


def test_many_429_cost_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """429: wait Retry-After once; not once for every route (5,000 routes at 16 x 30 s would be 2.6 hours)."""
    monkeypatch.setattr(engine_module, "MAX_RETRY_AFTER_S", 0.2)
    began_s = time.monotonic()
    with running(lambda *_: Answer(429, (("Retry-After", "60"),))) as gw:
        engine_for(gw.base_url, concurrency=1).ask(probes(8))
    assert time.monotonic() - began_s < 0.8


def test_url_with_a_port_of_its_own_is_asked_there() -> None:
    """A challenge or proxy URL on the base's name and another port is not the base."""
    with running(lambda *_: Answer(200)) as base, running(lambda *_: Answer(402)) as other:
        engine = engine_for(base.base_url, is_local_stack=False)
        found = engine.ask([Probe("challenge URL", other.base_url.removeprefix("http://"), "/")])
    assert found[0].status == 402
