"""Reads ``WWW-Authenticate``: the LSAT and L402 challenges in it, among those of other schemes.

Sources: APERTURE.md "Challenge" (what Aperture sends, what the current L402 specification sends: ``token=``, any order,
unknown parameters, scheme in any case); RFC 9110 §11.6.1 (several challenges in one line, several lines).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from reconcile.errors import ChallengeError

Scheme = Literal["LSAT", "L402"]

_SCHEMES: Mapping[str, Scheme] = {"lsat": "LSAT", "l402": "L402"}
_TOKEN_PARAMS: tuple[Literal["macaroon", "token"], ...] = ("macaroon", "token")
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SEPARATOR = re.compile(r"[ \t]*,[ \t,]*|[ \t]+|$")
# Unquoted values are wider than RFC 9110's token: base64 holds "/" and "=".
_PARAM = re.compile(rf'({_NAME})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=][^\s,"]*))')
_TOKEN68 = re.compile(r"[ \t]+[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$))")
_SCHEME = re.compile(rf"({_NAME})(?=[ \t]|,|$)")
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One LSAT or L402 challenge. ``params`` holds the parameters beside token and invoice, names in lower case."""

    scheme: Scheme
    macaroon_b64: str = field(repr=False)
    invoice: str
    params: Mapping[str, str] = field(repr=False)
    token_param: Literal["macaroon", "token"]


def parse_challenges(headers: Sequence[tuple[str, str]]) -> tuple[Challenge, ...]:
    """The LSAT and L402 challenges of a response, in order; other schemes are skipped.

    Args:
        headers: (name, value) pairs; names in any case.

    Raises:
        ChallengeError: ``challenge_malformed``: a header that cannot be read, or a challenge without token or invoice.
    """
    found: list[Challenge] = []
    for name, value in headers:
        if name.lower() == "www-authenticate":
            found.extend(_challenge(*part) for part in _split(value) if part[0] in _SCHEMES)
    return tuple(found)


def _split(value: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """(scheme in lower case, parameters) of each challenge in one header value."""
    scheme: str | None = None
    params: list[tuple[str, str]] = []
    rest = value.strip(" \t,")
    position = 0
    while position < len(rest):
        param = _PARAM.match(rest, position)
        if param is not None and scheme is not None:
            text = param[3] if param[2] is None else _ESCAPE.sub(r"\1", param[2])
            params.append((param[1].lower(), text))
            position = param.end()
        elif (word := _SCHEME.match(rest, position)) is not None:
            if scheme is not None:
                yield scheme, params
            scheme, params = word[1].lower(), []
            position = _after_token68(rest, word.end())
        else:
            raise _malformed("a challenge header that follows no grammar")
        position = _after_separator(rest, position)
    if scheme is not None:
        yield scheme, params


def _after_token68(text: str, position: int) -> int:
    """Where the rest begins behind a scheme: a lone token68 (``Bearer abc==``) is passed over."""
    token = _TOKEN68.match(text, position)
    return token.end() if token is not None else position


def _after_separator(text: str, position: int) -> int:
    separator = _SEPARATOR.match(text, position)
    if separator is None:
        raise _malformed("a challenge parameter that runs into the next")
    return separator.end()


def _challenge(scheme: str, params: Sequence[tuple[str, str]]) -> Challenge:
    by_name = dict(params)
    if len(by_name) != len(params):
        raise _malformed("a challenge that names a parameter twice")
    token_param = next((name for name in _TOKEN_PARAMS if by_name.get(name)), None)
    if token_param is None:
        raise _malformed("a challenge without macaroon or token")
    if not by_name.get("invoice"):
        raise _malformed("a challenge without invoice")
    others = {name: text for name, text in by_name.items() if name not in (token_param, "invoice")}
    return Challenge(_SCHEMES[scheme], by_name[token_param], by_name["invoice"], others, token_param)


def _malformed(what: str) -> ChallengeError:
    return ChallengeError(what, reason="challenge_malformed")
