"""Reading single values out of the environment: what each kind must look like, one UsageError when it does not."""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import SecretStr

from reconcile.errors import UsageError
from reconcile.urls import host_of, parse_url

T = TypeVar("T")
PREFIX = "OA_LIGHTNING_OPS_"
WALLET_PREFIX = "OA_LIGHTNING_WALLET_EXECUTOR_"

_SECRET = re.compile(r"[!#-&(-\[\]-~]+")  # printable ASCII without quotes, backslash and space
_CREDENTIAL = re.compile(r"[ !#-&(-\[\]-~]+")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_PUBKEY = re.compile(r"0[23][0-9a-f]{64}")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}")
_RESOURCE_PART = r"[a-z0-9][a-zA-Z0-9_.:-]*"
_PATH = re.compile(r"/[!-~]*")


class Reader:
    """Typed access to a mapping of environment variables. Blank means unset; values are never echoed."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def get(self, name: str) -> str | None:
        """The stripped value, or None when unset or blank."""
        return self._env.get(name, "").strip() or None

    def required(self, name: str, value: T | None) -> T:
        """``value``, or a UsageError that ``name`` must be set."""
        if value is None:
            raise UsageError(name, "is not set", remedy="set it")
        return value

    def url(self, name: str, *, is_root: bool = False) -> str | None:
        """An https URL (http for loopback), see ``parse_url``."""
        value = self.get(name)
        return None if value is None else parse_url(name, value, is_root=is_root)

    def khala_url(self, name: str) -> str | None:
        """A URL of Convex's API; ``*.convex.site`` serves HTTP actions only (CONVEX.md)."""
        value = self.url(name, is_root=True)
        if value is not None and host_of(value).endswith(".convex.site"):
            raise UsageError(name, "is a *.convex.site URL, which is not the API", remedy="use the *.convex.cloud URL")
        return value

    def secret(self, name: str) -> SecretStr | None:
        """Printable ASCII without spaces, quotes and backslashes: nothing that a header or a shell would mangle."""
        value = self._env.get(name, "")
        if not value.strip():
            return None
        if not _SECRET.fullmatch(value):
            remedy = "give printable ASCII without spaces, quotes, backslashes and line breaks"
            raise UsageError(name, "has a character that a secret must not have", remedy=remedy)
        return SecretStr(value)

    def credential(self, name: str) -> SecretStr | None:
        """The value of an Authorization header, e.g. ``L402 <macaroon>:<preimage>``."""
        value = self._env.get(name, "")
        if not value.strip():
            return None
        if not _CREDENTIAL.fullmatch(value) or value != value.strip():
            raise UsageError(name, "is no header value", remedy="give L402 <macaroon>:<preimage> on one line")
        return SecretStr(value)

    def hex_secret(self, name: str) -> SecretStr | None:
        """Hexadecimal bytes, with nothing between or around them."""
        value = self._env.get(name, "")
        if not value.strip():
            return None
        if not _HEX.fullmatch(value):
            raise UsageError(name, "is not hexadecimal", remedy="give the macaroon's bytes as hex, on one line")
        return SecretStr(value)

    def certificate(self, name: str) -> str | None:
        """A PEM certificate's text, or the path of a file that holds one."""
        value = self.get(name)
        if value is None:
            return None
        try:
            text = value.replace("\\n", "\n") if "BEGIN CERTIFICATE" in value else Path(value).read_text()
            ssl.create_default_context(cadata=text)
        except (OSError, ValueError):
            raise UsageError(name, "is no certificate", remedy="give a PEM file's path or its text") from None
        return value

    def resource(self, name: str, form: str) -> str | None:
        """A Google resource name; ``form`` has one capital letter for each part that is free."""
        value = self.get(name)
        if value is None:
            return None
        pattern = "/".join(_RESOURCE_PART if part.isupper() else part for part in form.split("/"))
        if not re.fullmatch(pattern, value):
            raise UsageError(name, "is no resource name of that kind", remedy=f"give {form}")
        return value

    def pinned_image(self, name: str) -> str | None:
        """A container image by its digest: a tag may mean another image tomorrow."""
        value = self.get(name)
        if value is not None and not _IMAGE.fullmatch(value):
            raise UsageError(name, "is not pinned by digest", remedy="give …@sha256:<64 lower-case hex digits>")
        return value

    def path(self, name: str, default: str) -> str:
        """An absolute URL path."""
        value = self.get(name) or default
        if not _PATH.fullmatch(value) or "#" in value:
            raise UsageError(name, "is no path", remedy="give a path that begins with /")
        return value

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """A finite number of seconds between the bounds."""
        value = self.get(name)
        try:
            number = default if value is None else float(value)
        except ValueError:
            number = math.nan
        if not low <= number <= high:
            raise UsageError(name, "is no number in range", remedy=f"give a number from {low:g} to {high:g}")
        return number

    def optional_integer(self, name: str, low: int, high: int) -> int | None:
        """A whole number between the bounds, or None when unset."""
        value = self.get(name)
        if value is None:
            return None
        if not re.fullmatch(r"[0-9]{1,18}", value) or not low <= int(value) <= high:
            raise UsageError(name, "is no whole number in range", remedy=f"give a whole number from {low} to {high}")
        return int(value)

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number between the bounds."""
        value = self.optional_integer(name, low, high)
        return default if value is None else value

    def choice(self, name: str, choices: Sequence[str]) -> str:
        """One of the choices; the first is the default."""
        value = self.get(name) or choices[0]
        if value not in choices:
            raise UsageError(name, "is not one of the choices", remedy=f"give one of: {', '.join(choices)}")
        return value

    def flag(self, name: str) -> bool:
        """``true`` or ``false``; unset is false."""
        return self.choice(name, ("false", "true")) == "true"

    def scope(self, name: str) -> int | Literal["all"]:
        """``all``, ``probe`` (1) or a number of routes."""
        value = self.get(name) or "all"
        if value == "all":
            return "all"
        if value == "probe":
            return 1
        if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) < 1:
            raise UsageError(name, "is no scope", remedy="give all, probe, or a number of routes from 1 up")
        return int(value)

    def pubkey(self, name: str) -> str | None:
        """A compressed secp256k1 public key as 66 hex digits, lower case."""
        value = self.get(name)
        if value is None:
            return None
        if not _PUBKEY.fullmatch(value.lower()):
            raise UsageError(name, "is no node public key", remedy="give 66 hex digits that begin with 02 or 03")
        return value.lower()
