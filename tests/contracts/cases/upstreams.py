"""Upstreams that answer oddly, slowly, or break off, and what of it reaches the client."""

from __future__ import annotations

from tests.contracts.case import HOST, Case, Do, Field, Part, Seen, Step, paid, request

_MIB = 1 << 20


def _answers(
    id: str,
    rule: str,
    *script: Part,
    line: str = "GET /through",
    headers: tuple[str, ...] = (),
    varies: tuple[Field, ...] = (),
) -> Case:
    """One request, answered by the upstream as the script says."""
    return Case(id, rule, (Step((request(line, *headers, is_last=False),), script=script),), frozenset(varies))


def _ok(*headers: str, body: str = "") -> str:
    return "\r\n".join(["HTTP/1.1 200 OK", *headers]) + "\r\n\r\n" + body


_TEXT = "Content-Type: text/plain"
_GZIPPED = (
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\x00\x00\x00"  # "hello"
)

UPSTREAMS: list[Case] = [
    _answers("up.length", "a length is kept", _ok(_TEXT, "Content-Length: 5", body="hello")),
    _answers(
        "up.chunked", "chunks stay chunks", _ok(_TEXT, "Transfer-Encoding: chunked", body="5\r\nhello\r\n0\r\n\r\n")
    ),
    _answers(
        "up.until.close", "an answer that ends with the connection becomes chunks", _ok(_TEXT, body="hello"), Do.CLOSE
    ),
    _answers("up.empty", "an empty answer", _ok(_TEXT, "Content-Length: 0")),
    _answers("up.empty.chunked", "an answer of no chunks", _ok(_TEXT, "Transfer-Encoding: chunked", body="0\r\n\r\n")),
    _answers("up.204", "204 has no body", "HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n"),
    _answers("up.304", "304 has no body", "HTTP/1.1 304 Not Modified\r\nEtag: x\r\nContent-Length: 5\r\n\r\n"),
    _answers(
        "up.reason",
        "the upstream's reason is replaced by the standard one",
        "HTTP/1.1 404 Gone Fishing\r\nContent-Length: 0\r\n\r\n",
    ),
    _answers("up.status.odd", "a status without a name", "HTTP/1.1 299 Fine\r\nContent-Length: 0\r\n\r\n"),
    _answers(
        "up.status.418",
        "an upstream's own refusal",
        "HTTP/1.1 418 x\r\nContent-Length: 2\r\nContent-Type: a/b\r\n\r\nno",
    ),
    _answers(
        "up.status.402",
        "an upstream that asks for payment itself",
        'HTTP/1.1 402 x\r\nWWW-Authenticate: Bearer realm="a"\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nno',
    ),
    _answers(
        "up.status.500", "an upstream that fails", "HTTP/1.1 500 x\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nno"
    ),
    _answers(
        "up.status.302",
        "a redirect is not followed",
        "HTTP/1.1 302 x\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
    ),
    _answers("up.status.999", "a status beyond 599", "HTTP/1.1 999 x\r\nContent-Length: 0\r\n\r\n"),
    _answers("up.status.099", "a status below 100", "HTTP/1.1 099 x\r\nContent-Length: 0\r\n\r\n"),
    _answers("up.status.none", "no reason at all", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"),
    _answers("up.http10", "an upstream of HTTP/1.0", f"HTTP/1.0 200 OK\r\n{_TEXT}\r\n\r\nhello", Do.CLOSE),
    _answers(
        "up.names",
        "names become canonical and sorted, lines of one name stay",
        _ok("x-b: 1", "X-A: 2", "x-B: 3", "ETAG: 4", "set-cookie: a=1", "Set-Cookie: b=2", "Content-Length: 0"),
    ),
    _answers(
        "up.date",
        "the upstream's date and server stay",
        _ok("Server: me", "Date: Thu, 01 Jan 1970 00:00:00 GMT", "Content-Length: 0"),
    ),
    _answers(
        "up.cors",
        "CORS headers are added to the upstream's own",
        _ok("Access-Control-Allow-Origin: https://a.example", "Content-Length: 0"),
    ),
    _answers(
        "up.hop",
        "hop-by-hop headers stay behind",
        _ok(
            "Connection: X-Secret, keep-alive",
            "X-Secret: a",
            "Keep-Alive: timeout=1",
            "Proxy-Authenticate: b",
            "Upgrade: c",
            "Content-Length: 0",
        ),
    ),
    _answers(
        "up.close",
        "an upstream that closes does not close the client",
        _ok("Connection: close", "Content-Length: 5", _TEXT, body="hello"),
        Do.CLOSE,
    ),
    _answers(
        "up.gzip",
        "gzip that the client did not ask for is undone",
        _ok(_TEXT, "Content-Encoding: gzip", f"Content-Length: {len(_GZIPPED)}", body=_GZIPPED),
    ),
    _answers(
        "up.gzip.asked",
        "gzip that the client asked for stays",
        _ok(_TEXT, "Content-Encoding: gzip", f"Content-Length: {len(_GZIPPED)}", body=_GZIPPED),
        headers=("Accept-Encoding: gzip",),
    ),
    _answers(
        "up.gzip.broken",
        "gzip that is none",
        _ok(_TEXT, "Content-Encoding: gzip", "Content-Length: 5", body="hello"),
        varies=(Field.BODY,),
    ),
    _answers(
        "up.trailers",
        "trailers are sent on",
        _ok(_TEXT, "Trailer: X-Sum", "Transfer-Encoding: chunked", body="5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
    ),
    _answers(
        "up.trailers.sudden",
        "trailers that nobody announced",
        _ok(_TEXT, "Transfer-Encoding: chunked", body="5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
    ),
    _answers(
        "up.grpc",
        "a gRPC status in the headers becomes a trailer too",
        _ok("Content-Type: application/grpc", "Grpc-Status: 5", "Grpc-Message: no", "Content-Length: 0"),
        line="POST /through",
        headers=("Content-Type: application/grpc", "TE: trailers"),
    ),
    _answers(
        "up.early.hints",
        "interim answers are sent on",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _ok(_TEXT, "Content-Length: 5", body="hello"),
    ),
    _answers(
        "up.no.type", "an answer without a type", _ok("Content-Length: 5", body="hello"), varies=(Field.CONTENT_TYPE,)
    ),
    _answers("up.head", "HEAD keeps the length", _ok(_TEXT, "Content-Length: 5"), line="HEAD /through"),
    _answers("up.head.none", "HEAD without a length", _ok(_TEXT), line="HEAD /through"),
    _answers("up.head.chunked", "HEAD with chunks", _ok(_TEXT, "Transfer-Encoding: chunked"), line="HEAD /through"),
    _answers("up.lengths", "two lengths", _ok("Content-Length: 5", "Content-Length: 6", body="hello"), Do.CLOSE),
    _answers("up.length.bad", "a length that is none", _ok("Content-Length: five", body="hello"), Do.CLOSE),
    _answers("up.coding", "a coding that nobody knows", _ok("Transfer-Encoding: gzip", body="hello"), Do.CLOSE),
    _answers("up.garbage", "no HTTP at all", "SSH-2.0-OpenSSH\r\n\r\n", Do.CLOSE),
    _answers(
        "up.header.bad",
        "a header line that is none",
        "HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 0\r\n\r\n",
        Do.CLOSE,
    ),
    _answers("up.version", "another version of HTTP", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", Do.CLOSE),
    _answers(
        "up.switch",
        "101 without an upgrade asked for",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
        Do.CLOSE,
    ),
    _answers("up.more", "more bytes than the length says", _ok(_TEXT, "Content-Length: 5", body="hello there")),
    _answers("up.cut.before", "closed before an answer, twice or thrice", Do.CLOSE, varies=(Field.UPSTREAM,)),
    _answers("up.cut.before.post", "a POST is not sent twice", Do.CLOSE, line="POST /through"),
    _answers("up.reset.before", "reset before an answer", Do.RESET, varies=(Field.UPSTREAM,)),
    _answers("up.cut.head", "closed in the middle of the headers", "HTTP/1.1 200 OK\r\nContent-Le", Do.CLOSE),
    _answers(
        "up.cut.length",
        "closed in the middle of a body with a length",
        _ok(_TEXT, "Content-Length: 10", body="hello"),
        Seen("hello"),
        Do.CLOSE,
    ),
    _answers(
        "up.cut.chunk",
        "closed in the middle of a chunk",
        _ok(_TEXT, "Transfer-Encoding: chunked", body="a\r\nhello"),
        Do.CLOSE,
    ),
    _answers(
        "up.cut.chunks",
        "closed between chunks",
        _ok(_TEXT, "Transfer-Encoding: chunked", body="5\r\nhello\r\n"),
        Seen("hello"),
        Do.CLOSE,
    ),
    _answers(
        "up.cut.trailer",
        "closed before the end of the last chunk",
        _ok(_TEXT, "Transfer-Encoding: chunked", body="5\r\nhello\r\n0\r\n"),
        Do.CLOSE,
    ),
    _answers(
        "up.chunk.bad",
        "a chunk size that is none",
        _ok(_TEXT, "Transfer-Encoding: chunked", body="5\r\nhello\r\n"),
        Seen("hello"),
        "zz\r\n",
    ),
    _answers(
        "up.reset.length",
        "reset in the middle of a body",
        _ok(_TEXT, "Content-Length: 10", body="hello"),
        Seen("hello"),
        Do.RESET,
    ),
    _answers(
        "up.drip.length",
        "a slow body of known length comes through as it comes",
        _ok(_TEXT, "Content-Length: 9"),
        "one",
        Seen("one"),
        "two",
        Seen("two"),
        "six",
    ),
    _answers(
        "up.drip.chunked",
        "slow chunks come through as they come",
        _ok(_TEXT, "Transfer-Encoding: chunked"),
        "3\r\none\r\n",
        Seen("one"),
        "3\r\ntwo\r\n",
        Seen("two"),
        "0\r\n\r\n",
    ),
    _answers(
        "up.drip.close",
        "a slow body that ends with the connection",
        _ok(_TEXT),
        "one",
        Seen("one"),
        "two",
        Seen("two"),
        Do.CLOSE,
    ),
    _answers(
        "up.drip.headers",
        "headers come through before the body",
        _ok(_TEXT, "Content-Length: 3"),
        Seen("Content-Length: 3"),
        "one",
    ),
    _answers(
        "up.drip.events",
        "server-sent events come through as they come",
        _ok("Content-Type: text/event-stream"),
        "data: 1\n\n",
        Seen("data: 1"),
        "data: 2\n\n",
        Seen("data: 2"),
        Do.CLOSE,
    ),
    _answers("up.large", "3 MiB with a length", _ok(_TEXT, f"Content-Length: {3 * _MIB}", body="z" * (3 * _MIB))),
    _answers(
        "up.large.chunked",
        "3 MiB in one chunk",
        _ok(_TEXT, "Transfer-Encoding: chunked", body=f"{3 * _MIB:x}\r\n" + "z" * (3 * _MIB) + "\r\n0\r\n\r\n"),
    ),
    _answers("up.large.close", "3 MiB until the connection ends", _ok(_TEXT, body="z" * (3 * _MIB)), Do.CLOSE),
    _answers(
        "up.headers.large",
        "30 kB of headers",
        _ok(*(f"X-{number}: {'v' * 300}" for number in range(100)), "Content-Length: 0"),
    ),
    Case(
        "up.http10.client",
        "a client of HTTP/1.0 gets no chunks",
        (
            Step(
                (f"GET /through HTTP/1.0\r\n{HOST}\r\n\r\n",),
                script=(_ok(_TEXT, "Transfer-Encoding: chunked", body="5\r\nhello\r\n0\r\n\r\n"),),
            ),
        ),
    ),
    Case(
        "up.switched",
        "a protocol that both sides want is passed through both ways",
        (
            Step(
                (("GET /through HTTP/1.1\r\n" + HOST + "\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n",),),
                script=(
                    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n",
                    "hi",
                    Seen("hi"),
                    Do.CLOSE,
                ),
            ),
        ),
    ),
    Case(
        "up.dead",
        "a dead upstream, open and paid, closes nothing",
        (Step((request("GET /dead-open", is_last=False), request("GET /dead", paid("dead"), is_last=False))),),
    ),
]
