"""The words of the contract as types: steps, codes, statuses, rules, deployments.

Sources: RECONCILE.md §2 and §4 (steps, codes, statuses), COMPILE.md (rules, diagnostics),
OPS_API.md (deployments). Amounts are integer millisatoshis unless the name says sat; times are Unix milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from reconcile.comparison import Comparison as Comparison
from reconcile.comparison import Sameness as Sameness
from reconcile.paywalls import WireModel
from reconcile.plain import plain
from reconcile.service_tuple import ServiceTuple
from reconcile.steps import CHECKED_STEPS as CHECKED_STEPS
from reconcile.steps import FAILURE_CODES as FAILURE_CODES
from reconcile.steps import DeploymentStatus as DeploymentStatus
from reconcile.steps import FailureCode as FailureCode
from reconcile.steps import Step as Step
from reconcile.steps import StepStatus as StepStatus


class Stack(StrEnum):
    """What the run works on."""

    HOSTED = "hosted"
    EMBEDDED = "embedded"
    REGTEST = "regtest"


class Deployer(StrEnum):
    """Which adapter drives the gateway."""

    OPS_HTTP = "ops-http"
    CLOUD_RUN = "cloud-run"


class Rollout(StrEnum):
    """Whether the checks come before the traffic moves (RECONCILE.md §1, ROLLOUT)."""

    CANDIDATE = "candidate"
    DIRECT = "direct"


class Network(StrEnum):
    """Lightning network of every invoice, with its BOLT11 prefix in ``INVOICE_PREFIXES``."""

    MAINNET = "mainnet"
    TESTNET = "testnet"
    SIGNET = "signet"
    REGTEST = "regtest"


class ProofSource(StrEnum):
    """Where the paid proof came from, the first that is set (RECONCILE.md §3)."""

    PREPAID_HEADER = "prepaid_header"
    LND = "lnd"
    WALLET_EXECUTOR = "wallet_executor"
    SMOKE_HEADER = "smoke_header"


class Severity(StrEnum):
    """Weight of a diagnostic: an error stops the deployment."""

    ERROR = "error"
    WARN = "warn"


class Diagnostic(BaseModel):
    """One finding of the compiler (COMPILE.md, "Diagnostics")."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    code: str
    severity: Severity
    message: str
    paywall_id: str | None = None
    route_id: str | None = None
    related_route_id: str | None = None
    details: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """The wire form: camelCase, absent keys left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class PathKind(StrEnum):
    """Kinds of path pattern (COMPILE.md, "Selection and normalisation")."""

    EXACT = "exact"
    PREFIX = "prefix"
    GLOB = "glob"
    REGEXP = "regexp"
    CATCH_ALL = "catch_all"


class HostKind(StrEnum):
    """Kinds of host pattern."""

    EXACT = "exact"
    WILDCARD = "wildcard"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled route. ``host_regexp`` and ``path_regexp`` are the anchored RE2 expressions that Aperture gets."""

    id: str  # <paywallId>:<routeId>
    service_name: str  # <paywallId>/<routeId>
    paywall_id: str
    route_id: str
    owner_id: str
    host_pattern: str  # normalised
    path_pattern: str  # normalised
    host_kind: HostKind
    path_kind: PathKind
    host_regexp: str
    path_regexp: str
    upstream_url: str
    protocol: Literal["http", "https"]
    timeout_ms: int | None
    priority: int
    amount_msats: int  # what the paywall asks
    price_sat: int  # what Aperture charges


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the compiler answers. ``rules`` are in match order: the first that matches a request answers it."""

    rules: tuple[Rule, ...]
    suspended: tuple[Rule, ...]  # routes of suspended paywalls that could be expressed: they must not be served
    diagnostics: tuple[Diagnostic, ...]
    aperture_yaml: str  # the services: document; "" when there is an error diagnostic
    config_hash: str | None  # cfg_ + 64 hex over aperture_yaml's UTF-8 bytes; None when not valid
    snapshot_hash: str  # cfg_ + 64 hex over the canonical JSON of the paywalls

    @property
    def is_valid(self) -> bool:
        """True when nothing stops the deployment."""
        return not any(d.severity is Severity.ERROR for d in self.diagnostics)


class Deployment(WireModel):
    """What serves, by the gateway's own word (OPS_API.md)."""

    deployment_id: str = Field(min_length=1, max_length=512)
    config_hash: str = Field(min_length=1, max_length=512)
    image_digest: str | None = Field(default=None, max_length=512)


