"""Writes to a Cloud Run service, each with its read-back: bounded, with progress noticed, never by the library's own wait.

An operation's poll may fail for reasons of its own (CLOUD_RUN.md §6): then the service itself tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from reconcile.clock import Clock
from reconcile.errors import Effect, GatewayError
from reconcile.gateways.cloud_errors import operation_error
from reconcile.gateways.cloud_run import POLL_TIMEOUT_S, CloudRunApi
from reconcile.gateways.cloud_views import (
    Condition,
    FormerTemplate,
    OperationView,
    ServiceTarget,
    ServiceView,
    TemplateChange,
)

READ_BACK_S, LONGEST_WAIT_S = 10.0, 300.0
FIRST_POLL_S, LONGEST_POLL_S = 0.03, 1.0
Wanted = Callable[[ServiceView], bool]


class Writer:
    """Updates the service and waits. ``patience_s``: how long nothing may happen before a wait is given up."""

    def __init__(self, api: CloudRunApi, clock: Clock, patience_s: float) -> None:
        self._api = api
        self._clock = clock
        self._patience_s = max(READ_BACK_S, patience_s)

    def update(
        self,
        service: ServiceView,
        is_wanted: Wanted,
        *,
        is_landed: Wanted,
        template: TemplateChange | FormerTemplate | None = None,
        traffic: Sequence[ServiceTarget] | None = None,
        annotations: Mapping[str, str] | None = None,
    ) -> ServiceView:
        """Send once and wait until ``is_wanted``; a lost answer is read back for 10 s until ``is_landed``.

        Raises:
            GatewayError: NONE and REFUSED: not sent, or refused; CHANGED: anything may be the case.
        """
        try:
            operation = self._api.update_service(service, template=template, traffic=traffic, annotations=annotations)
        except GatewayError as error:
            if error.effect is not Effect.UNKNOWN:
                raise
            if not self._has_landed(is_landed):
                error.effect = Effect.CHANGED
                raise
            operation = ""
        return self._wait(operation, is_wanted)

    def _has_landed(self, is_landed: Wanted) -> bool:
        deadline = self._clock.monotonic_s() + READ_BACK_S
        while True:
            found = self._service()
            if found is not None and is_landed(found):
                return True
            if self._clock.monotonic_s() >= deadline:
                return False
            self._clock.sleep(LONGEST_POLL_S / 4)

    def _wait(self, operation: str, is_wanted: Wanted) -> ServiceView:
        began_s = last_s = self._clock.monotonic_s()
        seen: object = None
        pause_s, unreadable, has_ended = FIRST_POLL_S, 0, False
        while True:
            found = None if has_ended or not operation else self._operation(operation)
            unreadable = unreadable + 1 if found is None else 0
            has_ended = has_ended or (found is not None and found.is_done)
            if found is not None and found.code:
                raise operation_error(found.code, found.message)
            service = self._service() if has_ended or unreadable else None
            if service is not None and not service.is_reconciling and (has_ended or unreadable > 1 or not operation):
                if service.condition is Condition.FAILED:
                    raise operation_error(9, service.message)
                if is_wanted(service):
                    return service
            progress = (has_ended, service and (service.condition, service.message, service.statuses))
            now_s = self._clock.monotonic_s()
            if progress != seen:
                seen, last_s = progress, now_s
            if now_s - last_s > self._patience_s or now_s - began_s > LONGEST_WAIT_S:
                raise _given_up(has_ended=has_ended)
            self._clock.sleep(pause_s)
            pause_s = min(pause_s * 1.5, LONGEST_POLL_S)

    def _operation(self, name: str) -> OperationView | None:
        """None when it cannot be read now."""
        try:
            return self._api.get_operation(name)
        except GatewayError:
            return None

    def _service(self) -> ServiceView | None:
        try:
            return self._api.get_service(POLL_TIMEOUT_S)
        except GatewayError:
            return None


def _given_up(*, has_ended: bool) -> GatewayError:
    if has_ended:
        message, reason = "the operation succeeded, and what serves is not what was asked for", "traffic_not_moved"
    else:
        message, reason = "the operation did not end", "operation_timeout"
    remedy = "look at the service's revisions and traffic in the console, then run again"
    return GatewayError(message, reason=reason, remedy=remedy, effect=Effect.CHANGED)
