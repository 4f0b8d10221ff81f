"""The words of the contract as types: steps, codes, statuses, rules, deployments.

Sources: RECONCILE.md §2 and §4 (steps, codes, statuses), COMPILE.md (rules, diagnostics),
OPS_API.md (deployments). Amounts are integer millisatoshis unless the name says sat; times are Unix milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from reconcile.paywalls import WireModel
from reconcile.plain import plain


class Step(StrEnum):
    """The steps of a run, in the table's order."""

    SETTINGS = "settings"
    READ = "read"
    COMPILE = "compile"
    INTENT = "intent"
    SNAPSHOT = "snapshot"
    APPLY = "apply"
    ROLLOUT = "rollout"
    HEALTH = "health"
    CHALLENGE = "challenge"
    PROXY = "proxy"
    PROMOTE = "promote"
    CONFIRM = "confirm"
    ROLLBACK = "rollback"


CHECKED_STEPS = (Step.ROLLOUT, Step.HEALTH, Step.CHALLENGE, Step.PROXY)


class FailureCode(StrEnum):
    """The runbook's failure taxonomy (RUNBOOK.md §4)."""

    COMPILE_VALIDATION_FAILED = "compile_validation_failed"
    ACTIVE_LOOKUP_FAILED = "active_lookup_failed"
    DEPLOY_APPLY_FAILED = "deploy_apply_failed"
    HEALTH_CHECK_FAILED = "health_check_failed"
    CHALLENGE_CHECK_FAILED = "challenge_check_failed"
    PROXY_CHECK_FAILED = "proxy_check_failed"
    ROLLBACK_FAILED = "rollback_failed"


FAILURE_CODES: Mapping[Step, FailureCode] = {
    Step.READ: FailureCode.COMPILE_VALIDATION_FAILED,
    Step.COMPILE: FailureCode.COMPILE_VALIDATION_FAILED,
    Step.INTENT: FailureCode.COMPILE_VALIDATION_FAILED,
    Step.SNAPSHOT: FailureCode.ACTIVE_LOOKUP_FAILED,
    Step.APPLY: FailureCode.DEPLOY_APPLY_FAILED,
    Step.ROLLOUT: FailureCode.DEPLOY_APPLY_FAILED,
    Step.HEALTH: FailureCode.HEALTH_CHECK_FAILED,
    Step.CHALLENGE: FailureCode.CHALLENGE_CHECK_FAILED,
    Step.PROXY: FailureCode.PROXY_CHECK_FAILED,
    Step.PROMOTE: FailureCode.DEPLOY_APPLY_FAILED,
    Step.ROLLBACK: FailureCode.ROLLBACK_FAILED,
}


class StepStatus(StrEnum):
    """How a step ended. ``inconclusive`` is no pass: the gateway was not shown to be wrong."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


class DeploymentStatus(StrEnum):
    """Status of a row of ``l402GatewayDeployments``; a run ends in one of the last three."""

    PENDING = "pending"
    APPLIED = "applied"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


class Stack(StrEnum):
    """What the run works on."""

    HOSTED = "hosted"
    EMBEDDED = "embedded"
    REGTEST = "regtest"


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
    """A read of the active deployment: the deployment, or None on an empty gateway, and its ETag."""

    deployment: Deployment | None
    etag: str | None


class Outcome(StrEnum):
    """A verifier's word on one check."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class CheckId(StrEnum):
    """Every check a run must pass, ``<step>.<what>``; one test each in checks/."""

    ROLLOUT_SERVING = "rollout.serving"
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
