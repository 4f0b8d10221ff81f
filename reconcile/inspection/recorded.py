"""What serves, held against what is recorded: the last run's summary, or the audit on the service, whichever is newer."""

from __future__ import annotations

from collections.abc import Iterator

from reconcile.comparison import Comparison, Sameness
from reconcile.gateways import CloudSight, Sight
from reconcile.gateways.audit import Mark
from reconcile.inspection.differences import differences
from reconcile.inspection.looking import Look
from reconcile.inspection.records import RunSummary
from reconcile.inspection.report import when


def against_record(name: str, look: Look) -> Comparison:
    """The comparison; nothing to compare with where no run is recorded, here or on the service."""
    sight, run = look.sight(), look.last_run()
    mark = sight.cloud.verified if sight.cloud is not None else None
    if run is not None and (mark is None or run.finished_at_ms >= mark.at_ms):
        told = f"{run.request_id} {run.deployment_status} {when(run.finished_at_ms)}"
        if run.serving_config_hash is None:
            return Comparison(name, Sameness.UNKNOWN, f"{told}; it did not learn what was left serving")
        lines = [*_from_run(sight, run), *_services(look, run.serving_config_hash)]
    elif mark is not None and sight.cloud is not None:
        told = f"{mark.request_id} verified {when(mark.at_ms)}"
        lines = [*_hash(sight, mark.config_hash), *_revisions(sight.cloud, mark), *_services(look, mark.config_hash)]
    else:
        return Comparison(name, Sameness.NOTHING, "no run at this gateway is recorded in OUTPUT_DIR")
    return Comparison(name, Sameness.DIFFERENT if lines else Sameness.SAME, told, tuple(lines))


def _from_run(sight: Sight, run: RunSummary) -> Iterator[str]:
    """An applied run tells the deployment and its image as well, any other only what it left."""
    found = sight.deployment
    yield from _hash(sight, str(run.serving_config_hash))
    if found is None or not run.is_applied:
        return
    if run.deployment_id is not None and found.deployment_id != run.deployment_id:
        yield f"~ deployment {run.deployment_id} -> {found.deployment_id}"
    if None not in (run.image_digest, found.image_digest) and found.image_digest != run.image_digest:
        yield f"~ image {run.image_digest} -> {found.image_digest}"
    mark = sight.cloud.verified if sight.cloud is not None else None
    if mark is not None and sight.cloud is not None:
        yield from _revisions(sight.cloud, mark)


def _hash(sight: Sight, config_hash: str) -> Iterator[str]:
    found = sight.deployment.config_hash if sight.deployment is not None else "nothing"
    if found != config_hash:
        yield f"~ config {config_hash} -> {found}"


def _revisions(cloud: CloudSight, mark: Mark) -> Iterator[str]:
    """The revision that was verified serves, and no other."""
    if cloud.serving != (mark.revision,):
        yield f"~ revision {mark.revision} -> {', '.join(cloud.serving) or 'none'}"


def _services(look: Look, config_hash: str) -> Iterator[str]:
    """Price by price, where both lists are known."""
    before, after = look.recorded(config_hash), look.served().entries
    if before is not None and after is not None:
        yield from differences(before, after).lines()
