"""What must reach no output is replaced: secrets that the run knows, in every spelling, and whatever looks like one."""

from __future__ import annotations

import base64
import html
import json
import re
import threading
from typing import Any
from urllib.parse import quote, quote_plus

MARK = "[redacted]"
MIN_SECRET = 4  # shorter ones would blot out ordinary text
# A credential; a bearer token; a v2 macaroon of location "lsat" in base64 (any alphabet) or hex; a v1 macaroon.
_PATTERNS = (
    r"(?:LSAT|L402)(?: |%20|\+)[A-Za-z0-9+/_=%-]{16,}(?::|%3A)[0-9A-Fa-f]{8,}",
    r"(?i:bearer) [A-Za-z0-9._~+/=-]{6,}",
    r"AgEE[A-Za-z0-9+/_-]{24,}={0,2}",
    r"0201046c736174[0-9a-f]{24,}",
    r"MDA[A-Za-z0-9+/_-]{40,}={0,2}",
)


class Redactor:
    """Learns secrets as the run meets them; thread-safe. 64-digit hashes in general are public and stay."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._forms: set[str] = set()
        self._secrets: set[str] = set()
        self._expression: re.Pattern[str] | None = None

    @property
    def secrets(self) -> frozenset[str]:
        """The secrets that were registered, as they are."""
        return frozenset(self._secrets)

    def register(self, secret: str) -> None:
        """Keep ``secret`` out of every output from here on; blank and very short ones are ignored."""
        if len(secret) < MIN_SECRET:
            return
        with self._lock:
            self._secrets.add(secret)
            self._forms |= {form for form in spellings(secret) if len(form) >= MIN_SECRET}
            self._expression = None

    def redact(self, text: str) -> str:
        """``text`` with every known or likely secret replaced."""
        return self._compiled().sub(MARK, text)

    def redact_deep(self, value: Any) -> Any:
        """The same through lists, tuples, dicts and bytes."""
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, bytes):
            return self.redact(value.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        if isinstance(value, (list, tuple)):
            return type(value)(self.redact_deep(item) for item in value)
        if isinstance(value, dict):
            return {self.redact_deep(key): self.redact_deep(item) for key, item in value.items()}
        return value

    def holds_secret(self, text: str) -> bool:
        """True when a registered secret stands in ``text``, in any spelling."""
        return any(form in text for form in self._forms)

    def _compiled(self) -> re.Pattern[str]:
        with self._lock:
            if self._expression is None:
                known = [re.escape(form) for form in sorted(self._forms, key=len, reverse=True)]
                self._expression = re.compile("|".join([*known, *_PATTERNS]))
            return self._expression


def spellings(secret: str) -> set[str]:
    """The forms in which a secret may stand in a log, a URL, JSON, HTML, or inside base64 at any of three offsets."""
    raw = secret.encode()
    forms = {
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        html.escape(secret),
    }
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            text = encode(b"\0" * offset + raw).decode().rstrip("=")
            # The first characters mix with what stands before, the last with what follows.
            forms.add(text[(0, 2, 3)[offset] : len(text) - (1 if (len(raw) + offset) % 3 else 0)])
    if re.fullmatch(r"[0-9a-fA-F]+", secret):
        forms |= {secret.lower(), secret.upper()}
    return forms
