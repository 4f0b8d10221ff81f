"""What a run knows so far, and the record that is a function of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import SecretStr

from reconcile.judge import Attempt, Failure, StepVerdict
from reconcile.machine import Event, Phase, advance
from reconcile.models import (
    CheckId,
    Compiled,
    Deployment,
    Finding,
    ProofSource,
    Rule,
    Stack,
    Step,
    StepStatus,
    expected_checks,
)
from reconcile.names import deployment_id
from reconcile.record import PaymentRow, RouteRow
from reconcile.restore import RestoreOutcome
from reconcile.service_tuple import ServiceTuple
from reconcile.settings import Settings

if TYPE_CHECKING:
    from reconcile.planning import RunPlan  # the compiler behind it is not needed to collect


@dataclass(slots=True)
class Timing:
    """When a step began (Unix ms), how long it took, and what it has to say."""

    started_at_ms: int | None = None
    duration_ms: int | None = None
    detail: str | None = None


@dataclass(slots=True)
class RunState:
    """The one mutable object of a run; only ``Conduct`` and its parts write it."""

    settings: Settings
    stack: Stack
    run_folder: str
    started_at_ms: int
    phase: Phase = Phase.NEW
    has_opened: bool = False  # the apply was sent, and not refused
    is_apply_unsettled: bool = False  # the apply was broken off: it may still take effect
    timings: dict[Step, Timing] = field(default_factory=lambda: defaultdict(Timing))
    errors: dict[Step, Failure] = field(default_factory=dict)
    statuses: dict[Step, StepStatus] = field(default_factory=lambda: {Step.SETTINGS: StepStatus.PASSED})
    findings: dict[CheckId, Finding] = field(default_factory=dict)
    attempts: dict[CheckId, list[Attempt]] = field(default_factory=lambda: defaultdict(list))
    verdicts: dict[Step, StepVerdict] = field(default_factory=dict)
    compiled: Compiled | None = None
    plan: RunPlan | None = None
    remembered_probe: Rule | None = None  # of a run that is finished from its journal, without a plan
    snapshot: Deployment | None = None
    snapshot_etag: str | None = None
    saved: ServiceTuple | None = None  # the snapshot's whole, on Cloud Run
    is_forced: bool = False  # a config that failed before is tried again
    candidate_url: str | None = None  # where the checks ask until the traffic moves
    candidate_plan: RunPlan | None = None
    paid_authorization: SecretStr | None = None  # the proof that was served: confirmed with it, never paid again
    confirm_findings: dict[CheckId, Finding] = field(default_factory=dict)
    restored_findings: dict[CheckId, Finding] = field(
        default_factory=dict
    )  # of the restored gateway, by its own config
    answered: Deployment | None = None  # what the deploy's answer named
    serving: Deployment | None = None  # the last read of what serves
    failure: Failure | None = None
    restore: RestoreOutcome | None = None
    rollback_verified: bool | None = None
    proof_source: ProofSource | None = None
    payment: PaymentRow | None = None
    spent_msats: int = 0
    invoices_minted: int = 0
    health_detail: str | None = None
    status_codes: dict[Step, int] = field(default_factory=dict)
    routes: tuple[RouteRow, ...] = ()
    warnings: list[str] = field(default_factory=list)
    are_records_delivered: bool = True
    interrupted_by: str | None = None
    finished_at_ms: int | None = None

    def move(self, event: Event) -> None:
        """Advance the phase by the table."""
        self.phase = advance(self.phase, event)

    @property
    def deployment_id(self) -> str:
        """``dep_reconcile_<id>``, or ``dep_compile_<id>`` when reading or compiling failed (RECONCILE.md §4)."""
        kind = "compile" if {Step.READ, Step.COMPILE} & self.errors.keys() else "reconcile"
        return deployment_id(kind, self.settings.request_id)

    @property
    def config_hash(self) -> str | None:
        """The compiled config's hash; the snapshotHash when the compile failed; None before it."""
        if self.compiled is None:
            return None
        return self.compiled.config_hash or self.compiled.snapshot_hash

    @property
    def is_already_active(self) -> bool:
        """True when the config that is being deployed served before: there is nothing to go back to."""
        if self.saved is not None and self.settings.aperture_image not in (None, self.saved.image):
            return False  # another image is another deployment
        return self.snapshot is not None and self.snapshot.config_hash == self.config_hash

    @property
    def expected(self) -> tuple[CheckId, ...]:
        """The checks that the run must pass."""
        return expected_checks(self.settings.gateway_deployer)

    @property
    def probe(self) -> Rule | None:
        """The rule that answers the challenge URL."""
        return self.plan.probe if self.plan else self.remembered_probe

    def warn(self, message: str) -> None:
        """Keep a warning once."""
        if message not in self.warnings:
            self.warnings.append(message)
