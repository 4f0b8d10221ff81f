"""Which hosts a policy allows (COMPILE.md, ``host_not_allowed``)."""

from __future__ import annotations

from reconcile.models import HostKind
from reconcile.paywalls import Policy


def host_problem(host: str, kind: HostKind, policy: Policy) -> str | None:
    """Why the route's host is not allowed, or None."""
    blocked = [_clean(entry) for entry in policy.blocked_hosts or ()]
    hit = next((entry for entry in blocked if _meets(host, kind, entry)), None)
    if hit is not None:
        return "the host is, or reaches, a blocked one"
    if policy.allowed_hosts is None:
        return None
    if any(_contains(_clean(entry), host, kind) for entry in policy.allowed_hosts):
        return None
    return "the host is, or reaches, one that is not allowed"


def _clean(entry: str) -> str:
    return entry.strip().lower()


def _contains(entry: str, host: str, kind: HostKind) -> bool:
    """True when every host of the pattern ``host`` is one of ``entry``'s."""
    if entry == "*":
        return True
    if kind is HostKind.ANY:
        return False
    if kind is HostKind.WILDCARD:
        return entry.startswith("*.") and f".{host[2:]}".endswith(entry[1:])
    return host == entry or (entry.startswith("*.") and host.endswith(entry[1:]))


def _meets(host: str, kind: HostKind, entry: str) -> bool:
    """True when some host is both the route's and the entry's."""
    if entry == "*" or kind is HostKind.ANY:
        return True
    if kind is HostKind.EXACT:
        return _contains(entry, host, kind)
    if entry.startswith("*."):
        return f".{host[2:]}".endswith(entry[1:]) or entry.endswith(host[1:])
    return entry.endswith(host[1:])
