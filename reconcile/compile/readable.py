"""The patterns that deployed expressions were made of, for people: only where making them again gives the very same."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconcile.compile.patterns import PatternError, host_regexp, normalise_host, normalise_path, path_regexp

_HOST = re.compile(r"\(\?i\)\^(.*)\(\?::\\d\+\)\?\$")
_PATH = re.compile(r"\(\?s\)\^(.*)\$", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\.+*?()|\[\]{}^$])")


def readable_host(expression: str) -> str:
    """``*.example.com`` for what it was compiled to; an expression of somebody else's as it is."""
    found = _HOST.fullmatch(expression)
    middle = found[1] if found is not None else ""
    text = "*" if middle == ".*" else _unescaped(middle.replace(r"[^:]+\.", "*.", 1))
    try:
        return text if host_regexp(*normalise_host(text)) == expression else expression
    except PatternError:
        return expression


def readable_path(expression: str) -> str:
    """``/articles/*`` for what it was compiled to; an expression of somebody else's as it is."""
    found = _PATH.fullmatch(expression)
    for text in _path_candidates(found[1]) if found is not None else ():
        try:
            if path_regexp(*normalise_path(text)) == expression:
                return text
        except PatternError:
            continue
    return expression


def _path_candidates(middle: str) -> Iterator[str]:
    if middle.startswith("(?:") and middle.endswith(")"):
        yield middle[3:-1]
    yield _unescaped(middle)
    yield _unescaped(re.sub(r"\.\*$", "*", middle))
    yield _unescaped(middle.replace("[^/]+", "*"))


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)
