"""The run's record. Everything that people and machines read afterwards is a function of it (RECONCILE.md §4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from reconcile.models import (
    CheckId,
    DeploymentStatus,
    FailureCode,
    Finding,
    ProofSource,
    Stack,
    Step,
    StepStatus,
)

SCHEMA_VERSION = 1
EXECUTION_PATH = "hosted-node"

ConfigHash = Annotated[str, Field(pattern=r"^cfg_[0-9a-f]{64}$")]


class SummaryModel(BaseModel):
    """Base of the summary's parts: camelCase on the wire, frozen, nothing unknown."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid", defer_build=True
    )


class StepRecord(SummaryModel):
    """One of the thirteen steps. Times in Unix ms; null when the step did not begin."""

    name: Step
    status: StepStatus
    started_at_ms: int | None = None
    duration_ms: int | None = None
    detail: str | None = None


class Summary(SummaryModel):
    """``summary.json`` and the script's one line (RECONCILE.md §4); amounts in msat."""

    schema_version: int = SCHEMA_VERSION
    ok: bool
    request_id: str
    stack: Stack
    execution_path: str = EXECUTION_PATH
    config_hash: ConfigHash | None
    rule_count: int
    valid: bool
    diagnostics: tuple[dict[str, Any], ...]
    diagnostics_count: int
    deployment_id: str | None
    deployment_status: DeploymentStatus
    health_ok: bool
    challenge_ok: bool
    proxy_ok: bool
    failure_code: FailureCode | None
    failure_reason: str | None
    failure_stage: Step | None
    cause: str | None
    remedy: str | None
    image_digest: str | None
    rolled_back_from: str | None
    rollback_verified: bool | None
    serving_config_hash: str | None
    health_detail: str | None
    proof_source: ProofSource | None
    spent_msats: int
    invoices_minted: int
    records_delivered: bool
    started_at_ms: int
    finished_at_ms: int
    steps: Annotated[tuple[StepRecord, ...], Field(min_length=13, max_length=13)]

    def as_json(self) -> dict[str, Any]:
        """The wire form: camelCase, every key present."""
        return self.model_dump(mode="json", by_alias=True)


@dataclass(frozen=True, slots=True)
class RouteRow:
    """A route in the reports' route table: what it should charge, and what was seen (None = not looked at)."""

    route_id: str  # <paywallId>:<routeId>
    service_name: str
    host_pattern: str
    path_pattern: str
    price_sat: int
    request: str | None = None  # method, host and path that was asked
    status: int | None = None  # HTTP status of the answer
    charged_msat: int | None = None
    payee: str | None = None
    problem: str | None = None  # first problem of any check on this route


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """The one payment of a run. The payment hash is public; the preimage is never here."""

    amount_msat: int
    fee_msat: int
    payment_hash: str
    paid_at_ms: int


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run, concluded or still growing. Holds no secret."""

    summary: Summary
    run_folder: str
    findings: tuple[Finding, ...] = ()
    confirm_findings: tuple[Finding, ...] = ()  # the same check ids on the public URLs, after the traffic moved
    restored_findings: tuple[Finding, ...] = ()  # the same, of the gateway that was put back, by its own config
    missing_checks: tuple[CheckId, ...] = ()  # expected, but without a clean pass
    routes: tuple[RouteRow, ...] = ()
    warnings: tuple[str, ...] = ()
    challenge_url: str = ""
    proxy_url: str = ""
    probe_paywall_id: str | None = None
    probe_owner_id: str | None = None
    quoted_msats: int | None = None
    cap_msats: int | None = None
    payment: PaymentRow | None = None
    exit_code: int = 0
    interrupted_by: str | None = None


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What is known when a run is set up, before anything is contacted."""

    request_id: str
    stack: Stack
    run_folder: str  # absolute; exists
    output_dir: str  # absolute
    started_at_ms: int
