"""What Go makes of targets and Hosts before Aperture matches them, and what of them reaches the upstream."""

from __future__ import annotations

from tests.contracts.case import HOST, Case, Step, case, paid, request

# Target → why it is asked. /through lets everybody pass, so the upstream shows the target that was sent on.
_TARGETS = {
    "/through?": "an empty query stays",
    "/through?a=1;b=2&%zz": "the query is sent on as it is, parsable or not",
    "/through/%2f/a%2Fb": "encoded slashes stay encoded",
    "/through/%41%7e": "needless escapes stay",
    "/through/a%20b%0a%00": "encoded control bytes stay encoded",
    "/through//a/./b/../c/": "dot segments and double slashes stay",
    "/through/%2e%2e/staging": "encoded dots stay",
    "/through/a'b(c)*!$&+,;=:@[x]": "what may stand in a path stays",
    '/through/a"b<c>^`{|}': "what may not stand in a path is escaped",
    "/through/a\\b": "a backslash is escaped",
    "/through/a#b?c": "a fragment is no fragment: the number sign is escaped, the query is one",
    "/through/\xe9\xff": "bytes beyond ASCII are escaped",
    "/through/a?b c": "two spaces in the request line: no HTTP version",
    '/through/a?\xe9"<>': "the query is not escaped",
    "/through/%zz": "a bad escape",
    "/through/%2": "half an escape",
    "/through/a\x7fb": "a control byte in the target",
    "/through/a\tb": "a tab in the target",
    "http://127.0.0.1:8080/through/a%2fb?q": "an absolute target is sent on as a path",
    "http://127.0.0.1:8080/open": "an absolute target",
    "http://127.0.0.1:8080": "an absolute target without a path",
    "http://user:pw@127.0.0.1:8080/staging": "an absolute target with a user",
    "https://127.0.0.1:8080/staging": "another scheme in an absolute target",
    "HTTP://127.0.0.1/staging": "an upper-case scheme",
    "ftp://127.0.0.1:8080/staging": "a scheme that is no HTTP",
    "http:///staging": "an absolute target without a host takes the Host line's",
    "http://[::1]:80/staging": "an IPv6 address as the host",
    "http://[::1/staging": "half an IPv6 address",
    "http://127.0.0.1:port/staging": "a port that is no number",
    "http://%31%32%37.0.0.1/staging": "an escaped host",
    "http://a b/staging": "a space in the host",
    "//127.0.0.1:8080/staging": "a target that starts with two slashes is a path",
    "staging": "a target without a slash",
    "mailto:staging": "a target that is no path",
    "?a": "a query alone",
    "": "no target",
    "*": "an asterisk",
    "/rw/a%2fb": "a rewritten path keeps its escapes",
    "/rw/../b": "a rewritten path that climbs",
    "/staging?" + "q" * 8000: "a long query",
    "/staging/../staging": "a climb to the same path is no match",
    "/%2e/staging": "an encoded dot",
    "/%73%74%61%67%69%6e%67": "every letter escaped",
    "/staging%2500": "an escaped per cent sign",
    "/staging%20": "a space at the end",
    "/staging#": "a number sign at the end",
    "/staging\\": "a backslash at the end",
    "/premium/\xc3\xa9": "UTF-8 in the path",
    "/premium/%c3%28": "escapes that are no UTF-8",
    "/premium/%ff%0a": "a dot of the expression matches any byte",
    "/rewritten/a": "a prefix with a space and a slash at its end",
    "/rewritten": "the same without more",
    "/rewritten/../x": "the same with a climb",
    "/rewritten/%2e%2e/x": "the same with an encoded climb",
    "/rewritten//x/": "the same with double slashes",
}
_HOSTS = {
    "127.0.0.1:8080 ": "a space after the host",
    "127.0.0.1,127.0.0.1": "a comma",
    "[::1]:8080": "IPv6",
    "catch.example.com:443": "a port",
    "catch.example.com.": "a dot at the end",
    "catch_example.com": "an underscore",
    "a..example.com": "an empty label",
    ".example.com": "no first label",
    "\xfc.example.com": "a byte beyond ASCII",
    "a b.example.com": "a space inside",
    "a/b": "a slash",
    "127.0.0.1:8080?x": "a question mark",
    "127.0.0.1:8080#x": "a number sign",
    "user@127.0.0.1:8080": "a user",
    "127.0.0.1%00": "a per cent sign",
    "everything.example": "a service without a path expression",
    "127.0.0.1:8080\\": "a backslash",
    "(127.0.0.1)": "parentheses",
    "'127.0.0.1'": "quotes",
    "127.0.0.1;x": "a semicolon",
    "127.0.0.1=x": "an equals sign",
    "\t127.0.0.1": "a tab before",
}


