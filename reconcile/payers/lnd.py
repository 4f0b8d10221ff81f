"""LND over REST (PAYERS.md, v0.18 to v0.20): send once, follow the stream, look a lost answer up by its hash."""

from __future__ import annotations

import base64
import json
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from reconcile.errors import Effect, PayerError, UsageError
from reconcile.models import ProofSource
from reconcile.payers.interface import Payment, PaymentOrder, checked_preimage
from reconcile.wire import Answer, Wire, WireError

if TYPE_CHECKING:
    import httpx

PAYMENT_TIMEOUT_S = 20
SEND_TIMEOUT_S = 30.0
TRACK_TIMEOUT_S = 15.0
MAX_BODY_BYTES = 1024 * 1024


class LndRest:
    """Pays through an LND node."""

    source = ProofSource.LND

    def __init__(
        self,
        base_url: str,
        macaroon_hex: SecretStr,
        tls_cert: str | None,
        *,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._wire = Wire(base_url, transport=transport, verify=tls_context(tls_cert), max_body_bytes=MAX_BODY_BYTES)
        self._macaroon_hex = macaroon_hex

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def pay(self, order: PaymentOrder) -> Payment:
        """POST /v2/router/send; an answer that was lost is looked up by the payment hash, never sent again."""
        payload = {
            "payment_request": order.invoice,
            "timeout_seconds": PAYMENT_TIMEOUT_S,
            "fee_limit_msat": str(order.max_fee_msat),
            "no_inflight_updates": True,
        }
        try:
            answer = self._send("POST", "/v2/router/send", SEND_TIMEOUT_S, payload)
        except WireError as error:
            if not error.was_sent:
                raise PayerError("the paying node cannot be reached", reason="payer_unreachable") from error
            return self._look_up(order)
        _refuse_status(answer)
        final = _final(answer)
        return self._look_up(order) if final is None else _payment(final, order)

    def _look_up(self, order: PaymentOrder) -> Payment:
        """GET /v2/router/track/{hash}: what became of a payment whose answer was lost."""
        name = base64.urlsafe_b64encode(bytes.fromhex(order.payment_hash)).decode()
        unknown = PayerError("the payment's outcome is unknown", reason="payer_outcome_unknown", effect=Effect.UNKNOWN)
        try:
            answer = self._send("GET", f"/v2/router/track/{name}?no_inflight_updates=true", TRACK_TIMEOUT_S, None)
        except WireError as error:
            raise unknown from error
        final = _final(answer) if answer.status == 200 else None
        if final is None:
            raise unknown
        return _payment(final, order)

    def _send(self, method: str, path: str, timeout_s: float, payload: dict[str, Any] | None) -> Answer:
        headers = {"grpc-metadata-macaroon": self._macaroon_hex.get_secret_value()}
        return self._wire.send(method, path, headers=headers, timeout_s=timeout_s, json_body=payload)


def tls_context(certificate: str | None) -> ssl.SSLContext | bool:
    """Verification against the given PEM (text or a path), or the public CAs; it is never switched off.

    Raises:
        UsageError: the certificate cannot be read.
    """
    if certificate is None:
        return True
    try:
        is_text = "BEGIN CERTIFICATE" in certificate
        text = certificate.replace("\\n", "\n") if is_text else Path(certificate).read_text()
        return ssl.create_default_context(cadata=text)
    except (OSError, ValueError):
        name = "OA_LIGHTNING_OPS_PAYER_LND_TLS_CERT"
        raise UsageError(name, "is no certificate", remedy="give a PEM file's path or its text") from None


def _refuse_status(answer: Answer) -> None:
    if answer.status in (401, 403) or (answer.status == 500 and b"macaroon" in answer.body):
        remedy = "check OA_LIGHTNING_OPS_PAYER_LND_MACAROON_HEX"
        raise PayerError("the paying node refused the macaroon", reason="payer_unauthorized", remedy=remedy)
    if answer.status != 200:
        effect = Effect.NONE if 400 <= answer.status < 500 else Effect.UNKNOWN
        raise PayerError(
            f"the paying node answered {answer.status}", reason=f"payer_status_{answer.status}", effect=effect
        )


def _final(answer: Answer) -> dict[str, Any] | None:
    """The last Payment of the stream that is settled one way or the other; None when it broke off before."""
    for line in reversed(answer.body.splitlines()):
        try:
            message = json.loads(line)
        except ValueError:
            continue
        result = message.get("result") if isinstance(message, dict) else None
        if isinstance(result, dict) and result.get("status") in ("SUCCEEDED", "FAILED"):
            return result
    return None


def _payment(result: dict[str, Any], order: PaymentOrder) -> Payment:
    """``status`` first, then the hash: a failed Payment carries a preimage of 64 zeros."""
    if result["status"] == "FAILED":
        why = str(result.get("failure_reason", "")).removeprefix("FAILURE_REASON_").lower() or "failed"
        why = why if why.replace("_", "").isalnum() else "failed"
        raise PayerError(f"the paying node could not pay: {why}", reason=f"payer_{why}")
    preimage = checked_preimage(result.get("payment_preimage"), order.payment_hash)
    amount = _integer(result.get("value_msat"))
    return Payment(
        preimage, order.amount_msat or 0 if amount is None else amount, _integer(result.get("fee_msat")) or 0
    )


def _integer(value: object) -> int | None:
    """A 64-bit integer, which REST writes as a string."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else None
