"""One service of a ``services:`` document as far as it may be shown: its name, patterns, price, upstream, limits.

Everything else in it (``headers`` hold credentials) is only told apart by a digest, never shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from reconcile.compile.readable import readable_host, readable_path
from reconcile.compile.tag_hosts import without_tags
from reconcile.errors import GatewayError

# Aperture's keys that may be shown, and what people call them; in the order of their showing.
SHOWN = {
    "price": "price",
    "hostregexp": "host",
    "pathregexp": "path",
    "address": "upstream",
    "protocol": "protocol",
    "auth": "auth",
    "timeout": "timeout",
    "ratelimits": "limits",
}
_LIMIT = {"requests", "per", "burst"}
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """A service. ``shown``: text by Aperture's key; ``hidden``: digests of what is not shown, by key."""

    name: str
    shown: Mapping[str, str]
    hidden: Mapping[str, str] = field(default_factory=dict)

    @property
    def price_sat(self) -> int | None:
        """The price in satoshis; None when the service has none that can be read."""
        text = self.shown.get("price", "")
        return int(text) if text.isascii() and text.isdigit() else None

    def text_of(self, key: str) -> str:
        """What ``key`` says, for people."""
        text = self.shown.get(key)
        if text is None:
            return "none"
        units = {"price": f"{text} sat", "timeout": f"{text} s"}
        readers = {"hostregexp": readable_host, "pathregexp": readable_path}
        return readers[key](text) if key in readers else units.get(key, text)


def read_services(document: str) -> tuple[ServiceEntry, ...]:
    """The services in match order; host expressions as they were compiled, without the tags that a deploy admits.

    Raises:
        GatewayError: ``config_unreadable``: the document is no list of services.
    """
    try:
        listed = yaml.load(document, Loader=_LOADER)["services"] or []  # noqa: S506 - makes nothing but strings
        return tuple(_entry(service) for service in listed)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError):
        raise GatewayError("the config's services cannot be read", reason="config_unreadable") from None


def _entry(service: Mapping[str, Any]) -> ServiceEntry:
    shown: dict[str, str] = {}
    hidden: dict[str, str] = {}
    for key, value in service.items():
        text = _limits(value) if key == "ratelimits" else value if isinstance(value, str) else None
        if key == "name":
            continue
        if key in SHOWN and text is not None:
            shown[key] = without_tags(text) if key == "hostregexp" else text
        else:
            hidden[str(key)] = hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
    return ServiceEntry(str(service["name"]), shown, hidden)


def _limits(value: Any) -> str | None:
    """``60 per 1m``; None for limits that the compiler does not write."""
    if not isinstance(value, list) or any(not isinstance(limit, dict) or set(limit) != _LIMIT for limit in value):
        return None
    return ", ".join(f"{limit['requests']} per {limit['per']} (burst {limit['burst']})" for limit in value)
