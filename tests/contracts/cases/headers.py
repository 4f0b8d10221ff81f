"""Header lines as no tidy client sends them, and what of them reaches the upstream."""

from __future__ import annotations

from tests.contracts.case import HOST, Case, Step, case, paid, request

# Lines beside an ordinary request for an open service: the upstream shows what is left of them.
_LINES = {
    ("x-lower: a", "X-UPPER: b", "x_under: c", "X--Two: d"): "names become canonical, and are sorted",
    ("X-Same: 1", "X-Other: 2", "x-same: 3"): "lines of one name stay lines, in their order",
    ("X-Fold: a", "  b", "\tc"): "a folded line becomes one",
    ("X-Space : a",): "a space before the colon",
    (": a",): "no name",
    ("X-Empty:", "X-Blank:    "): "empty values",
    ("X-Value:    a   b   ",): "spaces around a value go, those inside stay",
    ("X-High: \xe9\xff",): "bytes beyond ASCII in a value",
    ("X-H\xe9: a",): "bytes beyond ASCII in a name",
    ("X-Nul: a\x00b",): "a NUL in a value",
    ("X-Bell: a\x07b",): "a control byte in a value",
    ("X-Del: a\x7fb",): "a DEL in a value",
    ("X-Tab: a\tb",): "a tab in a value",
    ("X-Return: a\rb",): "a bare carriage return in a value",
    ("No colon",): "a line without a colon",
    (" X-Indented: a",): "a line that folds the Host",
    ("X(y): a",): "a name that is no token",
    ("User-Agent: one", "User-Agent: two", "Accept: */*"): "the agent goes before the rest, the first of two",
    ("User-Agent:",): "an empty agent",
    ("Accept-Encoding: br",): "what the client accepts is asked for",
    ("Accept-Encoding:",): "an empty accept-encoding",
    ("Range: bytes=0-3",): "a range: no gzip is asked for",
    ("X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 10.0.0.2, 10.0.0.3"): "the chain of proxies is folded and extended",
    (
        "Forwarded: for=1.1.1.1",
        "X-Forwarded-Host: h",
        "X-Forwarded-Proto: https",
        "X-Real-Ip: 9.9.9.9",
    ): "sent on as they are",
    ("TE: trailers, gzip",): "only trailers is sent on",
    ("TE: gzip",): "hop by hop",
    (
        "Keep-Alive: timeout=5",
        "Proxy-Connection: keep-alive",
        "Proxy-Authorization: x",
        "Proxy-Authenticate: y",
    ): "hop by hop",
    ("Trailer: X-Later",): "a trailer announced without chunks",
    ("Cookie: a=1", "Cookie: b=2", "Cache-Control: no-cache", "If-None-Match: x", "Via: 1.0 me"): "end to end",
    ("Pragma: no-cache",): "pragma gains a cache-control",
    ("Pragma: no-cache", "Cache-Control: max-age=0"): "pragma beside a cache-control",
    ("Upgrade: websocket", "Connection: Upgrade"): "an upgrade is asked for at the upstream",
    ("Upgrade: websocket",): "an upgrade without its connection token",
    ("Upgrade: \x80", "Connection: Upgrade"): "an upgrade to what cannot be printed",
    (
        "Connection: X-Secret, keep-alive",
        "X-Secret: a",
        "X-Public: b",
    ): "what the connection line names goes no further",
    ("Connection: X-Forwarded-For", "X-Forwarded-For: 10.0.0.1"): "the chain of proxies named there starts anew",
    ("Content-Type: application/grpc",): "a gRPC request to an open service",
    ("Content-Type: application/grpc+json", "TE: trailers"): "another",
    ("Date: today", "Server: me", "Www-Authenticate: x"): "an answer's headers in a request",
    ("Expect: 200-ok",): "an expectation that is none",
    ("Expect: 100-continue",): "an expectation without a body",
    ("Expect: 100-CONTINUE",): "its case",
    ("Expect:",): "an empty expectation",
    ("Content-Length: 0",): "a length of zero",
    ("Content-Length: 00",): "two zeros",
    ("Content-Length: +0",): "a sign",
    ("Content-Length: -1",): "a negative length",
    ("Content-Length:",): "an empty length",
    ("Content-Length: 0x0",): "a length in hex",
    ("Content-Length: 0, 0",): "a list of lengths",
    ("Content-Length: 0", "Content-Length: 0"): "a length twice",
    ("Content-Length: 0", "Content-Length: 1"): "two lengths",
    ("Content-Length: 99999999999999999999",): "a length beyond 63 bits",
    ("Transfer-Encoding: gzip",): "a coding that nobody knows",
    ("Transfer-Encoding: chunked, chunked",): "a list of codings",
    ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked"): "chunked twice",
    ("Transfer-Encoding: identity",): "identity",
    ("Transfer-Encoding:",): "an empty coding",
    ("Authorization: Basic dXNlcjpwdw==",): "another scheme is sent on as it is",
    ("Authorization: Basic a", "Authorization: Bearer b"): "two of other schemes",
    ("Authorization:", "Authorization: Bearer b"): "an empty one first",
    ("Macaroon: 00", "Grpc-Metadata-Macaroon: zz"): "macaroons that are none",
    ("X-Oa-Smoke-Auth: x",): "the staging header is nothing to Aperture",
}

