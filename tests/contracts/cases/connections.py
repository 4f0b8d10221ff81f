"""Connections that take more than one request: one after another, at once, and many connections together."""

from __future__ import annotations

from tests.contracts.case import CLOSE, HOST, Case, Do, Seen, Step, paid, request
from tests.contracts.cases.uploads import post, upload

_CHUNKED = "Transfer-Encoding: chunked"
_FIVE = "Content-Length: 5"
_N = request("GET /nothing", is_last=False)
_PAID = request("GET /staging", paid("staging"), is_last=False)
_UNPAID = request("GET /staging", is_last=False)

CONNECTIONS: list[Case] = [
    upload("keep.paid", "a connection takes one paid request after another", _PAID, _PAID, _PAID),
    upload(
        "keep.mixed",
        "refused, free, paid, unknown, on one connection",
        _UNPAID,
        request("GET /open", is_last=False),
        _PAID,
        _N,
        request("OPTIONS /staging", is_last=False),
        _UNPAID,
    ),
    upload(
        "keep.bodies",
        "bodies between them",
        post(_FIVE, body="hello"),
        _PAID,
        post(_CHUNKED, body="5\r\nhello\r\n0\r\n\r\n"),
        _UNPAID,
    ),
    upload("keep.credential", "a credential of the request before counts for nothing", _PAID, _UNPAID),
    upload("keep.bad", "a bad request ends the connection", _N, "GET /nothing HTTP/1.1\r\nno colon\r\n\r\n"),
    upload("keep.close", "close ends it", _N, request("GET /nothing")),
    upload(
        "keep.close.case",
        "close has no case, and may stand in a list",
        f"GET /nothing HTTP/1.1\r\n{HOST}\r\nConnection: keep-alive, CLOSE\r\n\r\n",
    ),
    upload(
        "keep.head",
        "HEAD in between",
        request("HEAD /staging", is_last=False),
        request("HEAD /nothing", is_last=False),
        _N,
    ),
    upload("keep.empty", "a connection on which nothing is said", ("", Do.FINISH)),
    upload("keep.half", "half a request and an end", ("GET /nothing HTT", Do.FINISH)),
    upload("keep.half.headers", "half its headers and an end", (f"GET /nothing HTTP/1.1\r\n{HOST}\r\n", Do.FINISH)),
    upload("keep.finish", "a client that has said all", (request("GET /nothing", is_last=False), Do.FINISH)),
    Case(
        "pipe.free",
        "requests sent at once are answered in their order",
        (
            Step(
                (_N, request("OPTIONS /staging", is_last=False), request("GET /open", is_last=False), _N),
                is_pipelined=True,
            ),
        ),
    ),
    Case("pipe.paid", "paid ones too", (Step((_PAID, _UNPAID, _PAID, _N), is_pipelined=True),)),
    Case(
        "pipe.bodies",
        "and those with bodies",
        (Step((post(_FIVE, body="hello"), post(_CHUNKED, body="5\r\nhello\r\n0\r\n\r\n"), _N), is_pipelined=True),),
    ),
    Case(
        "pipe.close",
        "what follows a close is not answered",
        (Step((_N, request("GET /nothing"), _N), is_pipelined=True),),
    ),
    Case(
        "pipe.bad",
        "what follows a bad request is not answered",
        (Step((_N, "GET /nothing HTTP/1.1\r\nno colon\r\n\r\n", _N), is_pipelined=True),),
    ),
    Case("race.open", "thirty requests at once to the upstream", (Step((request("GET /open"),), copies=30),)),
    Case(
        "race.uploads",
        "eight uploads at once",
        (Step((post("Content-Length: 300000", CLOSE, body="{bytes.300000}"),), copies=8),),
    ),
    Case(
        "race.drip",
        "four slow answers at once",
        (
            Step(
                (request("GET /through"),),
                script=(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n\r\n",
                    "one",
                    Seen("one"),
                    "two",
                ),
                copies=4,
            ),
        ),
    ),
]
