"""The end of a run on Cloud Run: the former traffic again, or the mark of what was verified; then nothing of ours is left.

What is left behind on purpose: the audit on the service, and the last deployments' config versions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

from reconcile.clock import Clock
from reconcile.compile.deployed_file import read_mark as read_file_mark
from reconcile.errors import Effect, GatewayError, ReconcileError
from reconcile.gateways.audit import FAILED, VERIFIED, Mark, identity_of, read_mark, write_note
from reconcile.gateways.cloud_errors import TRANSIENT
from reconcile.gateways.cloud_failed import FailedDeployment, write_mark
from reconcile.gateways.cloud_lease import LeaseKeeper
from reconcile.gateways.cloud_names import short
from reconcile.gateways.cloud_run import CloudRunApi
from reconcile.gateways.cloud_views import FormerTemplate, RevisionView, ServiceTarget, ServiceView
from reconcile.gateways.cloud_waiting import Writer
from reconcile.gateways.interface import Settlement
from reconcile.service_tuple import ServiceTuple

T = TypeVar("T")
ATTEMPTS, PAUSE_S = 4, 1.0
LOOK_BACK = 3  # versions below the serving one that are looked at for such as died unmounted
MOST_DISABLED = 3  # config versions that one run disables


class Settler:
    """Puts back, marks, prunes, lets go."""

    def __init__(self, api: CloudRunApi, writer: Writer, lease: LeaseKeeper, clock: Clock, keep: int) -> None:
        self._api = api
        self._writer = writer
        self._lease = lease
        self._clock = clock
        self._keep = keep
        self._failed = FailedDeployment(api, writer)

    def put_back(self, saved: ServiceTuple, refuse: Callable[[ServiceView], None]) -> None:
        """The saved traffic, revisions pinned by name, unless ``refuse`` raises; tries again what may go well then."""
        traffic = [ServiceTarget(t.revision, t.percent, t.tag) for t in saved.traffic]

        def send(now: ServiceView) -> None:
            refuse(now)
            wanted = now.resolve(traffic, None)
            if now.served == wanted and now.wanted == wanted:
                return
            self._writer.update(
                now, lambda s: s.served == wanted, is_landed=lambda s: s.wanted == wanted, traffic=traffic
            )

        self._again(send)

    def settle(
        self, settlement: Settlement, revision: str | None, former: FormerTemplate | None = None
    ) -> tuple[str, ...]:
        """Mark, prune, let go of the lease; warnings.

        Args:
            revision: what this run made. former: the template that it found, to be put back after a failure.
        Raises:
            GatewayError: what is verified could not be marked so, or its tag not taken away.
        """
        warnings: list[str] = []
        try:
            if not settlement.is_hands_off:
                warnings += self._mark(settlement, revision, former)
        except GatewayError as error:
            if settlement.failed_step is None:
                raise
            warnings.append(f"the service could not be marked ({error.reason})")
        if settlement.failed_step is None:
            warnings += self._prune(revision)
        left = self._lease.release(settlement.deployment_id)
        return (*warnings, left) if left else tuple(warnings)

    def withdraw(self, version: str | None, deployment_id: str) -> None:
        """After a refusal: the config version that nothing mounts is disabled, the lease let go. Never raises."""
        if version is not None:
            # Otherwise it stays enabled and is named by nothing: a version costs cents, and serves nobody.
            with contextlib.suppress(GatewayError):
                self._api.disable_version(version)
        self._lease.release(deployment_id)

    def _mark(self, settlement: Settlement, revision: str | None, former: FormerTemplate | None) -> list[str]:
        """One update: the mark, and no tag of ours any more; warnings."""
        warnings: list[str] = []
        mark = Mark(
            revision=revision or "",
            deployment_id=settlement.deployment_id,
            config_hash=settlement.config_hash,
            request_id=settlement.request_id,
            at_ms=self._clock.now_ms(),
            step=settlement.failed_step,
            reason=settlement.reason,
        )

        def send(service: ServiceView) -> None:
            if settlement.failed_step is None:
                self._mark_verified(service, mark)
            else:
                warnings.extend(self._failed.leave(service, mark, former))

        self._again(send)
        return warnings

    def _mark_verified(self, service: ServiceView, mark: Mark) -> None:
        self._refuse_other(service, mark.revision)
        annotations = {**service.annotations, VERIFIED: write_note(mark)}
        former = read_mark(annotations, FAILED)
        if former is not None and former.config_hash == mark.config_hash:
            del annotations[FAILED]
        write_mark(self._writer, service, annotations)

    def _refuse_other(self, service: ServiceView, revision: str | None) -> None:
        """Only what serves alone, and is what was asked for last, is verified."""
        if service.serving != (revision,) or service.template_revision != revision:
            message = "somebody changed the service before it was marked as verified"
            raise GatewayError(message, reason="concurrent_modification", effect=Effect.REFUSED)

    def _again(self, send: Callable[[ServiceView], None]) -> None:
        """Idempotent writes: a transient failure is tried again on what the service is then."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                send(self._api.get_service())
            except GatewayError as error:
                if attempt == ATTEMPTS or error.reason not in TRANSIENT:
                    raise
                self._clock.sleep(PAUSE_S * attempt)
            else:
                return

    def _prune(self, revision: str | None) -> list[str]:
        """Disable config versions of ours beyond the newest ``keep``, but none that something still names."""
        try:
            service, found = self._api.get_service(), self._api.list_revisions()
            for version in list(self._prunable(service, found))[:MOST_DISABLED]:
                self._api.disable_version(version)
        except GatewayError as error:
            return [f"old config versions were not disabled ({error.reason})"]
        return []

    def _prunable(self, service: ServiceView, found: list[RevisionView]) -> Iterator[str]:
        named = {t.revision for t in (*service.wanted, *service.served)} | {service.template_revision}
        verified = read_mark(service.annotations, VERIFIED)
        named |= {service.latest_created, service.latest_ready, verified.revision if verified else None}
        ours = sorted((r for r in found if identity_of(r.annotations, r.name) is not None), key=_number, reverse=True)
        kept = {v for r in found if r.name in named or r not in ours for v in self._versions(r)}
        kept |= {version for r in ours[: self._keep] for version in self._versions(r)}
        yield from self._orphans(service, found)
        for old in ours[self._keep :]:
            yield from (version for version in self._versions(old) if version not in kept)

    def _versions(self, revision: RevisionView) -> Iterator[str]:
        """The versions of the config secret that a revision mounts, by number."""
        config = short(self._api.secret)
        files = (file for file in revision.files if short(file.secret) == config)
        yield from (file.version for file in files if file.version.isdigit())

    def _orphans(self, service: ServiceView, found: list[RevisionView]) -> Iterator[str]:
        """Versions just below the serving one that no revision mounts: what a run of ours added, and died over."""
        mounted = {version for revision in found for version in self._versions(revision)}
        own = [int(version) for r in found if r.name in service.serving for version in self._versions(r)]
        for number in range(max(1, max(own, default=1) - LOOK_BACK), max(own, default=1)):
            if str(number) in mounted:
                continue
            with contextlib.suppress(ReconcileError):  # disabled already, or an operator's that is no file of ours
                if read_file_mark(self._api.access_version(str(number)).get_secret_value()) is not None:
                    yield str(number)


def _number(revision: RevisionView) -> int:
    """The generation in the name of a revision of ours."""
    digits = revision.name.rpartition("-g")[2]
    return int(digits) if digits.isdigit() else 0
