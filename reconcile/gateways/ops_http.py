"""The gateway's own ops API (OPS_API.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr, ValidationError

from reconcile.compile.charges import Charge
from reconcile.errors import Effect, GatewayError
from reconcile.gateways.interface import Applied, ApplyRequest, PromoteRequest, RestoreRequest, Settlement
from reconcile.gateways.sight import ServingServices, Sight
from reconcile.models import ActiveDeployment, Deployment
from reconcile.plain import one_line
from reconcile.service_tuple import RevisionFacts, ServiceTuple
from reconcile.wire import Answer, Wire, WireError

if TYPE_CHECKING:
    import httpx

READ_TIMEOUT_S, WRITE_TIMEOUT_S = 10.0, 30.0
MAX_BODY_BYTES = 1024 * 1024
MAX_SAID = 300  # characters of the gateway's own words
REFUSED = frozenset({400, 401, 403, 404, 405, 413, 422, 429})  # nothing was changed (RECONCILE.md §2)
CONFLICT = frozenset({409, 412})  # somebody else changed the gateway
LOST = frozenset({502, 504})  # said by what stands before the gateway: it may have happened


class OpsHttpGateway:
    """Drives a gateway over ``/ops``."""

    def __init__(
        self,
        base_url: str,
        token: SecretStr | None,
        request_id: str,
        *,
        write_timeout_s: float = WRITE_TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._wire = Wire(base_url, transport=transport, max_body_bytes=MAX_BODY_BYTES)
        self._token = token
        self._request_id = request_id
        self._write_timeout_s = write_timeout_s

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def active(self, timeout_s: float | None = None) -> ActiveDeployment:
        """GET /ops/deployment."""
        answer = self._send("GET", "/ops/deployment", None, None, timeout_s or READ_TIMEOUT_S)
        if answer.status != 200:
            raise _status_error(answer.status, Effect.NONE)
        body = _json_object(answer)
        if "deployment" not in body:
            raise _payload_error(Effect.NONE)
        deployment = None if body["deployment"] is None else _deployment(body["deployment"])
        return ActiveDeployment(deployment, answer.headers.get("etag"))

    def apply(self, request: ApplyRequest) -> Applied:
        """POST /ops/deploy."""
        payload = {
            "requestId": request.request_id,
            "deploymentId": request.deployment_id,
            "configHash": request.config_hash,
            "apertureYaml": request.compiled.aperture_yaml,
        }
        answer = self._write("/ops/deploy", payload, request.etag)
        deployment = _answered(answer)
        if deployment.config_hash != request.config_hash:
            message = "the gateway's answer names another configHash than was sent"
            error = GatewayError(message, reason="config_hash_mismatch", effect=Effect.CHANGED)
            error.answered = deployment
            raise error
        return Applied(deployment)

    def promote(self, request: PromoteRequest) -> None:
        """What was applied serves already."""

    def restore(self, request: RestoreRequest) -> None:
        """POST /ops/rollback."""
        payload = {
            "requestId": request.request_id,
            "deploymentId": request.deployment_id,
            "targetConfigHash": request.target_config_hash,
        }
        if request.image_digest is not None:
            payload["imageDigest"] = request.image_digest
        self._write("/ops/rollback", payload, request.etag)

    def settle(self, settlement: Settlement) -> tuple[str, ...]:
        """The ops API keeps no marks."""
        return ()

    def describe(self) -> RevisionFacts | None:
        """The ops API shows no more than ``active``."""
        return None

    def look(self) -> Sight:
        """Who serves; the ops API shows no more."""
        deployment = self.active().deployment
        return Sight(deployment, deployment.image_digest if deployment is not None else None)

    def serving_services(self, _: Sight) -> ServingServices | None:
        """The ops API does not show its config."""
        return None

    def objection(self, _: ApplyRequest) -> GatewayError | None:
        """The ops API says so only when it is deployed to."""
        return None

    def charges(self, saved: ServiceTuple | None, requests: Sequence[tuple[str, str]]) -> tuple[Charge | None, ...]:
        """The ops API shows no config."""
        return (None,) * len(requests)

    def identify(self) -> SecretStr | None:
        """Nothing of Google's stands before it."""
        return None

    def _write(self, path: str, payload: dict[str, str], etag: str | None) -> Answer:
        """The 200 of a write; every other answer is sorted into what it may have done."""
        answer = self._send("POST", path, payload, etag, self._write_timeout_s)
        if answer.status == 200:
            return answer
        if answer.status in CONFLICT:
            remedy = "find out who else deploys to this gateway, then run again"
            message = f"the gateway answered {answer.status}: somebody else changed it"
            raise GatewayError(
                message, reason="concurrent_modification", remedy=remedy, effect=Effect.REFUSED, status=answer.status
            )
        if answer.status in REFUSED:
            raise _status_error(answer.status, Effect.REFUSED, _said(answer))
        raise _status_error(answer.status, Effect.UNKNOWN if answer.status in LOST else Effect.CHANGED, _said(answer))

    def _send(
        self, method: str, path: str, payload: dict[str, str] | None, etag: str | None, timeout_s: float
    ) -> Answer:
        headers = {"x-oa-request-id": self._request_id}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token.get_secret_value()}"
        if etag is not None:
            headers["if-match"] = etag
        try:
            return self._wire.send(method, path, headers=headers, timeout_s=timeout_s, json_body=payload)
        except WireError as error:
            effect = Effect.UNKNOWN if error.was_sent and method == "POST" else Effect.NONE
            message = f"{method} {path}: no whole answer ({error.reason})"
            raise GatewayError(message, reason=error.reason, effect=effect) from error


def _status_error(status: int, effect: Effect, said: str | None = None) -> GatewayError:
    """``reason`` stays a stable word; what the gateway said beside the status is in text, remedy and ``said``."""
    reason, remedy = f"status_{status}", f"the gateway says: {said}" if said else None
    if status == 401:
        reason, remedy = "unauthorized", "check OA_LIGHTNING_OPS_GATEWAY_OPS_TOKEN"
    message = f"the gateway's ops API answered {status}" + (f": {said}" if said else "")
    error = GatewayError(message, reason=reason, remedy=remedy, effect=effect, status=status)
    error.said = said
    return error


def _said(answer: Answer) -> str | None:
    """The ``error`` of a JSON answer: printable, one line, bounded; None without one."""
    try:
        body = answer.json()
    except ValueError:
        return None
    said = body.get("error") if isinstance(body, dict) else None
    if not isinstance(said, str):
        return None
    return one_line(said, MAX_SAID) or None


def _payload_error(effect: Effect) -> GatewayError:
    return GatewayError("the gateway's answer is no deployment", reason="invalid_gateway_payload", effect=effect)


def _json_object(answer: Answer) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _payload_error(Effect.CHANGED)
    return body


def _answered(answer: Answer) -> Deployment:
    """The deployment in a write's answer, bare or under its key."""
    body = _json_object(answer)
    return _deployment(body.get("deployment", body), Effect.CHANGED)


def _deployment(value: Any, effect: Effect = Effect.NONE) -> Deployment:
    try:
        return Deployment.model_validate(value)
    except ValidationError:
        raise _payload_error(effect) from None
