"""What must reach no output is replaced, in every spelling (RECONCILE.md §1, "Secrets")."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

import pytest

from reconcile.redact import MARK, Redactor

SECRET = 'c4nary/"secret"&+value'


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        quote(SECRET, safe=""),
        json.dumps({"secret": SECRET}),
        html.escape(SECRET),
        repr(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(b"x" + SECRET.encode() + b"yz").decode(),
        base64.b64encode(b"xy" + SECRET.encode()).decode(),
    ],
)
def test_registered_secret_is_replaced_in_every_spelling(text: str) -> None:
    """Plain, percent-encoded, JSON, HTML, Python's repr, and base64 at each of its offsets."""
    redactor = Redactor()
    assert not redactor.holds_secret(text)
    redactor.register(SECRET)
    assert redactor.holds_secret(text)
    assert not redactor.holds_secret(redactor.redact(text))
    assert MARK in redactor.redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "L402 AgEEbHNhdAJCAAA=:" + "ab" * 32,
        "Authorization: Bearer abc.def-ghi",
        "AgEEbHNhdAJCAADAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "0201046c736174" + "00" * 20,
    ],
)
def test_what_looks_like_a_credential_is_replaced_unregistered(text: str) -> None:
    """A credential that nobody announced is one all the same."""
    assert MARK in Redactor().redact(text)


def test_hashes_and_ordinary_text_stay() -> None:
    """A configHash is public."""
    text = "cfg_" + "ab" * 32 + " bearer of news, L402 challenge"
    assert Redactor().redact(text) == text


def test_hex_secret_is_found_in_either_case() -> None:
    """A preimage may be printed in upper case."""
    redactor = Redactor()
    redactor.register("ab" * 32)
    assert redactor.redact("AB" * 32) == MARK


def test_structures_are_redacted_through_and_through() -> None:
    """Keys, values, lists, tuples and bytes."""
    redactor = Redactor()
    redactor.register("canary")
    found = redactor.redact_deep({"canary": ["canary", ("canary", b"a canary", 7, None)]})
    assert "canary" not in repr(found)
    assert found == {MARK: [MARK, (MARK, f"a {MARK}".encode(), 7, None)]}


def test_blank_and_tiny_secrets_blot_out_nothing() -> None:
    """An empty value would match everywhere."""
    redactor = Redactor()
    for secret in ("", "a", "abc"):
        redactor.register(secret)
    assert redactor.secrets == frozenset()
    assert redactor.redact("abc") == "abc"
