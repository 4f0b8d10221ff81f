"""Other people's text, made harmless for a terminal."""

from __future__ import annotations

from reconcile.plain import plain, plain_lines


def test_controls_are_shown_and_length_is_bounded() -> None:
    """Escapes, line breaks, direction marks and halves of pairs are shown; ordinary text stays as it is."""
    assert plain("a\x1b[2J\r\n\u202eb\ud800") == "a\\x1b[2J\\r\\n\\u202eb\\ud800"
    assert plain("zürich — ok") == "zürich — ok"
    assert plain("x" * 30, 10) == "x" * 10 + "…"
    assert plain_lines("a\n\tb\x07") == "a\n\tb\\x07"
