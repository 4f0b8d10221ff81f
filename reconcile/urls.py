"""What a URL in the settings may look like, and which hosts are loopback (RECONCILE.md §1)."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

from reconcile.errors import UsageError

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_NUMERIC_LABEL = re.compile(r"\d+|0[xX][0-9A-Fa-f]*")
_URL_REMEDY = "give an https URL with a host and no userinfo, or http for a loopback host"


def is_loopback_host(host: str) -> bool:
    """True for 127.0.0.0/8, ::1 (mapped forms too), ``localhost`` and ``*.localhost``; no DNS is asked."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _is_plain_host(host: str) -> bool:
    """True for a DNS name or an address in its usual form; decimal, octal and unspecified addresses are none."""
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        labels = host.rstrip(".").split(".")
        return all(_LABEL.fullmatch(label) for label in labels) and not _NUMERIC_LABEL.fullmatch(labels[-1])


def _split(name: str, value: str) -> SplitResult:
    """The URL's parts; one UsageError for whatever cannot be split. The value is not echoed: it may hold a secret."""
    if any(not "!" <= character <= "~" for character in value):
        raise UsageError(name, "has a space, a control or a non-ASCII character", remedy=_URL_REMEDY)
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise UsageError(name, "is no URL", remedy=_URL_REMEDY) from None
    return parts


def parse_url(name: str, value: str, *, is_root: bool = False) -> str:
    """The URL of setting ``name``, without trailing slashes when ``is_root``.

    Raises:
        UsageError: not https (http for loopback), no plain host, userinfo, a fragment, or a query in a root URL.
    """
    parts = _split(name, value)
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or not _is_plain_host(host):
        raise UsageError(name, "is no http(s) URL with a plain host", remedy=_URL_REMEDY)
    if parts.username is not None or parts.password is not None:
        raise UsageError(name, "carries userinfo", remedy=_URL_REMEDY)
    if parts.scheme == "http" and not is_loopback_host(host):
        raise UsageError(name, "is plain http to a host that is not loopback", remedy=_URL_REMEDY)
    if parts.fragment or (is_root and parts.query):
        raise UsageError(name, "carries a query or a fragment", remedy="give the URL without it")
    return value.rstrip("/") if is_root else value


def host_of(url: str) -> str:
    """The host of a URL that ``parse_url`` accepted, lower case, without port."""
    return (urlsplit(url).hostname or "").lower()
