"""``status``: the service in at most ten lines."""

from __future__ import annotations

from reconcile.gateways import CloudSight
from reconcile.gateways.audit import Mark
from reconcile.inspection.looking import Look
from reconcile.inspection.report import Report, row, when
from reconcile.summarise import EXIT_APPLIED

MAX_LINES = 10


def status(look: Look) -> Report:
    """The report; GatewayError when the gateway does not say what serves."""
    settings, sight = look.settings, look.sight()
    found, cloud = sight.deployment, sight.cloud
    config = found.config_hash if found is not None else "none"
    version = f", version {cloud.config_version or 'none'} of the secret" if cloud is not None else ""
    lines = [
        row("gateway", settings.gateway_id),
        row("deployer", f"{settings.gateway_deployer}, rollout {settings.rollout}"),
        row("serving", _serving(found.deployment_id if found is not None else None, cloud)),
        row("config", f"{config}{version}"),
        row("image", sight.image or "not known"),
        *(_audit(look, cloud) if cloud is not None else ()),
        row("records", _records(look)),
    ]
    return Report(tuple(lines[:MAX_LINES]), EXIT_APPLIED)


def _serving(deployment_id: str | None, cloud: CloudSight | None) -> str:
    if deployment_id is None:
        return "nothing"
    return deployment_id if cloud is None else f"revision {cloud.revision}, {deployment_id}"


def _audit(look: Look, cloud: CloudSight) -> list[str]:
    """Traffic, what was verified, what failed, the lease."""
    shares = [f"{t.revision} {t.percent} %" + (f" (tag {t.tag})" if t.tag else "") for t in cloud.traffic]
    return [
        row("traffic", ", ".join(shares) or "none"),
        row("verified", _marked(cloud.verified)),
        row("failed", _marked(cloud.failed)),
        row("lease", _lease(look, cloud)),
    ]


def _marked(mark: Mark | None) -> str:
    if mark is None:
        return "nothing"
    why = f" at {mark.step}: {mark.reason}" if mark.step is not None else ""
    return f"{when(mark.at_ms)} {mark.deployment_id}, revision {mark.revision}{why}"


def _lease(look: Look, cloud: CloudSight) -> str:
    if cloud.lease_problem is not None:
        return f"not found out: {cloud.lease_problem}"
    if cloud.lease is None:
        return "held by nobody"
    has_ended = cloud.lease.expires_at_ms <= look.now_ms()
    return f"held by {cloud.lease.request_id} until {when(cloud.lease.expires_at_ms)}{', which is over' * has_ended}"


def _records(look: Look) -> str:
    """The last run of this gateway in OUTPUT_DIR, what waits for Khala, and runs that died."""
    run = look.last_run()
    told = ["no run here"]
    if run is not None:
        told = [f"{run.request_id} {run.deployment_status} {when(run.finished_at_ms)}"]
        told += [] if run.is_applied else [run.failure]
    left = look.backlog()
    waiting = sum(left.waiting.values())
    told.append(f"{waiting} records wait in {len(left.waiting)} outboxes" if waiting else "nothing waits in an outbox")
    return ", ".join([*told, *([f"{len(left.died)} runs died: python -m reconcile recover"] if left.died else [])])
