"""A gateway in the run's words: what serves, apply, restore. Beside every write stands its read-back, ``active``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from reconcile.clock import Clock
from reconcile.compile.charges import Charge
from reconcile.errors import GatewayError
from reconcile.models import ActiveDeployment, Compiled, Deployment, Rule, Step
from reconcile.service_tuple import RevisionFacts, ServiceTuple

READ_BACK_S = 10.0
POLL_S, POLL_TIMEOUT_S = 0.25, 3.0


@dataclass(frozen=True, slots=True)
class ApplyRequest:
    """A deploy. ``compiled.aperture_yaml`` is the document over which ``compiled.config_hash`` was taken.

    ``wanted``: rules that must answer their path wherever the checks ask. ``saved``: the snapshot's whole, if it has one.
    """

    request_id: str
    deployment_id: str
    compiled: Compiled
    etag: str | None = None
    saved: ServiceTuple | None = None
    wanted: tuple[tuple[Rule, str], ...] = ()
    is_forced: bool = False

    @property
    def config_hash(self) -> str:
        """The compiled services' hash."""
        return str(self.compiled.config_hash)


@dataclass(frozen=True, slots=True)
class Applied:
    """A deploy that was taken. ``candidate_url``: where a candidate answers until it is promoted, with ``rules`` as they

    answer there; None: it serves already.
    """

    deployment: Deployment
    candidate_url: str | None = None
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class PromoteRequest:
    """The traffic goes to ``deployment_id``."""

    request_id: str
    deployment_id: str


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """A rollback of ``deployment_id`` to an earlier config. ``saved``: the whole of it, where the gateway has one."""

    request_id: str
    deployment_id: str
    target_config_hash: str
    image_digest: str | None = None
    etag: str | None = None
    saved: ServiceTuple | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a deployment ended. ``failed_step`` and ``reason``: None when it is verified."""

    request_id: str
    deployment_id: str
    config_hash: str
    failed_step: Step | None = None
    reason: str | None = None
    is_hands_off: bool = False  # somebody else's deployment serves: leave it as it is


class Gateway(Protocol):
    """What a run asks of a gateway. Every method raises GatewayError, and nothing else of its own."""

    def active(self, timeout_s: float | None = None) -> ActiveDeployment:
        """What serves now, by the gateway's own word; ``timeout_s``: of the first question that this takes."""

    def apply(self, request: ApplyRequest) -> Applied:
        """Send the config, once, and wait until it answers; an error's ``effect`` tells what it may have done."""

    def promote(self, request: PromoteRequest) -> None:
        """Move the traffic to the candidate, and wait until it is there. Called for candidates only."""

    def restore(self, request: RestoreRequest) -> None:
        """Send a rollback; whether it took is for the read-back."""

    def settle(self, settlement: Settlement) -> tuple[str, ...]:
        """The run is over: leave marks where the gateway keeps them, and nothing else; warnings."""

    def close(self) -> None:
        """Close the connections."""


class Describer(Protocol):
    """Who can say what a deployment is made of."""

    def describe(self) -> RevisionFacts | None:
        """What was deployed last by this object, or serves; None where there is nothing to see."""

    def charges(self, saved: ServiceTuple | None, requests: Sequence[tuple[str, str]]) -> tuple[Charge | None, ...]:
        """What the snapshot's config asks for each request (Host, decoded path); None where it cannot be read."""


def poll_active(
    gateway: Gateway, is_wanted: Callable[[ActiveDeployment], bool], clock: Clock, *, budget_s: float = READ_BACK_S
) -> ActiveDeployment | None:
    """Read back until ``is_wanted`` or the budget is spent; at least once. None: it never was."""
    deadline = clock.monotonic_s() + budget_s
    while True:
        try:
            active = gateway.active(POLL_TIMEOUT_S)  # one answer that never comes must not use up the budget
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