# The same beside the credential of a paid service.
_CREDENTIALS = {
    ("Connection: Authorization", paid("staging")): "named hop by hop, the credential counts and is not sent on",
    (paid("staging"), "Authorization: Bearer b"): "the last line counts",
    ("Authorization: Bearer b", paid("staging")): "the last line counts, and the others are replaced",
    ("Authorization:", paid("staging")): "an empty first line: the header counts as missing",
    ("Authorization:", "Macaroon: {staging.macaroon.plus.preimage.hex}"): "an empty line leaves it to the Macaroon",
    ("Authorization: x", "Macaroon: {staging.macaroon.plus.preimage.hex}"): "any other does not",
    (
        "Grpc-Metadata-Macaroon: {staging.macaroon.hex}",
        "Macaroon: {staging.macaroon.plus.preimage.hex}",
    ): "Grpc-Metadata-Macaroon goes before Macaroon",
    ("Macaroon: {staging.macaroon.plus.preimage.hex}", "Macaroon: 00"): "the first Macaroon counts",
    ("Macaroon: 00", "Macaroon: {staging.macaroon.plus.preimage.hex}"): "the first, good or bad",
    ("Macaroon: {staging.macaroon.plus.preimage=00.hex}",): "a preimage that is too short",
    ("Macaroon: {staging.macaroon.plus.preimage=00+preimage=mine.hex}",): "the last preimage counts",
    ("Macaroon: {staging.macaroon.plus.preimage=mine+preimage=00.hex}",): "the last, good or bad",
    ("Authorization: L402", "  {staging.macaroon}:{staging.preimage}"): "a folded credential",
    ("Authorization: xL402 {staging.macaroon}:{staging.preimage}",): "letters before the scheme",
    ("Authorization: Bearer x, L402 {staging.macaroon}:{staging.preimage}",): "another scheme before it on one line",
    ("Authorization: L402 LSAT {staging.macaroon}:{staging.preimage}",): "both schemes",
    ("Authorization: L402 {staging.macaroon}: {staging.preimage}",): "a space after the colon",
    ("Authorization: L402 {staging.macaroon} :{staging.preimage}",): "a space before the colon",
    ("Authorization: L402 {staging.macaroon},{staging.macaroon}:{staging.preimage}",): "two macaroons",
    ("Authorization: L402\t{staging.macaroon}:{staging.preimage}",): "a tab after the scheme",
    ('Authorization: L402 macaroon="{staging.macaroon}", preimage="{staging.preimage}"',): "parameters",
    ("authorization: L402 {staging.macaroon}:{staging.preimage}",): "a header's name has no case",
    ("AUTHORIZATION: LSAT {staging.macaroon}:{staging.preimage}", "X-Forwarded-For: 1.1.1.1"): "nor here",
    ("Proxy-Authorization: L402 {staging.macaroon}:{staging.preimage}",): "another header",
    ("Cookie: Authorization=L402 {staging.macaroon}:{staging.preimage}",): "a cookie",
}

HEADERS: list[Case] = [
    *(
        case(f"lines.{number:02}", rule, request("GET /through", *lines))
        for number, (lines, rule) in enumerate(_LINES.items())
    ),
    *(
        case(f"credential.{number:02}", rule, request("GET /staging", *lines))
        for number, (lines, rule) in enumerate(_CREDENTIALS.items())
    ),
    case(
        "lines.first",
        "a first line that folds nothing",
        f"GET /through HTTP/1.1\r\n X-A: b\r\n{HOST}\r\nConnection: close\r\n\r\n",
    ),
    case("lines.long", "a header of 500,000 letters", request("GET /nothing", "X-Long: {letters.500000}")),
    case("lines.too.long", "headers of more than 1 MiB", request("GET /nothing", "X-Long: {letters.1060000}")),
    case(
        "lines.many",
        "a thousand headers",
        request("GET /through", *(f"X-{number}: {number}" for number in range(1000))),
    ),
    case(
        "lines.grpc.nothing",
        "a gRPC request for what nobody serves",
        request("POST /nothing", "Content-Type: application/grpc"),
    ),
    case("lines.grpc.options", "a gRPC OPTIONS", request("OPTIONS /staging", "Content-Type: application/grpc")),
    case(
        "lines.grpc.paid",
        "a paid gRPC request",
        request("POST /staging", "Content-Type: application/grpc", paid("staging")),
    ),
    case(
        "lines.grpc.dead",
        "a gRPC request to a dead upstream",
        request("POST /dead-open", "Content-Type: application/grpc"),
    ),
    case("lines.grpc.case", "the content type has a case", request("POST /staging", "Content-Type: Application/gRPC")),
    case(
        "lines.grpc.second",
        "the first content type counts",
        request("POST /staging", "Content-Type: text/plain", "Content-Type: application/grpc"),
    ),
    case(
        "lines.config",
        "a header of the config is added to the client's",
        request("GET /headers", "X-From-Config: of the client"),
    ),
    case("lines.head.agent", "HEAD asks for no gzip", request("HEAD /through", "User-Agent: me")),
    Case(
        "lines.http10",
        "HTTP/1.0 to the upstream is 1.1",
        (Step((f"GET /through HTTP/1.0\r\n{HOST}\r\nX-A: b\r\n\r\n",)),),
    ),
    Case(
        "lines.http10.kept",
        "HTTP/1.0 with keep-alive",
        (Step((f"GET /nothing HTTP/1.0\r\n{HOST}\r\nConnection: keep-alive\r\n\r\n",) * 2),),
    ),
    Case(
        "lines.http10.chunked",
        "HTTP/1.0 knows no chunks",
        (Step((f"POST /through HTTP/1.0\r\n{HOST}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",)),),
    ),
]
