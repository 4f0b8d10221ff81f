"""A gateway in the run's words: what serves, apply, restore. Beside every write stands its read-back, ``active``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from reconcile.clock import Clock
from reconcile.errors import GatewayError
from reconcile.models import ActiveDeployment, Deployment

READ_BACK_S = 10.0
POLL_S = 0.25


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """A deploy. ``aperture_yaml`` is the document over which ``config_hash`` was taken."""

    request_id: str
    deployment_id: str
    config_hash: str
    aperture_yaml: str
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """A rollback of ``deployment_id`` to an earlier config."""

    request_id: str
    deployment_id: str
    target_config_hash: str
    image_digest: str | None = None
    etag: str | None = None


class Gateway(Protocol):
    """What a run asks of a gateway. Every method raises GatewayError, and nothing else of its own."""

    def active(self) -> ActiveDeployment:
        """What serves now, by the gateway's own word."""

    def apply(self, request: ApplyRequest) -> Deployment:
        """Send the config, once; the error's ``effect`` tells what an answer that was no success may have done."""

    def restore(self, request: RestoreRequest) -> None:
        """Send a rollback, once; whether it took is for the read-back."""

    def close(self) -> None:
        """Close the connections."""


def poll_active(
    gateway: Gateway, is_wanted: Callable[[ActiveDeployment], bool], clock: Clock, *, budget_s: float = READ_BACK_S
) -> ActiveDeployment | None:
    """Read back until ``is_wanted`` or the budget is spent; at least once. None: it never was."""
    deadline = clock.monotonic_s() + budget_s
    while True:
        try:
            active = gateway.active()
        except GatewayError:
            active = None
        if active is not None and is_wanted(active):
            return active
        if clock.monotonic_s() + POLL_S > deadline:
            return None
        clock.sleep(POLL_S)


def confirm_apply(gateway: Gateway, deployment_id: str, config_hash: str, clock: Clock) -> Deployment | None:
    """Our own deployment if the gateway names it within 10 s (RECONCILE.md §2), else None."""

    def is_ours(active: ActiveDeployment) -> bool:
        found = active.deployment
        return found is not None and found.deployment_id == deployment_id and found.config_hash == config_hash

    found = poll_active(gateway, is_ours, clock)
    return found.deployment if found is not None else None
