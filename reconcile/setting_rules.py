"""What must not be set beside something else: half of a payer or a deployer, loopback beside other hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconcile.errors import UsageError
from reconcile.models import Deployer, Rollout
from reconcile.setting_values import PREFIX, WALLET_PREFIX
from reconcile.urls import host_of, is_loopback_host

if TYPE_CHECKING:
    from reconcile.settings import Settings

GOOGLE_RUN, GOOGLE_SECRETS = "https://run.googleapis.com", "https://secretmanager.googleapis.com"
MAX_TAG_AND_SERVICE, TAG_ROOM = 46, 12  # Cloud Run's limit for both together (CLOUD_RUN.md §1); what our tag takes


def refuse_contradictions(settings: Settings) -> None:
    """Raise UsageError for the first setting that does not go with the others."""
    _refuse_half_payer(settings)
    _refuse_half_cloud_run(settings)
    _refuse_mixed_hosts(settings)


def _refuse_half_cloud_run(settings: Settings) -> None:
    """The Cloud Run deployer needs its service and its config secret, and room for a tag of ours."""
    if settings.gateway_deployer is not Deployer.CLOUD_RUN:
        return
    if settings.cloud_run_service is None:
        remedy = "set it to projects/P/locations/L/services/S"
        raise UsageError(PREFIX + "CLOUD_RUN_SERVICE", "is not set", remedy=remedy)
    if settings.cloud_run_config_secret is None:
        remedy = "set it to projects/P/secrets/N, the secret that holds the whole Aperture config"
        raise UsageError(PREFIX + "CLOUD_RUN_CONFIG_SECRET", "is not set", remedy=remedy)
    name = settings.cloud_run_service.rsplit("/", 1)[-1]
    if settings.rollout is Rollout.CANDIDATE and len(name) > MAX_TAG_AND_SERVICE - TAG_ROOM:
        problem = f"names a service of more than {MAX_TAG_AND_SERVICE - TAG_ROOM} characters: no tag fits beside it"
        raise UsageError(PREFIX + "CLOUD_RUN_SERVICE", problem, remedy="use ROLLOUT=direct, or a shorter name")


def _refuse_half_payer(settings: Settings) -> None:
    """An LND payer needs its macaroon, a wallet token its wallet; half of a payer is a forgotten variable."""
    if settings.lnd_rest_url and not settings.lnd_macaroon_hex:
        raise UsageError(PREFIX + "PAYER_LND_MACAROON_HEX", "is not set", remedy="set it beside PAYER_LND_REST_URL")
    if settings.lnd_macaroon_hex and not settings.lnd_rest_url:
        raise UsageError(PREFIX + "PAYER_LND_REST_URL", "is not set", remedy="set it beside PAYER_LND_MACAROON_HEX")
    if settings.wallet_token and not settings.wallet_url:
        raise UsageError(WALLET_PREFIX + "BASE_URL", "is not set", remedy="set it beside its AUTH_TOKEN")


def _refuse_mixed_hosts(settings: Settings) -> None:
    """A forgotten variable must not send a test's deploy to the customer's gateway."""
    urls = {
        PREFIX + "KHALA_URL": settings.khala_url,
        PREFIX + "GATEWAY_BASE_URL": settings.gateway_base_url,
        PREFIX + "CHALLENGE_URL": settings.challenge_url,
        PREFIX + "PROXY_URL": settings.proxy_url,
        WALLET_PREFIX + "BASE_URL": settings.wallet_url,
        PREFIX + "PAYER_LND_REST_URL": settings.lnd_rest_url,
        PREFIX + "CLOUD_RUN_ENDPOINT": settings.cloud_run_endpoint,
        PREFIX + "SECRET_MANAGER_ENDPOINT": settings.secret_manager_endpoint,
    }
    if settings.gateway_deployer is Deployer.CLOUD_RUN:
        for name, default in (("CLOUD_RUN_ENDPOINT", GOOGLE_RUN), ("SECRET_MANAGER_ENDPOINT", GOOGLE_SECRETS)):
            urls[PREFIX + name] = urls[PREFIX + name] or default
    local = [name for name, url in urls.items() if url and is_loopback_host(host_of(url))]
    remote = [name for name, url in urls.items() if url and not is_loopback_host(host_of(url))]
    if local and remote:
        problem = f"is not loopback (or is left at its default) while {local[0]} is"
        raise UsageError(remote[0], problem, remedy="set every URL to loopback, or none")
