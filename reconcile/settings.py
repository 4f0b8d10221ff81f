"""The settings of a run (RECONCILE.md §1): a mapping in, one frozen value out, or one UsageError naming the variable.

Nothing is contacted here. Values are never echoed: any of them may hold a secret by mistake.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from pydantic import SecretStr

from reconcile.clock import Clock
from reconcile.errors import UsageError
from reconcile.models import Deployer, Network, Rollout, Stack
from reconcile.setting_rules import refuse_contradictions
from reconcile.setting_values import PREFIX, WALLET_PREFIX, Reader

DEFAULT_GATEWAY = "https://l402.openagents.com"
DEFAULT_CHALLENGE = "https://l402.openagents.com/staging"
__all__ = ["PREFIX", "WALLET_PREFIX", "Settings", "choose_stack", "new_request_id", "peek_request_id", "read_settings"]
REQUEST_ID_PATTERN = re.compile(r"[!-~]{1,90}")

# What a local stack supplies itself; any of these beside it is a usage error.
SUPPLIED_BY_LOCAL_STACK = (
    "KHALA_URL",
    "SECRET",
    "GATEWAY_BASE_URL",
    "CHALLENGE_URL",
    "PROXY_URL",
    "GATEWAY_OPS_TOKEN",
    "GATEWAY_DEPLOYER",
    "PROXY_AUTHORIZATION_HEADER",
    "CLOUD_RUN_SERVICE",
    "CLOUD_RUN_CONFIG_SECRET",
    "CLOUD_RUN_ENDPOINT",
    "SECRET_MANAGER_ENDPOINT",
    "APERTURE_IMAGE",
    "LIGHTNING_NETWORK",
    "LND_NODE_PUBKEY",
    "ALLOW_PRIVATE_UPSTREAMS",
    "PAYER_LND_REST_URL",
    "PAYER_LND_MACAROON_HEX",
    "PAYER_LND_TLS_CERT",
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a run is told. URLs without trailing slash where they are roots; secrets never in the repr."""

    khala_url: str
    secret: SecretStr
    gateway_base_url: str
    challenge_url: str
    proxy_url: str
    gateway_ops_token: SecretStr | None
    gateway_health_path: str
    gateway_deployer: Deployer
    cloud_run_service: str | None  # projects/P/locations/L/services/S
    cloud_run_config_secret: str | None  # projects/P/secrets/N
    cloud_run_endpoint: str | None  # None: Google's
    secret_manager_endpoint: str | None
    rollout: Rollout
    aperture_image: str | None  # …@sha256:<64 hex>; None: the active revision's
    keep_deployments: int
    proxy_authorization_header: SecretStr | None
    ready_timeout_s: float
    max_spend_msats: int
    challenge_scope: int | Literal["all"]  # "probe" is 1
    probe_concurrency: int
    probe_timeout_s: float
    max_invoices: int
    unrouted_hosts: Literal["fail", "report"]
    lightning_network: Network
    lnd_node_pubkey: str | None
    allow_private_upstreams: bool
    sub_sat_amounts: Literal["error", "ceil"]
    token_timeout_s: int | None
    request_id: str
    output_dir: str
    wallet_url: str | None
    wallet_token: SecretStr | None
    wallet_timeout_s: float
    lnd_rest_url: str | None
    lnd_macaroon_hex: SecretStr | None
    lnd_tls_cert: str | None = field(default=None, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret value, for the redactor."""
        held = (
            self.secret,
            self.gateway_ops_token,
            self.proxy_authorization_header,
            self.wallet_token,
            self.lnd_macaroon_hex,
        )
        return tuple(s.get_secret_value() for s in held if s is not None)

    @property
    def gateway_id(self) -> str:
        """What is deployed to: the Cloud Run service's name, or the gateway's base URL."""
        is_cloud_run = self.gateway_deployer is Deployer.CLOUD_RUN
        return self.cloud_run_service if is_cloud_run and self.cloud_run_service else self.gateway_base_url


def new_request_id(clock: Clock) -> str:
    """``reconcile:<utc timestamp>-<random>``."""
    stamp = datetime.fromtimestamp(clock.now_ms() / 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
    return f"reconcile:{stamp}-{clock.random_bytes(4).hex()}"


def choose_stack(
    env: Mapping[str, str], wanted: str | None, *, is_interactive: bool, may_be_local: bool = True
) -> Stack:
    """Which stack a run works on (RECONCILE.md §1, "Which stack").

    Args:
        env: the environment. wanted: the value of ``--stack``, or None.
        is_interactive: stdin and stdout are terminals. may_be_local: False for the runbook's script.
    Raises:
        UsageError: a local stack beside ``KHALA_URL`` or another variable that it supplies, or nothing configured.
    """
    reader = Reader(env)
    if wanted is not None:
        if not may_be_local:
            raise UsageError("--stack", "the script runs against hosted staging only", remedy="call pytest instead")
        if wanted not in (Stack.EMBEDDED, Stack.REGTEST):
            raise UsageError("--stack", "is no local stack", remedy="use --stack=embedded or --stack=regtest")
        refuse_supplied(env)
        return Stack(wanted)
    if reader.get(PREFIX + "KHALA_URL"):
        return Stack.HOSTED
    if may_be_local and is_interactive and not env.get("CI"):
        refuse_supplied(env)
        return Stack.EMBEDDED
    raise UsageError(
        PREFIX + "KHALA_URL", "is not set", remedy="set it to Khala's base URL, or name a local stack: --stack=embedded"
    )


def refuse_supplied(env: Mapping[str, str]) -> None:
    """Raise UsageError when the environment sets what a local stack supplies itself."""
    names = [PREFIX + name for name in SUPPLIED_BY_LOCAL_STACK]
    names += sorted(name for name in env if name.startswith(WALLET_PREFIX))
    reader = Reader(env)
    for name in names:
        if reader.get(name) is not None:
            raise UsageError(name, "is set beside a local stack, which supplies it", remedy="unset it or drop --stack")


def read_settings(env: Mapping[str, str], clock: Clock) -> Settings:
    """All settings, checked; see ``Settings``.

    Raises:
        UsageError: the first variable that is wrong, what it must look like, or loopback mixed with other hosts.
    """
    reader = Reader(env)
    settings = _read(reader, clock)
    refuse_contradictions(settings)
    return settings


def _read(reader: Reader, clock: Clock) -> Settings:
    """Each setting by itself."""
    return Settings(
        khala_url=reader.required(PREFIX + "KHALA_URL", reader.khala_url(PREFIX + "KHALA_URL")),
        secret=reader.required(PREFIX + "SECRET", reader.secret(PREFIX + "SECRET")),
        gateway_base_url=reader.url(PREFIX + "GATEWAY_BASE_URL", is_root=True) or DEFAULT_GATEWAY,
        challenge_url=reader.url(PREFIX + "CHALLENGE_URL") or DEFAULT_CHALLENGE,
        proxy_url=reader.url(PREFIX + "PROXY_URL") or DEFAULT_CHALLENGE,
        gateway_ops_token=reader.secret(PREFIX + "GATEWAY_OPS_TOKEN"),
        gateway_health_path=reader.path(PREFIX + "GATEWAY_HEALTH_PATH", "/healthz"),
        gateway_deployer=(deployer := _deployer(reader)),
        cloud_run_service=reader.resource(PREFIX + "CLOUD_RUN_SERVICE", "projects/P/locations/L/services/S"),
        cloud_run_config_secret=reader.resource(PREFIX + "CLOUD_RUN_CONFIG_SECRET", "projects/P/secrets/N"),
        cloud_run_endpoint=reader.url(PREFIX + "CLOUD_RUN_ENDPOINT", is_root=True),
        secret_manager_endpoint=reader.url(PREFIX + "SECRET_MANAGER_ENDPOINT", is_root=True),
        rollout=_rollout(reader, deployer),
        aperture_image=reader.pinned_image(PREFIX + "APERTURE_IMAGE"),
        keep_deployments=reader.integer(PREFIX + "KEEP_DEPLOYMENTS", 5, 2, 1000),
        proxy_authorization_header=reader.credential(PREFIX + "PROXY_AUTHORIZATION_HEADER"),
        ready_timeout_s=reader.number(PREFIX + "READY_TIMEOUT_S", 30, 0, 3600),
        max_spend_msats=reader.integer(PREFIX + "MAX_SPEND_MSATS", 100_000, 0, 10**15),
        challenge_scope=reader.scope(PREFIX + "CHALLENGE_SCOPE"),
        probe_concurrency=reader.integer(PREFIX + "PROBE_CONCURRENCY", 16, 1, 1024),
        probe_timeout_s=reader.number(PREFIX + "PROBE_TIMEOUT_S", 10, 0.01, 600),
        max_invoices=reader.integer(PREFIX + "MAX_INVOICES", 5000, 0, 10**9),
        unrouted_hosts="report" if reader.choice(PREFIX + "UNROUTED_HOSTS", ("fail", "report")) == "report" else "fail",
        lightning_network=Network(reader.choice(PREFIX + "LIGHTNING_NETWORK", tuple(Network))),
        lnd_node_pubkey=reader.pubkey(PREFIX + "LND_NODE_PUBKEY"),
        allow_private_upstreams=reader.flag(PREFIX + "ALLOW_PRIVATE_UPSTREAMS"),
        sub_sat_amounts="ceil" if reader.choice(PREFIX + "SUB_SAT_AMOUNTS", ("error", "ceil")) == "ceil" else "error",
        token_timeout_s=reader.optional_integer(PREFIX + "TOKEN_TIMEOUT_S", 1, 10**9),
        request_id=_request_id(reader, clock),
        output_dir=reader.get(PREFIX + "OUTPUT_DIR") or "output",
        wallet_url=reader.url(WALLET_PREFIX + "BASE_URL", is_root=True),
        wallet_token=reader.secret(WALLET_PREFIX + "AUTH_TOKEN"),
        wallet_timeout_s=reader.integer(WALLET_PREFIX + "TIMEOUT_MS", 30_000, 1, 3_600_000) / 1000,
        lnd_rest_url=reader.url(PREFIX + "PAYER_LND_REST_URL", is_root=True),
        lnd_macaroon_hex=reader.hex_secret(PREFIX + "PAYER_LND_MACAROON_HEX"),
        lnd_tls_cert=reader.certificate(PREFIX + "PAYER_LND_TLS_CERT"),
    )


def peek_request_id(env: Mapping[str, str], clock: Clock) -> str:
    """The request id that the environment asks for, if it is one, else a new one; never raises."""
    try:
        return _request_id(Reader(env), clock)
    except UsageError:
        return new_request_id(clock)


def unknown_settings(env: Mapping[str, str]) -> tuple[str, ...]:
    """Variables with our prefix that no setting reads: a misspelt name, most likely."""
    known = {PREFIX + name.upper() for name in Settings.__slots__} | set(OTHER_NAMES)
    return tuple(sorted(name for name in env if name.startswith(PREFIX) and name not in known))


OTHER_NAMES = tuple(
    PREFIX + name
    for name in (
        *SUPPLIED_BY_LOCAL_STACK,
        "GATEWAY_HEALTH_PATH",
        "ROLLOUT",
        "REQUEST_ID",
    )
)


def _request_id(reader: Reader, clock: Clock) -> str:
    value = reader.get(PREFIX + "REQUEST_ID")
    if value is None:
        return new_request_id(clock)
    if not REQUEST_ID_PATTERN.fullmatch(value):
        raise UsageError(PREFIX + "REQUEST_ID", "is malformed", remedy="give 1 to 90 characters from ! to ~")
    return value


def _deployer(reader: Reader) -> Deployer:
    """``cloud-run`` where a service is named and nothing else is said."""
    by_default = Deployer.CLOUD_RUN if reader.get(PREFIX + "CLOUD_RUN_SERVICE") else Deployer.OPS_HTTP
    others = [deployer for deployer in Deployer if deployer is not by_default]
    return Deployer(reader.choice(PREFIX + "GATEWAY_DEPLOYER", (by_default, *others)))


def _rollout(reader: Reader, deployer: Deployer) -> Rollout:
    """The ops API has no way to hold a candidate back."""
    if deployer is Deployer.CLOUD_RUN:
        return Rollout(reader.choice(PREFIX + "ROLLOUT", (Rollout.CANDIDATE, Rollout.DIRECT)))
    if reader.choice(PREFIX + "ROLLOUT", (Rollout.DIRECT, Rollout.CANDIDATE)) == Rollout.CANDIDATE:
        raise UsageError(PREFIX + "ROLLOUT", "asks for more than the ops API can do", remedy="use direct, or unset it")
    return Rollout.DIRECT
