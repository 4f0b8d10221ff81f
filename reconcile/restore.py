"""Putting the snapshot back: sent once, read back, compared. Never raises for what the gateway does.

Source: RECONCILE.md §2 ("A rollback needs a snapshot"), OPS_API.md ("After a rollback").
"""

from __future__ import annotations

from dataclasses import dataclass

from reconcile.clock import Clock
from reconcile.errors import Effect, GatewayError
from reconcile.gateways import ActiveDeployment, Gateway, RestoreRequest, poll_active
from reconcile.models import Deployment
from reconcile.service_tuple import ServiceTuple

READ_BACK_S = 10.0


@dataclass(frozen=True, slots=True)
class RestoreOutcome:
    """How the restore ended. ``reason`` is None when the gateway names the snapshot again."""

    reason: str | None
    serving: Deployment | None  # what the gateway names now, None when unknown

    @property
    def is_restored(self) -> bool:
        """True when the read-back names the snapshot."""
        return self.reason is None


@dataclass(frozen=True, slots=True)
class Ours:
    """How our own deployment is recognised: by its id, by its hash, or by what the deploy's answer named."""

    deployment_id: str
    config_hash: str
    answered: Deployment | None = None

    def owns(self, deployment: Deployment) -> bool:
        """True when ``deployment`` came from this run's apply."""
        if deployment.deployment_id == self.deployment_id or deployment.config_hash == self.config_hash:
            return True
        return self.answered is not None and deployment.deployment_id == self.answered.deployment_id


def restore_snapshot(
    gateway: Gateway,
    snapshot: Deployment,
    ours: Ours,
    request_id: str,
    clock: Clock,
    *,
    saved: ServiceTuple | None = None,
) -> RestoreOutcome:
    """Send one rollback to ``snapshot`` and read back for 10 s; somebody else's deployment is left alone.

    ``saved``: the whole of the snapshot, where the gateway has one: then its traffic must be back as well.
    """
    before = _read(gateway)
    if before is not None and before.deployment is not None and not _is_expected(before.deployment, snapshot, ours):
        return RestoreOutcome("concurrent_modification", before.deployment)
    request = RestoreRequest(
        request_id=request_id,
        deployment_id=ours.deployment_id,
        target_config_hash=snapshot.config_hash,
        image_digest=snapshot.image_digest,
        etag=before.etag if before is not None else None,
        saved=saved,
    )
    try:
        gateway.restore(request)
    except GatewayError as error:
        if error.effect is not Effect.UNKNOWN and error.reason != "invalid_gateway_payload":
            return RestoreOutcome(error.reason, _serving(_read(gateway)))
        return _confirm(gateway, snapshot, saved, clock, error.reason)
    return _confirm(gateway, snapshot, saved, clock, "snapshot_not_serving")


def _is_expected(deployment: Deployment, snapshot: Deployment, ours: Ours) -> bool:
    return deployment.config_hash == snapshot.config_hash or ours.owns(deployment)


def _confirm(
    gateway: Gateway, snapshot: Deployment, saved: ServiceTuple | None, clock: Clock, reason: str
) -> RestoreOutcome:
    """The read-back: restored if and only if the gateway names the snapshot's configHash within 10 s."""

    def is_back(active: ActiveDeployment) -> bool:
        is_named = active.deployment is not None and active.deployment.config_hash == snapshot.config_hash
        return is_named and (saved is None or (active.saved is not None and active.saved.traffic == saved.traffic))

    found = poll_active(gateway, is_back, clock, budget_s=READ_BACK_S)
    if found is not None:
        return RestoreOutcome(None, found.deployment)
    return RestoreOutcome(reason, _serving(_read(gateway)))


def _read(gateway: Gateway) -> ActiveDeployment | None:
    """What serves, or None when the gateway does not say."""
    try:
        return gateway.active()
    except GatewayError:
        return None


def _serving(active: ActiveDeployment | None) -> Deployment | None:
    return active.deployment if active is not None else None
