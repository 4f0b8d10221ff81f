"""What a mounted file asks for a request, as Aperture reads it: the first service that matches answers (APERTURE.md). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconcile.compile.base_config import BaseConfigError, load_base_config
from reconcile.compile.patterns import PatternError, compile_re2

CHARGED = ("on", "true", "")
DEFAULT_PRICE_SAT = 1  # of a service without a price, or with 0
# With one of these the price, or whether there is one, depends on more than the file and the path.
_UNDECIDED = ("dynamicprice", "authwhitelistpaths", "authskipinvoicecreationpaths")


@dataclass(frozen=True, slots=True)
class Charge:
    """The service that answers, its price in sat, and its tokens' lifetime in seconds (None: unlimited)."""

    service_name: str
    price_sat: int
    timeout_s: int | None


def charges_of(text: str, requests: Sequence[tuple[str, str]]) -> tuple[Charge | None, ...]:
    """For each request (Host, decoded path) what it is charged; None where the file does not say, or it is free."""
    try:
        services = load_base_config(text).get("services") or []
    except BaseConfigError:
        services = []
    return tuple(_charge(services, host, path) for host, path in requests)


def _charge(services: Sequence[Mapping[str, Any]], host: str, path: str) -> Charge | None:
    try:
        for service in services:
            is_host = compile_re2(service["hostregexp"]).search(host) is not None
            if is_host and compile_re2(service.get("pathregexp") or "").search(path) is not None:
                return _read(service)
    except (PatternError, KeyError, TypeError, AttributeError):
        return None
    return None


def _read(service: Mapping[str, Any]) -> Charge | None:
    price, timeout = service.get("price") or DEFAULT_PRICE_SAT, service.get("timeout") or None
    auth = service.get("auth")  # bare "yes" and "on" are one to a YAML 1.1 reader; Aperture gives the first for nothing
    is_charged = auth is None or (isinstance(auth, str) and auth.lower() in CHARGED)
    are_numbers = type(price) is int and (timeout is None or type(timeout) is int)
    if not is_charged or not are_numbers or any(service.get(key) for key in _UNDECIDED):
        return None
    return Charge(str(service["name"]), price, timeout)
