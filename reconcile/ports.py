"""The ports a run is driven over, in one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reconcile.clock import Clock
from reconcile.control_plane import ControlPlane, KhalaClient, Outbox
from reconcile.control_plane.outbox import FILE_NAME as OUTBOX_NAME
from reconcile.gateways import Describer, Gateway, OpsHttpGateway
from reconcile.gateways.cloud_preparing import CloudRunTarget
from reconcile.gateways.cloud_run import CloudRunApi
from reconcile.gateways.cloud_run_gateway import CloudRunGateway
from reconcile.journal import FILE_NAME as JOURNAL_NAME
from reconcile.journal import Journal
from reconcile.models import Deployer, Stack
from reconcile.payers import LndRest, Payer, WalletExecutor
from reconcile.probe import Prober, ProbeSettings
from reconcile.settings import Settings


@dataclass(frozen=True, slots=True)
class Ports:
    """Khala, the gateway, who pays (None: nobody), who asks, and where it is written down."""

    control_plane: ControlPlane
    gateway: Gateway
    describer: Describer  # the same gateway
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


def make_ports(
    settings: Settings, stack: Stack, folder: Path, clock: Clock, learn: Callable[[str], None] = lambda _: None
) -> Ports:
    """The adapters of a run: Khala, the ops API, the first payer that is set, the probes, journal and outbox."""
    gateway = make_gateway(settings, clock, learn)
    return Ports(
        control_plane=make_control_plane(settings, clock),
        gateway=gateway,
        describer=gateway,
        payer=_payer(settings),
        prober=make_prober(settings, stack, clock, gateway),
        journal=Journal(folder / JOURNAL_NAME, clock),
        outbox=Outbox(folder / OUTBOX_NAME),
    )


def make_control_plane(settings: Settings, clock: Clock) -> KhalaClient:
    """Khala."""
    return KhalaClient(settings.khala_url, settings.secret, settings.request_id, clock)


def make_prober(settings: Settings, stack: Stack, clock: Clock, gateway: OpsHttpGateway | CloudRunGateway) -> Prober:
    """Who asks the gateway's routes; ``gateway`` is asked for an ID token where one is demanded."""
    return Prober(_probe_settings(settings, stack), clock, gateway.identify)


def make_gateway(
    settings: Settings, clock: Clock, learn: Callable[[str], None] = lambda _: None
) -> OpsHttpGateway | CloudRunGateway:
    """The adapter that the settings name; ``learn`` is told each secret that it meets."""
    if settings.gateway_deployer is Deployer.OPS_HTTP:
        return OpsHttpGateway(settings.gateway_base_url, settings.gateway_ops_token, settings.request_id)
    target = CloudRunTarget(
        service=str(settings.cloud_run_service),
        config_secret=str(settings.cloud_run_config_secret),
        rollout=settings.rollout,
        image=settings.aperture_image,
        keep_deployments=settings.keep_deployments,
        challenge_url=settings.challenge_url,
        health_path=settings.gateway_health_path,
    )
    return CloudRunGateway(make_cloud_api(settings), target, clock, settings.ready_timeout_s, learn)


def make_cloud_api(settings: Settings) -> CloudRunApi:
    """The calls of the Cloud Run deployer."""
    return CloudRunApi(
        str(settings.cloud_run_service),
        str(settings.cloud_run_config_secret),
        settings.cloud_run_endpoint,
        settings.secret_manager_endpoint,
        settings.request_id,
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
