"""One bounded exchange: no redirect, no endless or huge answer, each of the library's errors mapped."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from reconcile.wire import Wire, WireError
from tests.wires import Script, answer


class Drip(httpx.SyncByteStream):
    """A body of many parts."""

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 10


def error_of(transport: httpx.BaseTransport, *, timeout_s: float = 5.0, most: int = 1000) -> WireError:
    """The error of one exchange."""
    wire = Wire("https://far.example", transport=transport, max_body_bytes=most)
    with pytest.raises(WireError) as caught:
        wire.send("GET", "/", headers={}, timeout_s=timeout_s)
    wire.close()
    return caught.value


def test_answer_that_is_too_large_is_cut_off() -> None:
    """A bound on memory."""
    error = error_of(Script(httpx.Response(200, stream=Drip())), most=100)
    assert (error.reason, error.was_sent) == ("connection_failed", True)


def test_answer_that_drips_ends_at_the_deadline() -> None:
    """The deadline is on the whole answer, not on each part."""
    error = error_of(Script(httpx.Response(200, stream=Drip())), timeout_s=0.0)
    assert (error.reason, error.was_sent) == ("timeout", True)


@pytest.mark.parametrize(
    ("raised", "reason", "was_sent"),
    [
        (httpx.ConnectError(""), "connection_failed", False),
        (httpx.ConnectTimeout(""), "timeout", False),
        (httpx.PoolTimeout(""), "timeout", False),
        (httpx.WriteTimeout(""), "timeout", True),
        (httpx.ReadTimeout(""), "timeout", True),
        (httpx.ReadError(""), "connection_failed", True),
        (httpx.RemoteProtocolError(""), "connection_failed", True),
        (httpx.DecodingError(""), "connection_failed", True),
    ],
)
def test_library_error_is_mapped(raised: Exception, reason: str, was_sent: bool) -> None:
    """Only what certainly did not reach the other side counts as not sent."""
    error = error_of(Script(raised))
    assert (error.reason, error.was_sent) == (reason, was_sent)


@pytest.mark.parametrize("body", ["", "<html>", "NaN", '"\\ud800"', "{"])
def test_body_that_is_no_json_is_a_value_error(body: str) -> None:
    """Nor is NaN, or half a surrogate pair."""
    wire = Wire("https://far.example", transport=Script(answer(200, body)))
    with pytest.raises(ValueError):
        wire.send("GET", "/", headers={}, timeout_s=5).json()
