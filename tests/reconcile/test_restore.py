"""Putting the snapshot back: once, read back, compared; somebody else's deployment is left alone (OPS_API.md)."""

from __future__ import annotations

import pytest

from reconcile.errors import Effect, GatewayError
from reconcile.gateways import Applied, ApplyRequest, PromoteRequest, RestoreRequest, Settlement
from reconcile.models import ActiveDeployment, Deployment
from reconcile.restore import Ours, restore_snapshot
from tests.clocks import FakeClock

OLD = Deployment(deployment_id="dep_0", config_hash="cfg_0", image_digest="sha256:0")
NEW = Deployment(deployment_id="dep_1", config_hash="cfg_1")
OTHER = Deployment(deployment_id="dep_9", config_hash="cfg_9")
OURS = Ours("dep_1", "cfg_1")


class FakeGateway:
    """Serves ``deployment``; a restore moves to ``after`` or raises ``error``."""

    def __init__(
        self, deployment: Deployment | None, after: Deployment | None, error: GatewayError | None = None
    ) -> None:
        self.deployment, self.after, self.error = deployment, after, error
        self.restores: list[RestoreRequest] = []
        self.is_mute = False
        self.clock: FakeClock | None = None
        self.hangs = 0  # so many reads answer only when their time is over

    def active(self, timeout_s: float | None = None) -> ActiveDeployment:
        """What serves."""
        if self.restores and self.hangs and self.clock is not None:
            self.hangs -= 1
            self.clock.sleep(timeout_s or 10.0)
            raise GatewayError("hangs", reason="timeout")
        if self.is_mute:
            raise GatewayError("mute", reason="timeout")
        return ActiveDeployment(self.deployment, '"e"')

    def apply(self, request: ApplyRequest) -> Applied:
        """Not asked for here."""
        raise AssertionError(request)

    def promote(self, request: PromoteRequest) -> None:
        """Not asked for here."""
        raise AssertionError(request)

    def settle(self, settlement: Settlement) -> tuple[str, ...]:
        """Not asked for here."""
        raise AssertionError(settlement)

    def restore(self, request: RestoreRequest) -> None:
        """Move, and answer as told."""
        self.restores.append(request)
        self.deployment = self.after
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        """Nothing is open."""


def failing(effect: Effect, reason: str = "status_500") -> GatewayError:
    """A restore's error."""
    return GatewayError("x", reason=reason, effect=effect)


@pytest.mark.parametrize(
    ("before", "after", "error", "reason"),
    [
        (NEW, OLD, None, None),
        (OLD, OLD, None, None),
        (NEW, OLD, failing(Effect.UNKNOWN, "timeout"), None),
        (NEW, NEW, failing(Effect.UNKNOWN, "timeout"), "timeout"),
        (NEW, OLD, failing(Effect.CHANGED, "invalid_gateway_payload"), None),
        (NEW, NEW, failing(Effect.CHANGED), "status_500"),
        (NEW, NEW, failing(Effect.REFUSED, "concurrent_modification"), "concurrent_modification"),
        (NEW, NEW, None, "snapshot_not_serving"),
        (NEW, None, None, "snapshot_not_serving"),
    ],
)
def test_restore_is_judged_by_its_read_back(
    before: Deployment, after: Deployment | None, error: GatewayError | None, reason: str | None
) -> None:
    """Restored if and only if the gateway names the snapshot and did not refuse; sent once."""
    gateway = FakeGateway(before, after, error)
    outcome = restore_snapshot(gateway, OLD, OURS, "r", FakeClock())
    assert (outcome.reason, outcome.is_restored) == (reason, reason is None)
    assert len(gateway.restores) == 1
    sent = gateway.restores[0]
    assert (sent.deployment_id, sent.target_config_hash, sent.image_digest, sent.etag) == (
        "dep_1",
        "cfg_0",
        "sha256:0",
        '"e"',
    )


def test_answer_that_never_comes_does_not_use_up_the_read_back() -> None:
    """It is asked for again within the 10 s."""
    gateway = FakeGateway(NEW, OLD)
    clock = gateway.clock = FakeClock()
    gateway.hangs = 2
    began_s = clock.monotonic_s()
    assert restore_snapshot(gateway, OLD, OURS, "r", clock).is_restored
    assert gateway.hangs == 0
    assert clock.monotonic_s() - began_s < 10


def test_somebody_elses_deployment_is_left_alone() -> None:
    """Neither the snapshot nor ours: touching it would break their rollout."""
    gateway = FakeGateway(OTHER, OLD)
    outcome = restore_snapshot(gateway, OLD, OURS, "r", FakeClock())
    assert (outcome.reason, outcome.serving, gateway.restores) == ("concurrent_modification", OTHER, [])


def test_what_the_deploys_answer_named_is_ours_too() -> None:
    """A gateway that answered with another hash serves what we sent all the same."""
    gateway = FakeGateway(OTHER, OLD)
    assert restore_snapshot(gateway, OLD, Ours("dep_1", "cfg_1", OTHER), "r", FakeClock()).is_restored


def test_gateway_that_does_not_say_what_it_serves_is_restored_unconfirmed() -> None:
    """The rollback is sent; without a read-back it is lost."""
    gateway = FakeGateway(NEW, OLD)
    gateway.is_mute = True
    outcome = restore_snapshot(gateway, OLD, OURS, "r", FakeClock())
    assert (outcome.reason, outcome.serving, gateway.restores[0].etag) == ("snapshot_not_serving", None, None)