def _line(text: str) -> str:
    return f"{text}\r\n{HOST}\r\nConnection: close\r\n\r\n"


_LINES = {
    "GET  /staging HTTP/1.1": "two spaces after the method",
    "GET /staging  HTTP/1.1": "two spaces after the target",
    "GET /staging HTTP/1.1 ": "a space at the end",
    " GET /staging HTTP/1.1": "a space at the start",
    "GET /staging": "no version",
    "GET": "a method alone",
    "GET /staging http/1.1": "a version in lower case",
    "GET /staging HTTP/1": "half a version",
    "GET /staging HTTP/1.2": "version 1.2",
    "GET /staging HTTP/2.0": "version 2.0",
    "GET /staging HTTP/0.9": "version 0.9",
    "GET /staging HTTP/1.10": "a version of two digits",
    "get /staging HTTP/1.1": "a method in lower case",
    "options /staging HTTP/1.1": "options in lower case are charged",
    "G@T /staging HTTP/1.1": "a method that is no token",
    "G\xc9T /staging HTTP/1.1": "a method beyond ASCII",
    "M-SEARCH /staging HTTP/1.1": "a method with a dash",
    "PROPFIND /open HTTP/1.1": "an unknown method is sent on",
    "TRACE /open HTTP/1.1": "TRACE is sent on",
    "CONNECT 127.0.0.1:8080 HTTP/1.1": "CONNECT to an authority",
    "CONNECT /open HTTP/1.1": "CONNECT with a path is sent on",
    "CONNECT evil.example:443 HTTP/1.1": "CONNECT to somebody else",
    "CONNECT http://127.0.0.1:8080/staging HTTP/1.1": "CONNECT with an absolute target",
    "CONNECT everything.example HTTP/1.1": "CONNECT to a host whose service has no path expression",
    "OPTIONS * HTTP/1.1": "OPTIONS of an asterisk is the server's own",
    "OPTIONS /nothing HTTP/1.1": "OPTIONS of what nobody serves",
    "OPTIONS /open HTTP/1.1": "OPTIONS of an open service never reaches the upstream",
    "\r\nGET /staging HTTP/1.1": "an empty line first",
    "GET /staging HTTP/1.1\r": "a second carriage return",
}

PATHS: list[Case] = [
    *(
        case(f"target.{number:02}", rule, request(f"GET {target}"))
        for number, (target, rule) in enumerate(_TARGETS.items())
    ),
    *(
        case(
            f"hosts.{number:02}",
            rule,
            request("GET /v1/items/x" if "example" in host else "GET /staging", host=f"Host: {host}"),
        )
        for number, (host, rule) in enumerate(_HOSTS.items())
    ),
    *(case(f"line.{number:02}", rule, _line(line)) for number, (line, rule) in enumerate(_LINES.items())),
    case("hosts.two", "two Host lines", f"GET /staging HTTP/1.1\r\n{HOST}\r\n{HOST}\r\nConnection: close\r\n\r\n"),
    case(
        "hosts.absolute",
        "an absolute target beside no Host",
        "GET http://127.0.0.1/staging HTTP/1.1\r\nConnection: close\r\n\r\n",
    ),
    case(
        "hosts.absolute.bad",
        "an absolute target beside a bad Host",
        request("GET http://127.0.0.1/staging", host="Host: a b"),
    ),
    case("hosts.connect", "CONNECT needs no Host", "CONNECT 127.0.0.1:8080 HTTP/1.1\r\nConnection: close\r\n\r\n"),
    case("hosts.http10", "HTTP/1.0 needs no Host", "GET /staging HTTP/1.0\r\n\r\n"),
    case("hosts.lower", "a header's name has no case", request("GET /staging", host="hOsT: 127.0.0.1")),
    case("target.long", "a target of 100,000 letters", request("GET /premium/{letters.100000}")),
    case(
        "target.paid.encoded",
        "a paid token opens what the decoded path matches",
        request("GET /%73taging", paid("staging")),
    ),
    case(
        "target.paid.newline", "the expressions dot matches a newline", request("GET /premium/a%0ab", paid("premium"))
    ),
    case("target.paid.climb", "a rewritten path is cleaned", request("GET /rw/x/../../y%2fz", paid("rewrite"))),
    case(
        "target.paid.absolute",
        "the absolute target's host decides",
        request("GET http://127.0.0.1:8080/staging", paid("staging"), host="Host: evil.example"),
    ),
    Case(
        "line.bare",
        "lines may end in a bare newline",
        (Step((f"GET /staging HTTP/1.1\n{HOST}\nConnection: close\n\n",)),),
    ),
    Case(
        "line.empty.after.post",
        "an empty line after a POST is forgiven",
        (Step((request("POST /nothing", "Content-Length: 2", body="ab\r\n", is_last=False), request("GET /nothing"))),),
    ),
]
