"""What earlier runs left in OUTPUT_DIR about a gateway: the last terminal record, outboxes, runs that died."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from reconcile.control_plane.outbox import FILE_NAME as OUTBOX_NAME
from reconcile.errors import JournalError
from reconcile.journal import FILE_NAME as JOURNAL_NAME
from reconcile.journal import read_lines
from reconcile.models import DeploymentStatus, FailureCode, Stack, Step
from reconcile.paywalls import WireModel
from reconcile.recovery import unfinished

SUMMARY_NAME = "summary.json"


class RunSummary(WireModel):
    """The part of a ``summary.json`` that tells what a run left; unknown keys are ignored. Times in Unix ms."""

    request_id: str
    stack: Stack
    deployment_id: str | None
    deployment_status: DeploymentStatus
    serving_config_hash: str | None
    image_digest: str | None
    failure_code: FailureCode | None
    failure_stage: Step | None
    failure_reason: str | None
    finished_at_ms: int

    @property
    def is_applied(self) -> bool:
        """True when its deployment was verified, and left serving."""
        return self.deployment_status is DeploymentStatus.APPLIED

    @property
    def failure(self) -> str:
        """Code, step and reason, for people."""
        return f"{self.failure_code or 'usage'} at {self.failure_stage}: {self.failure_reason}"


@dataclass(frozen=True, slots=True)
class Backlog:
    """What is left undone. ``waiting``: records by their outbox's run folder; ``died``: folders of runs without an end."""

    waiting: dict[str, int]
    died: tuple[str, ...]


def last_run(output_dir: Path, gateway_id: str, stack: Stack) -> RunSummary | None:
    """The run that ended last of those that got as far as this gateway; None: there is none.

    A run is told by its journal to have been at a gateway. A folder that cannot be read is no record.
    """
    found: list[RunSummary] = []
    for path in {path.resolve() for path in output_dir.glob(f"*/{SUMMARY_NAME}")}:
        try:
            summary = RunSummary.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            continue
        if summary.stack is stack and _gateway_of(path.parent) == gateway_id:
            found.append(summary)
    return max(found, key=lambda summary: summary.finished_at_ms, default=None)


def backlog(output_dir: Path, gateway_id: str) -> Backlog:
    """Outboxes below ``output_dir`` that still hold records, and runs that died at this gateway."""
    waiting: dict[str, int] = {}
    for path in sorted({path.resolve() for path in output_dir.glob(f"*/{OUTBOX_NAME}")}):
        try:
            count = len(read_lines(path))
        except JournalError:
            count = 1  # something is there
        if count:
            waiting[path.parent.name] = count
    died = [folder.name for folder in unfinished(output_dir) if _gateway_of(folder) == gateway_id]
    return Backlog(waiting, tuple(died))


def _gateway_of(folder: Path) -> str | None:
    """The gateway that a run's journal names; None where the run wrote nothing to anything."""
    try:
        entries = read_lines(folder / JOURNAL_NAME)
    except JournalError:
        return None
    return next((str(entry.get("gateway")) for entry in entries if entry.get("event") == "intent"), None)
