"""Bodies that clients send: large, in chunks, slowly, not at all; and the go-ahead that some wait for."""

from __future__ import annotations

from tests.contracts.case import HOST, Case, Do, Field, Part, Reached, Step, paid

_HEAD = f"{HOST}\r\n{paid('staging')}"
_MIB = 1 << 20


def upload(
    id: str,
    rule: str,
    *requests: str | tuple[Part, ...],
    script: tuple[Part, ...] = ("echo",),
    varies: tuple[Field, ...] = (),
) -> Case:
    """Requests on one connection."""
    return Case(id, rule, (Step(requests, script=script),), frozenset(varies))


def post(*headers: str, body: str = "", path: str = "/staging", token: str = f"{paid('staging')}\r\n") -> str:
    """A paid POST; a ``token`` of nothing leaves it unpaid."""
    return "\r\n".join([f"POST {path} HTTP/1.1", HOST, *headers]) + f"\r\n{token}\r\n{body}"


_CHUNKED = "Transfer-Encoding: chunked"
_EXPECT = "Expect: 100-continue"
_FIVE = "Content-Length: 5"

UPLOADS: list[Case] = [
    upload("upload.large", "3 MiB with a length", post(f"Content-Length: {3 * _MIB}", body="{bytes.3145728}")),
    upload("upload.large.chunked", "3 MiB in chunks", post(_CHUNKED, body="{chunks.3145728.5000}")),
    upload("upload.one.chunk", "3 MiB in one chunk", post(_CHUNKED, body="{chunks.3145728.3145728}")),
    upload("upload.chunked", "chunks stay chunks", post(_CHUNKED, body="{chunks.1000.100}")),
    upload("upload.chunked.none", "no chunk at all", post(_CHUNKED, body="0\r\n\r\n")),
    upload(
        "upload.extensions", "extensions of chunks stay behind", post(_CHUNKED, body="5;a=b\r\nhello\r\n0;c\r\n\r\n")
    ),
    upload(
        "upload.trailers",
        "trailers are sent on",
        post(_CHUNKED, "Trailer: X-Sum", body="5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
    ),
    upload(
        "upload.trailers.sudden",
        "trailers that nobody announced",
        post(_CHUNKED, body="5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
    ),
    upload(
        "upload.both",
        "chunks and a length: the length is dropped",
        post(_CHUNKED, "Content-Length: 3", body="5\r\nhello\r\n0\r\n\r\n"),
    ),
    upload(
        "upload.coding.case",
        "the coding has no case",
        post("Transfer-Encoding: CHUNKED", body="5\r\nhello\r\n0\r\n\r\n"),
    ),
    upload("upload.get", "a GET with a body", f"GET /staging HTTP/1.1\r\n{_HEAD}\r\n{_FIVE}\r\n\r\nhello"),
    upload("upload.head", "a HEAD with a body", f"HEAD /staging HTTP/1.1\r\n{_HEAD}\r\n{_FIVE}\r\n\r\nhello"),
    upload(
        "upload.delete",
        "a DELETE with a length of zero",
        f"DELETE /staging HTTP/1.1\r\n{_HEAD}\r\nContent-Length: 0\r\n\r\n",
    ),
    upload(
        "upload.drip",
        "a slow upload reaches the upstream as it comes",
        (post("Content-Length: 9"), "one", Reached("one"), "two", Reached("onetwo"), "six"),
    ),
    upload(
        "upload.drip.chunked",
        "slow chunks reach the upstream as they come",
        (post(_CHUNKED), "3\r\none\r\n", Reached("one"), "3\r\ntwo\r\n", Reached("two"), "0\r\n\r\n"),
    ),
    upload(
        "upload.expect",
        "the go-ahead comes when the upstream wants the body",
        (post(_EXPECT, _FIVE), Do.AWAIT_CONTINUE, "hello"),
    ),
    upload(
        "upload.expect.chunked",
        "the same in chunks",
        (post(_EXPECT, _CHUNKED), Do.AWAIT_CONTINUE, "5\r\nhello\r\n0\r\n\r\n"),
    ),
    upload(
        "upload.expect.unpaid",
        "no go-ahead for whoever has not paid; the connection ends",
        (post(_EXPECT, _FIVE, token=""), Do.FINISH),
    ),
    upload(
        "upload.expect.nothing",
        "nor for what nobody serves",
        (post(_EXPECT, _FIVE, token="", path="/nothing"), Do.FINISH),
    ),
    upload(
        "upload.expect.dead", "nor for a dead upstream", (post(_EXPECT, _FIVE, token="", path="/dead-open"), Do.FINISH)
    ),
    upload("upload.expect.eager", "a body that does not wait for the go-ahead", post(_EXPECT, _FIVE, body="hello")),
    upload(
        "upload.unpaid",
        "an unpaid body is read and dropped, the connection lives on",
        post(_FIVE, body="hello", token=""),
    ),
    upload("upload.unpaid.chunked", "the same in chunks", post(_CHUNKED, body="5\r\nhello\r\n0\r\n\r\n", token="")),
    upload(
        "upload.unpaid.large",
        "an unpaid body of 1 MiB ends the connection",
        (post(f"Content-Length: {_MIB}", token=""), Do.FINISH),
    ),
    upload(
        "upload.unpaid.most",
        "262,143 unpaid bytes are read",
        post("Content-Length: 262143", body="{bytes.262143}", token=""),
    ),
    upload("upload.unpaid.more", "262,144 are not", (post("Content-Length: 262144", token=""), Do.FINISH)),
    upload(
        "upload.unpaid.chunks",
        "unpaid chunks of 1 MiB end the connection",
        post(_CHUNKED, body="{chunks.1048576.65536}", token=""),
    ),
    upload("upload.unpaid.bad", "a broken unpaid body ends the connection", post(_CHUNKED, body="zz\r\n", token="")),
    upload("upload.options", "OPTIONS with a body", f"OPTIONS /staging HTTP/1.1\r\n{HOST}\r\n{_FIVE}\r\n\r\nhello"),
    upload(
        "upload.options.star",
        "OPTIONS of an asterisk with a body",
        f"OPTIONS * HTTP/1.1\r\n{HOST}\r\n{_FIVE}\r\n\r\nhello",
    ),
    upload("upload.dead", "a body for a dead upstream", post(_FIVE, body="hello", token="", path="/dead-open")),
    upload(
        "upload.short",
        "a client that stops in the middle",
        (post("Content-Length: 10", body="hello"), Reached("hello"), Do.FINISH),
    ),
    upload(
        "upload.short.chunked",
        "the same in chunks",
        (post(_CHUNKED, body="5\r\nhello\r\n"), Reached("hello"), Do.FINISH),
    ),
    upload(
        "upload.chunk.bad",
        "a chunk size that is none",
        (post(_CHUNKED, body="5\r\nhello\r\n"), Reached("hello"), "zz\r\n"),
    ),
    upload(
        "upload.chunk.bare",
        "a chunk that ends in a bare newline",
        (post(_CHUNKED, body="5\r\nhello\r\n"), Reached("hello"), "1\na\r\n"),
    ),
    upload(
        "upload.chunk.long",
        "a chunk longer than it says",
        (post(_CHUNKED, body="5\r\nhello\r\n"), Reached("hello"), "3\r\ntwofold\r\n"),
    ),
    upload(
        "upload.early",
        "an upstream that answers before it has read the body",
        post("Content-Length: 10", body="helloworld"),
        script=("early", "HTTP/1.1 413 x\r\nConnection: close\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\nno"),
        varies=(Field.UPSTREAM,),
    ),
]
