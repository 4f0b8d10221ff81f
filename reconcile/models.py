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

from reconcile.choices import Deployer as Deployer
from reconcile.choices import Network as Network
from reconcile.choices import Rollout as Rollout
from reconcile.choices import Stack as Stack
from reconcile.comparison import Comparison as Comparison
from reconcile.comparison import Sameness as Sameness
from reconcile.findings import CheckId as CheckId
from reconcile.findings import Finding as Finding
from reconcile.findings import Outcome as Outcome
from reconcile.findings import Problem as Problem
from reconcile.paywalls import WireModel
from reconcile.service_tuple import ServiceTuple
from reconcile.steps import CHECKED_STEPS as CHECKED_STEPS
from reconcile.steps import FAILURE_CODES as FAILURE_CODES
from reconcile.steps import DeploymentStatus as DeploymentStatus
from reconcile.steps import FailureCode as FailureCode
from reconcile.steps import Step as Step
from reconcile.steps import StepStatus as StepStatus


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

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, defer_build=True)

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


def expected_checks(deployer: Deployer) -> tuple[CheckId, ...]:
    """The checks that a run must pass: what only Cloud Run's API can show is asked of Cloud Run alone."""
    of_ops = (check for check in CheckId if check.step is not Step.ROLLOUT or check is CheckId.ROLLOUT_SERVING)
    return tuple(CheckId) if deployer is Deployer.CLOUD_RUN else tuple(of_ops)
