"""The ports a run is driven over, in one value."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reconcile.clock import Clock
from reconcile.control_plane import ControlPlane, KhalaClient, Outbox
from reconcile.control_plane.outbox import FILE_NAME as OUTBOX_NAME
from reconcile.errors import UsageError
from reconcile.gateways import Gateway, OpsHttpGateway
from reconcile.journal import FILE_NAME as JOURNAL_NAME
from reconcile.journal import Journal
from reconcile.models import Deployer, Stack
from reconcile.payers import LndRest, Payer, WalletExecutor
from reconcile.probe import Prober, ProbeSettings
from reconcile.settings import PREFIX, Settings


@dataclass(frozen=True, slots=True)
class Ports:
    """Khala, the gateway, who pays (None: nobody), who asks, and where it is written down."""

    control_plane: ControlPlane
    gateway: Gateway
    payer: Payer | None
    prober: Prober
    journal: Journal
    outbox: Outbox

    def close(self) -> None:
        """Close every connection; safe to call twice."""
        self.control_plane.close()
        self.gateway.close()
        self.journal.close()
        if self.payer is not None:
            self.payer.close()


def make_ports(settings: Settings, stack: Stack, folder: Path, clock: Clock) -> Ports:
    """The adapters of a run: Khala, the ops API, the first payer that is set, the probes, journal and outbox."""
    if settings.gateway_deployer is Deployer.CLOUD_RUN:
        raise UsageError(PREFIX + "GATEWAY_DEPLOYER", "asks for what is not built yet", remedy="use ops-http")
    return Ports(
        control_plane=KhalaClient(settings.khala_url, settings.secret, settings.request_id, clock),
        gateway=OpsHttpGateway(settings.gateway_base_url, settings.gateway_ops_token, settings.request_id),
        payer=_payer(settings),
        prober=Prober(_probe_settings(settings, stack), clock),
        journal=Journal(folder / JOURNAL_NAME, clock),
        outbox=Outbox(folder / OUTBOX_NAME),
    )


def _payer(settings: Settings) -> Payer | None:
    """LND before the wallet executor (RECONCILE.md §3)."""
    if settings.lnd_rest_url is not None and settings.lnd_macaroon_hex is not None:
        return LndRest(settings.lnd_rest_url, settings.lnd_macaroon_hex, settings.lnd_tls_cert)
    if settings.wallet_url is not None:
        return WalletExecutor(settings.wallet_url, settings.wallet_token, settings.wallet_timeout_s)
    return None


def _probe_settings(settings: Settings, stack: Stack) -> ProbeSettings:
    return ProbeSettings(
        base_url=settings.gateway_base_url,
        challenge_url=settings.challenge_url,
        proxy_url=settings.proxy_url,
        health_path=settings.gateway_health_path,
        is_local_stack=stack is not Stack.HOSTED,
        concurrency=settings.probe_concurrency,
        timeout_s=settings.probe_timeout_s,
        request_id=settings.request_id,
        unrouted_hosts=settings.unrouted_hosts,
        network=settings.lightning_network,
        node_pubkey=settings.lnd_node_pubkey,
        token_timeout_s=settings.token_timeout_s,
    )
