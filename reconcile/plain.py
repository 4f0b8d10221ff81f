"""Other people's text for a terminal or a page: on one line, of bounded length, with no control characters in it."""

from __future__ import annotations

import re

MAX_LENGTH = 2000
# C0 and C1 controls, line and paragraph separators, what turns the direction of writing, and halves of pairs.
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROLS_BUT_LINES = re.compile("(?![\n\t])" + _CONTROLS.pattern)


def plain(text: str, limit: int = MAX_LENGTH) -> str:
    """``text`` on one line: each control character as its escape, what is beyond ``limit`` cut off."""
    shown = _CONTROLS.sub(_escape, text[: limit + 1])
    return shown if len(text) <= limit else shown[:limit] + "…"


def plain_lines(text: str) -> str:
    """The same with its lines, tabs and length left as they are."""
    return _CONTROLS_BUT_LINES.sub(_escape, text)


def one_line(text: str, limit: int) -> str:
    """Another's words as part of a sentence of ours: what cannot be printed is a space, spaces are one, the rest is cut."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:limit]


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "backslashreplace").decode()
