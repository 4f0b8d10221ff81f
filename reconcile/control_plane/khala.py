"""Khala over Convex's HTTP API (KHALA.md, CONVEX.md)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, SecretStr, ValidationError

from reconcile.clock import Clock
from reconcile.control_plane.interface import DeploymentRecord, EventRecord, PaywallStatus
from reconcile.errors import ControlPlaneError, Effect
from reconcile.models import DeploymentStatus
from reconcile.paywalls import Paywall, WireModel
from reconcile.plain import plain
from reconcile.redact import Redactor
from reconcile.wire import Answer, Wire, WireError

if TYPE_CHECKING:
    import httpx

READ_TIMEOUT_S = 30.0
HURRIED_TIMEOUT_S = 2.5  # after a signal: one attempt, then the outbox
MAX_BODY_BYTES = 16 * 1024 * 1024  # what Convex itself gives at most
MAX_ATTEMPTS, LAST_ATTEMPT_S = 4, 15.0
FIRST_WAIT_S = 0.5
# An abandoned mutation can no longer run so long after it was sent (KHALA.md).
ABANDONED_S = 20.0
FUNCTION_CODES = (
    "ops_disabled",
    "forbidden",
    "invalid_input",
    "policy_missing",
    "deployment_not_found",
    "event_not_found",
)
# CONVEX.md, "Retry": answered with these, nothing was applied.
NOT_APPLIED = {
    429: ("TooManyConcurrentRequests", "TooManyWrites"),
    503: (
        "OptimisticConcurrencyControlFailure",
        "CommitterFullError",
        "WorkerOverloaded",
        "ExpiredInQueue",
        "ExecuteFullError",
        "InitialPermitTimeoutError",
        "IsolateNotClean",
    ),
}
LIST, RECORD, EVENT = (
    "lightning/ops:listPaywallControlPlaneState",
    "lightning/ops:recordGatewayCompileIntent",
    "lightning/ops:recordGatewayDeploymentEvent",
)


class _PaywallsAnswer(WireModel):
    ok: bool
    paywalls: tuple[Paywall, ...]


class _Envelope(BaseModel):
    status: str
    value: Any = None
    errorMessage: str | None = None  # noqa: N815 - the wire's name
    errorData: Any = None  # noqa: N815 - the wire's name


class _Retryable(Exception):
    """An attempt that may be repeated; ``error`` is what it is when no attempt is left."""

    def __init__(self, error: ControlPlaneError) -> None:
        super().__init__(error.reason)
        self.error = error


class KhalaClient:
    """The control plane of one deployment. The secret is an argument of every function and stays in here."""

    def __init__(
        self,
        base_url: str,
        secret: SecretStr,
        request_id: str,
        clock: Clock,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._wire = Wire(base_url.rstrip("/"), transport=transport, max_body_bytes=MAX_BODY_BYTES)
        self._secret = secret
        self._request_id = request_id
        self._clock = clock
        self._redactor = Redactor()
        self._redactor.register(secret.get_secret_value())
        self._unknown_since: dict[str, float] = {}  # deploymentId → when a write of unknown outcome was sent
        self.may_wait = True  # False after a signal: CI kills within seconds, the outbox takes the record then

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def list_paywalls(self, statuses: tuple[PaywallStatus, ...]) -> tuple[Paywall, ...]:
        """Paywalls of these statuses, numbers whole; a fraction or a missing field is ``control_plane_invalid_payload``."""
        value = self._call("query", LIST, {"statuses": list(statuses)})
        try:
            answer = _PaywallsAnswer.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"])
            raise _error("control_plane_invalid_payload", f"Khala's answer: {place}: {first['msg']}") from None
        return answer.paywalls

    def record_deployment(self, record: DeploymentRecord) -> None:
        """Upsert the row; a terminal write after one of unknown outcome is repeated when that one can no longer run.

        Raises:
            ControlPlaneError: its effect is UNKNOWN, too, where an earlier write of the row may still land.
        """
        key = record.deployment_id
        try:
            self._call("mutation", RECORD, record.args(), row=key)
        except ControlPlaneError as error:
            if key in self._unknown_since:
                error.effect = Effect.UNKNOWN
            raise
        sent_at = self._unknown_since.get(key)
        if sent_at is None or record.status is DeploymentStatus.PENDING:
            return
        if not self.may_wait:
            raise _error("control_plane_outcome_unknown", "an abandoned write may still land", effect=Effect.UNKNOWN)
        self._clock.sleep(max(0.0, sent_at + ABANDONED_S - self._clock.monotonic_s()))
        del self._unknown_since[key]
        self._call("mutation", RECORD, record.args(), row=key)

    def record_event(self, record: EventRecord) -> None:
        """Insert the event."""
        self._call("mutation", EVENT, record.args())

    # --- one call, with its attempts

    def _call(self, kind: str, function: str, args: dict[str, Any], row: str | None = None) -> Any:
        """The function's value; at most 4 attempts, none begun after 15 s (KHALA.md)."""
        began = self._clock.monotonic_s()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            sent_at = self._clock.monotonic_s()
            try:
                return self._attempt(kind, function, args)
            except _Retryable as retryable:
                error = retryable.error
            except BaseException as broken:  # a signal: what was sent may still be committed
                if row is not None and not (isinstance(broken, ControlPlaneError) and broken.effect is Effect.NONE):
                    self._unknown_since[row] = sent_at
                raise
            if error.effect is Effect.UNKNOWN and row is not None:
                self._unknown_since[row] = sent_at
            if not self.may_wait:
                raise error
            wait_s = FIRST_WAIT_S * 2 ** (attempt - 1)
            if attempt == MAX_ATTEMPTS or self._clock.monotonic_s() + wait_s - began > LAST_ATTEMPT_S:
                raise error
            self._clock.sleep(wait_s)
        raise AssertionError("unreachable")

    def _attempt(self, kind: str, function: str, args: dict[str, Any]) -> Any:
        body = {"path": function, "args": {"secret": self._secret.get_secret_value(), **args}, "format": "json"}
        headers = {"x-oa-request-id": self._request_id}
        is_query = kind == "query"
        try:
            timeout_s = READ_TIMEOUT_S if self.may_wait else HURRIED_TIMEOUT_S
            answer = self._wire.send("POST", f"/api/{kind}", headers=headers, timeout_s=timeout_s, json_body=body)
        except WireError as error:
            reason = "control_plane_timeout" if error.reason == "timeout" else "control_plane_unreachable"
            effect = Effect.UNKNOWN if error.was_sent and not is_query else Effect.NONE
            raise _Retryable(_error(reason, f"Khala did not answer ({error.reason})", effect=effect)) from error
        return self._value(answer, is_query=is_query)

    def _value(self, answer: Answer, *, is_query: bool) -> Any:
        try:
            body = answer.json()
        except ValueError:
            body = None
        if isinstance(body, dict) and body.get("status") in ("success", "error") and answer.status in (200, 560):
            envelope = _Envelope.model_validate(body)
            if envelope.status == "error":
                raise self._function_error(envelope)
            if "value" not in body:
                raise _error("control_plane_invalid_payload", "Khala's answer has no value", effect=Effect.UNKNOWN)
            return envelope.value
        raise self._platform_error(answer, body if isinstance(body, dict) else {}, is_query=is_query)

    def _function_error(self, envelope: _Envelope) -> ControlPlaneError:
        """Never retried: redacted, a ``forbidden`` cannot be told apart."""
        code = function_code(envelope.errorData, envelope.errorMessage or "")
        message = self._redactor.redact(envelope.errorMessage or "")
        message = re.sub(r"(?s)(Object:|Value:).*", "…", message)  # validators print all arguments
        remedy = None
        if code == "function_error":
            remedy = "check OA_LIGHTNING_OPS_SECRET first: production answers hide a refused secret"
        elif code == "forbidden":
            remedy = "check OA_LIGHTNING_OPS_SECRET"
        return _error(f"control_plane_{code}", f"Khala's function failed: {plain(message, 300)}", remedy=remedy)

    def _platform_error(self, answer: Answer, body: dict[str, Any], *, is_query: bool) -> Exception:
        """A non-200 or a body of another form: retried when nothing was applied, or when repeating is harmless."""
        code = body.get("code")
        is_ok = answer.status == 200
        reason = "control_plane_invalid_payload" if is_ok else f"control_plane_status_{answer.status}"
        is_not_applied = answer.status in NOT_APPLIED and code in NOT_APPLIED[answer.status]
        is_transient = answer.status in (408, 429) or answer.status >= 500
        is_unknown = not is_query and not is_not_applied and (is_transient or is_ok) and answer.status != 429
        effect = Effect.UNKNOWN if is_unknown else Effect.NONE
        error = _error(reason, f"Khala answered {answer.status}", effect=effect)
        return _Retryable(error) if is_transient else error


def function_code(error_data: Any, error_message: str) -> str:
    """The code of a function's error: from errorData, else found in the message, else ``function_error``."""
    code = error_data.get("code") if isinstance(error_data, dict) else error_data
    if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_]{1,64}", code):
        return code
    found = next((known for known in FUNCTION_CODES if re.search(rf"\b{known}\b", error_message)), None)
    return found or "function_error"


def _error(reason: str, message: str, *, remedy: str | None = None, effect: Effect = Effect.NONE) -> ControlPlaneError:
    return ControlPlaneError(message, reason=reason, remedy=remedy, effect=effect)