@dataclass(frozen=True, slots=True)
class ActiveDeployment:
    """A read of the active deployment: the deployment, or None on an empty gateway, and its ETag.

    ``saved``: on Cloud Run the whole that a rollback puts back.
    """

    deployment: Deployment | None
    etag: str | None
    saved: ServiceTuple | None = None


class Outcome(StrEnum):
    """A verifier's word on one check."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class CheckId(StrEnum):
    """Every check a run must pass, ``<step>.<what>``; one test each in checks/."""

    ROLLOUT_SERVING = "rollout.serving"
    ROLLOUT_IMAGE_PINNED = "rollout.image_pinned"
    ROLLOUT_CONFIG_PINNED = "rollout.config_pinned"
    ROLLOUT_CREDENTIALS = "rollout.credentials"
    ROLLOUT_LOG_LEVEL = "rollout.log_level"
    ROLLOUT_REPLAY = "rollout.replay"
    ROLLOUT_DATABASE = "rollout.database"
    ROLLOUT_TAGS = "rollout.tags"
    ROLLOUT_HEALTH_PATH = "rollout.health_path"
    HEALTH_ANSWERS = "health.answers"
    CHALLENGE_STATUS = "challenge.status"
    CHALLENGE_NO_STORE = "challenge.no_store"
    CHALLENGE_NO_UPSTREAM_BYTES = "challenge.no_upstream_bytes"
    CHALLENGE_SCHEMES = "challenge.schemes"
    CHALLENGE_MACAROON = "challenge.macaroon"
    CHALLENGE_INVOICE = "challenge.invoice"
    CHALLENGE_PAYMENT_HASH = "challenge.payment_hash"
    CHALLENGE_AMOUNT = "challenge.amount"
    CHALLENGE_NETWORK = "challenge.network"
    CHALLENGE_EXPIRY = "challenge.expiry"
    CHALLENGE_PAYEE = "challenge.payee"
    CHALLENGE_SERVICE = "challenge.service"
    CHALLENGE_VALID_UNTIL = "challenge.valid_until"
    CHALLENGE_FRESH = "challenge.fresh"
    CHALLENGE_SUSPENDED = "challenge.suspended"
    PROXY_NO_CREDENTIAL = "proxy.no_credential"
    PROXY_ZERO_PREIMAGE = "proxy.zero_preimage"
    PROXY_RANDOM_PREIMAGE = "proxy.random_preimage"
    PROXY_SERVED = "proxy.served"
    PROXY_REUSED = "proxy.reused"
    PROXY_TAMPERED_SIGNATURE = "proxy.tampered_signature"
    PROXY_TAMPERED_CAVEAT = "proxy.tampered_caveat"
    PROXY_FOREIGN = "proxy.foreign"

    @property
    def step(self) -> Step:
        """The step that this check decides."""
        return Step(self.value.split(".", 1)[0])


def expected_checks(deployer: Deployer) -> tuple[CheckId, ...]:
    """The checks that a run must pass: what only Cloud Run's API can show is asked of Cloud Run alone."""
    of_ops = (check for check in CheckId if check.step is not Step.ROLLOUT or check is CheckId.ROLLOUT_SERVING)
    return tuple(CheckId) if deployer is Deployer.CLOUD_RUN else tuple(of_ops)


@dataclass(frozen=True, slots=True)
class Problem:
    """One route or request that is wrong: what was got and what was expected. No secret in either."""

    subject: str  # route id, or what was asked
    reason: str
    got: str
    expected: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A verifier's verdict on one check, over all routes in scope."""

    check: CheckId
    outcome: Outcome
    reason: str | None = None  # the first problem's; None when passed
    problems: tuple[Problem, ...] = ()
    remedy: str | None = None
    detail: str | None = None  # what was looked at, e.g. "7 routes"

    @property
    def message(self) -> str:
        """For people: got, expected and remedy, at most the first 20 problems."""
        lines = [f"{self.check}: {self.outcome}" + (f", reason {self.reason}" if self.reason else "")]
        lines += [plain(f"  {p.subject}: got {p.got}, expected {p.expected} [{p.reason}]") for p in self.problems[:20]]
        if len(self.problems) > 20:
            lines.append(f"  and {len(self.problems) - 20} more, all in the record")
        if self.remedy:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)
