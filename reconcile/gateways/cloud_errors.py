"""What a failed call to Google's APIs means for a deploy: reason, remedy, and what it may have done. Pure.

Source: RECONCILE.md §2 ("The deploy's answer decides"), CLOUD_RUN.md §2, §3, §5 and §6.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from reconcile.errors import Effect, GatewayError
from reconcile.plain import one_line

Kind = Literal["status", "timeout", "connection_failed", "credentials", "payload"]
REFUSED = frozenset({400, 401, 403, 404, 405, 413, 422, 429})
CONFLICT = frozenset({409, 412})
LOST = frozenset({502, 504})
MAX_MESSAGE = 700  # Google's longest ends with the URL of the log
# What may go well the next time; of idempotent writes an answer that cannot be read may be one as well.
TRANSIENT = frozenset(
    {"timeout", "connection_failed", "invalid_gateway_payload"}
    | {f"status_{status}" for status in (429, 500, 502, 503, 504)}
)
CREDENTIALS_REMEDY = (
    "give Application Default Credentials: Workload Identity in CI, or gcloud auth application-default login"
)
REMEDIES = {
    401: CREDENTIALS_REMEDY,
    403: "grant the deployer what the message names (README, “Cloud Run”)",
    404: "check CLOUD_RUN_SERVICE and CLOUD_RUN_CONFIG_SECRET: the service and the secret must exist",
    429: "wait for the quota, then run again",
}
CONFLICT_REMEDY = "find out who else deploys to this service, then run again"


@dataclass(frozen=True, slots=True)
class Failure:
    """How a call failed. ``word``: the API's status word. ``message`` is the server's."""

    kind: Kind
    status: int | None = None
    word: str = ""
    message: str = field(default="", repr=False)
    retry_after: str | None = None
    was_sent: bool = True


def sorted_error(what: str, failure: Failure, *, is_write: bool, has_etag: bool = False) -> GatewayError:
    """The error to raise.

    Args:
        what: the method, for people. has_etag: it was sent under an etag that the server enforces.
    """
    if failure.kind == "status":
        return _status_error(what, failure, is_write=is_write, has_etag=has_etag)
    if failure.kind == "credentials":
        message = f"{what}: there are no usable Google credentials"
        return GatewayError(message, reason="unauthorized", remedy=CREDENTIALS_REMEDY, effect=Effect.NONE)
    if failure.kind == "payload":
        effect = Effect.CHANGED if is_write else Effect.NONE
        return GatewayError(
            f"{what}: the answer cannot be read", reason="invalid_gateway_payload", effect=effect, status=failure.status
        )
    effect = Effect.UNKNOWN if is_write and failure.was_sent else Effect.NONE
    return GatewayError(f"{what}: no whole answer ({failure.kind})", reason=failure.kind, effect=effect)


def _status_error(what: str, failure: Failure, *, is_write: bool, has_etag: bool) -> GatewayError:
    status = failure.status or 0
    text = one_line(failure.message, MAX_MESSAGE)
    retry = f" (Retry-After {failure.retry_after})" if failure.retry_after else ""
    message = f"{what} answered {status}{f' {failure.word}' if failure.word else ''}{retry}: {text}"
    is_stale = has_etag and status == 400 and failure.word == "FAILED_PRECONDITION"
    if is_write and (status in CONFLICT or is_stale):
        return GatewayError(
            message, reason="concurrent_modification", remedy=CONFLICT_REMEDY, effect=Effect.REFUSED, status=status
        )
    reason = "unauthorized" if status == 401 else f"status_{status}"
    error = GatewayError(
        message, reason=reason, remedy=REMEDIES.get(status), effect=_effect(status, is_write=is_write), status=status
    )
    error.said = text or None
    return error


def _effect(status: int, *, is_write: bool) -> Effect:
    if not is_write:
        return Effect.NONE
    if status in REFUSED:
        return Effect.REFUSED
    return Effect.UNKNOWN if status in LOST else Effect.CHANGED


def operation_error(code: int, text: str) -> GatewayError:
    """An operation that ended in an error: the revision did not come up, or the change was not made."""
    words = one_line(text, MAX_MESSAGE)
    if "not found" in words and "Image" in words:
        reason, remedy = "image_not_found", "check APERTURE_IMAGE and the deployer's access to its registry"
    elif "is not ready" in words or "failed to start" in words or "startup probe" in words:
        reason, remedy = "revision_not_ready", "read the revision's log: Aperture did not start with this config"
    elif "Permission denied on secret" in words or "was not found" in words:
        reason, remedy = "secret_not_accessible", "grant the runtime account roles/secretmanager.secretAccessor"
    else:
        reason, remedy = "operation_failed", "read the service's log, then run again"
    message = f"the operation failed with code {code}: {words}"
    error = GatewayError(message, reason=reason, remedy=remedy, effect=Effect.CHANGED)
    error.said = words or None
    return error
