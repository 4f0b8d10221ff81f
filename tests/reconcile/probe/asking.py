"""Rules, settings and challenges for the tests of the probes and of the verifiers."""

from __future__ import annotations

from typing import Any

from reconcile.clock import SystemClock
from reconcile.models import HostKind, Network, PathKind, Rule
from reconcile.probe import Exchange, Prober, ProbeSettings
from tests.reconcile.l402.minting import invoice, mint
from tests.reconcile.probe.gateway import Answer

HOST = "gateway.example"


def rule(name: str = "r_1", **changes: Any) -> Rule:
    """A compiled route of 10 sat; its service is ``pw_1/<name>``."""
    fields: dict[str, Any] = {
        "id": f"pw_1:{name}",
        "service_name": f"pw_1/{name}",
        "paywall_id": "pw_1",
        "route_id": name,
        "owner_id": "owner",
        "host_pattern": HOST,
        "path_pattern": f"/{name}",
        "host_kind": HostKind.EXACT,
        "path_kind": PathKind.EXACT,
        "host_regexp": "",
        "path_regexp": "",
        "upstream_url": "https://upstream.example",
        "protocol": "https",
        "timeout_ms": None,
        "priority": 0,
        "amount_msats": 10_000,
        "price_sat": 10,
    }
    return Rule(**{**fields, **changes})


def challenge_headers(
    name: str = "r_1", *, macaroon: str | None = None, bolt11: str | None = None, caveats: tuple[str, ...] = ()
) -> tuple[tuple[str, str], ...]:
    """Aperture's headers: no-store, LSAT, then L402."""
    token = macaroon or mint((f"services=pw_1/{name}:0", *caveats))
    params = f'macaroon="{token}", invoice="{bolt11 or invoice()}"'
    return (
        ("Cache-Control", "no-store"),
        ("Www-Authenticate", f"LSAT {params}"),
        ("Www-Authenticate", f"L402 {params}"),
    )


def challenge_answer(name: str = "r_1", **changes: Any) -> Answer:
    """Aperture's whole 402."""
    return Answer(402, challenge_headers(name, **changes), b"payment required\n")


def exchange(subject: str = "pw_1:r_1", status: int | None = 402, **changes: Any) -> Exchange:
    """An answer by hand."""
    return Exchange(subject, HOST, "/r_1", status=status, **changes)


def prober(base_url: str, **changes: Any) -> Prober:
    """A prober of a scripted gateway; quick deadlines."""
    fields: dict[str, Any] = {
        "base_url": base_url,
        "challenge_url": f"{base_url}/r_1?q=1",
        "proxy_url": f"{base_url}/r_1",
        "health_path": "/healthz",
        "is_local_stack": True,
        "concurrency": 4,
        "timeout_s": 2.0,
        "request_id": "reconcile:test",
        "unrouted_hosts": "fail",
        "network": Network.REGTEST,
        "node_pubkey": None,
        "token_timeout_s": None,
    }
    return Prober(ProbeSettings(**{**fields, **changes}), SystemClock())
