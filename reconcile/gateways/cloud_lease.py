"""The lease that keeps two runs from interleaving: an annotation on the config secret, written under the secret's etag.

A lease that has expired is taken over. A run that lost its own to somebody changes nothing any more.
"""

from __future__ import annotations

from reconcile.clock import Clock
from reconcile.errors import Effect, GatewayError
from reconcile.gateways.audit import LEASE, Lease, read_lease, write_note
from reconcile.gateways.cloud_run import CloudRunApi
from reconcile.gateways.cloud_views import SecretView

LEASE_MS = 15 * 60 * 1000
ATTEMPTS, PAUSE_S = 4, 0.5


class LeaseKeeper:
    """One run's lease."""

    def __init__(self, api: CloudRunApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    def take(self, deployment_id: str, request_id: str) -> None:
        """Take it, or take an expired one over.

        Raises:
            GatewayError: ``concurrent_modification`` when another run has it; nothing of the service was changed.
        """
        secret = self._api.get_secret()
        self._refuse_other(secret, deployment_id)
        lease = Lease(deployment_id, request_id, self._clock.now_ms() + LEASE_MS)
        try:
            self._api.annotate_secret(secret, {**secret.annotations, LEASE: write_note(lease)})
        except GatewayError as error:
            if error.effect is Effect.REFUSED or not self._is_ours(deployment_id):
                error.effect = Effect.NONE if error.effect is not Effect.REFUSED else Effect.REFUSED
                raise

    def renew(self, deployment_id: str, request_id: str) -> None:
        """Make sure that it is still ours, and lasts; raises ``concurrent_modification`` when it is not."""
        secret = self._api.get_secret()
        lease = read_lease(secret.annotations)
        if lease is None or lease.deployment_id != deployment_id:
            raise _held("somebody took this run's lease over", lease)
        if lease.expires_at_ms - self._clock.now_ms() < LEASE_MS // 2:
            self.take(deployment_id, request_id)

    def release(self, deployment_id: str) -> str | None:
        """Let go of it if it is ours; a warning when that cannot be done."""
        reason = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._clock.sleep(PAUSE_S * attempt)
            try:
                secret = self._api.get_secret()
                lease = read_lease(secret.annotations)
                if lease is None or lease.deployment_id != deployment_id:
                    return None
                kept = {key: value for key, value in secret.annotations.items() if key != LEASE}
                self._api.annotate_secret(secret, kept)
            except GatewayError as error:
                reason = error.reason
                continue
            return None
        return f"the lease could not be let go ({reason}): it ends by itself within {LEASE_MS // 60_000} minutes"

    def _refuse_other(self, secret: SecretView, deployment_id: str) -> None:
        lease = read_lease(secret.annotations)
        if lease is not None and lease.holds_off(deployment_id, self._clock.now_ms()):
            raise _held("another run is at this service", lease)

    def _is_ours(self, deployment_id: str) -> bool:
        """Whether a write whose answer was no success was made all the same."""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._clock.sleep(PAUSE_S * attempt)
            try:
                lease = read_lease(self._api.get_secret().annotations)
            except GatewayError:
                continue
            if lease is not None and lease.deployment_id == deployment_id:
                return True
        return False


def _held(text: str, lease: Lease | None) -> GatewayError:
    whose = f" ({lease.request_id}, until {lease.expires_at_ms} ms)" if lease is not None else ""
    remedy = "wait for the other run to end; if it died: python -m reconcile recover, or wait until its lease expires"
    return GatewayError(f"{text}{whose}", reason="concurrent_modification", remedy=remedy, effect=Effect.REFUSED)
