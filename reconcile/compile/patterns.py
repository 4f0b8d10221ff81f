"""Host and path patterns: their normal form, their kind, and the RE2 expressions that Aperture gets (COMPILE.md)."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Any

import re2

from reconcile.models import HostKind, PathKind

EXPRESSION_CHARACTERS = frozenset("\\^$+?()[]{}|")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


class PatternError(ValueError):
    """A host or path that cannot be expressed; the text says why."""


@lru_cache(maxsize=65536)
def compile_re2(expression: str) -> Any:
    """The compiled RE2 expression.

    Raises:
        PatternError: RE2 refuses it, as Aperture would (it then does not start).
    """
    try:
        return re2.compile(expression, _OPTIONS)
    except re2.error as error:
        raise PatternError(f"RE2 refuses the expression: {error}") from None


def escape(text: str) -> str:
    """``text`` as an RE2 expression that matches just it."""
    return "".join(f"\\{c}" if c in "\\.+*?()|[]{}^$" else c for c in text)


def normalise_host(host: str) -> tuple[str, HostKind]:
    """The host trimmed and in lower case, and its kind.

    Raises:
        PatternError: no host name, address, ``*`` or ``*.domain``.
    """
    host = host.strip(" \t").lower()
    if host == "*":
        return host, HostKind.ANY
    if host.startswith("*."):
        if not _HOST.fullmatch(host[2:]):
            raise PatternError("the host is no *.domain")
        return host, HostKind.WILDCARD
    if not _HOST.fullmatch(host) and not _is_bracketed_ipv6(host):
        raise PatternError("the host is no host name, address, * or *.domain")
    return host, HostKind.EXACT


def _is_bracketed_ipv6(host: str) -> bool:
    try:
        return host.startswith("[") and host.endswith("]") and bool(ipaddress.IPv6Address(host[1:-1]))
    except ValueError:
        return False


def host_regexp(host: str, kind: HostKind) -> str:
    """``(?i)^…(?::\\d+)?$``: case-insensitive, anchored, a port is admitted."""
    if kind is HostKind.ANY:
        middle = ".*"
    elif kind is HostKind.WILDCARD:
        middle = r"[^:]+\." + escape(host[2:])
    else:
        middle = escape(host)
    return rf"(?i)^{middle}(?::\d+)?$"


def normalise_path(path: str) -> tuple[str, PathKind]:
    """The path trimmed, with its leading slash, and its kind, the first that fits.

    Raises:
        PatternError: control characters, or an expression that RE2 refuses.
    """
    path = path.strip(" \t")
    if _CONTROL.search(path):
        raise PatternError("the path has a control character")
    if EXPRESSION_CHARACTERS.intersection(path):
        compile_re2(path)
        compile_re2(f"(?s)^(?:{path})$")
        return path, PathKind.REGEXP
    if not path.startswith("/"):
        path = "/" + path
    if path in ("/", "/*"):
        return path, PathKind.CATCH_ALL
    if "*" not in path:
        return path, PathKind.EXACT
    if path.endswith("/*") and path.count("*") == 1:
        return path, PathKind.PREFIX
    return path, PathKind.GLOB


def path_regexp(path: str, kind: PathKind) -> str:
    """``(?s)^…$``: anchored, a line break does not escape it."""
    if kind is PathKind.REGEXP:
        return f"(?s)^(?:{path})$"
    if kind is PathKind.CATCH_ALL:
        return "(?s)^/.*$"
    if kind is PathKind.PREFIX:
        return f"(?s)^{escape(path[:-1])}.*$"
    if kind is PathKind.GLOB:
        return "(?s)^" + "[^/]+".join(escape(part) for part in path.split("*")) + "$"
    return f"(?s)^{escape(path)}$"


def literal_prefix(path: str, kind: PathKind) -> str:
    """What every path that the pattern matches begins with; for an expression, what can be read off its beginning."""
    if kind is PathKind.CATCH_ALL:
        return "/"
    if kind is PathKind.REGEXP:
        return _expression_prefix(path)
    return path.split("*", 1)[0]


def _expression_prefix(expression: str) -> str:
    """Leading literal characters; none when an alternation or a flag could change what they mean."""
    if "|" in expression or "(?" in expression:
        return ""
    text = expression.removeprefix("^")
    prefix: list[str] = []
    place = 0
    while place < len(text):
        character = text[place]
        if character == "\\" and place + 1 < len(text) and not text[place + 1].isalnum():
            prefix.append(text[place + 1])
            place += 2
        elif character in EXPRESSION_CHARACTERS or character in "*.":
            break
        else:
            prefix.append(character)
            place += 1
    if prefix and place < len(text) and text[place] in "*?{":
        prefix.pop()  # the quantifier may take the last one away
    return "".join(prefix)
