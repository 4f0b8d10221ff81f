"""Upstream URLs: what can be expressed, and what must not be reached (COMPILE.md). No DNS is asked."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
FORBIDDEN_NAMES = ("localhost", "metadata.google.internal")
FORBIDDEN_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::/128",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*\.?")


@dataclass(frozen=True, slots=True)
class Upstream:
    """An upstream as Aperture takes it: ``address`` host:port, and the path that becomes ``rewrite.prefix``."""

    host: str
    address: str
    prefix: str | None


@lru_cache(maxsize=65536)
def parse_upstream(url: str, protocol: str | None) -> Upstream:
    """The upstream's address and prefix.

    Raises:
        ValueError: empty, unparsable, another scheme than ``protocol``, userinfo, query or fragment; the text says which.
    """
    parts, port = _split(url)
    host = parts.hostname or ""
    if parts.scheme not in DEFAULT_PORTS or not host:
        raise ValueError("is no http(s) URL")
    if protocol in DEFAULT_PORTS and parts.scheme != protocol:
        raise ValueError(f"has scheme {parts.scheme}, the route's protocol is {protocol}")
    if parts.username is not None or parts.password is not None:
        raise ValueError("carries userinfo")
    if parts.query or parts.fragment or url.strip().endswith(("?", "#")):
        raise ValueError("carries a query or a fragment")
    is_ipv6 = ":" in host
    if not (_is_ipv6(host) if is_ipv6 else _NAME.fullmatch(host)):
        raise ValueError("has no host that can be expressed")
    address = f"[{host}]" if is_ipv6 else host
    prefix = parts.path.rstrip("/") or None
    return Upstream(host, f"{address}:{port or DEFAULT_PORTS[parts.scheme]}", prefix)


def _split(url: str) -> tuple[SplitResult, int | None]:
    text = url.strip()
    if not text:
        raise ValueError("is empty")
    if any(not "!" <= character <= "~" for character in text):
        raise ValueError("has a space, a control or a non-ASCII character")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError("is no URL") from None
    if port == 0:
        raise ValueError("has port 0")
    return parts, port


def _is_ipv6(host: str) -> bool:
    try:
        return bool(ipaddress.IPv6Address(host.split("%", 1)[0]))
    except ValueError:
        return host == "::"


def is_forbidden(host: str) -> bool:
    """True for loopback, private, link-local and metadata hosts, in every spelling a resolver takes for one."""
    name = host.rstrip(".").lower()
    if name in FORBIDDEN_NAMES or name.endswith(".localhost"):
        return True
    address = _address(name)
    if address is None:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or _low_ipv4(address)
        if inner is not None:
            address = inner
    return any(address in network for network in FORBIDDEN_NETWORKS if network.version == address.version)


def _low_ipv4(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside ``::a.b.c.d`` and ``64:ff9b::a.b.c.d``; ``::`` and ``::1`` are IPv6's own."""
    value = int(address)
    if value >> 32 in (0, 0x64FF9B << 64) and value > 1:
        return ipaddress.IPv4Address(value & 0xFFFFFFFF)
    return None


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that ``name`` spells; decimal, octal, hexadecimal and short IPv4 forms included, as inet_aton reads them."""
    if ":" in name:
        return ipaddress.IPv6Address(name.split("%", 1)[0])
    try:
        return ipaddress.IPv4Address(socket.inet_aton(name))
    except OSError:
        return None
