"""The wallet executor (PAYERS.md): one POST, no look-up by hash, so that an unknown outcome counts as spent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from reconcile.errors import Effect, PayerError
from reconcile.models import ProofSource
from reconcile.payers.interface import Payment, PaymentOrder, checked_preimage
from reconcile.wire import Answer, Wire, WireError

if TYPE_CHECKING:
    import httpx

CODES = frozenset(
    {
        "unauthorized",
        "invalid_request",
        "host_not_allowed",
        "request_cap_exceeded",
        "quoted_amount_exceeds_cap",
        "window_cap_exceeded",
        "payment_pending",
        "payment_failed",
        "prepare_failed",
        "send_failed",
        "connect_failed",
        "payment_missing_preimage",
    }
)
# Outcome unknown: the payment may be on its way, or made.
UNKNOWN_CODES = frozenset({"payment_pending", "payment_missing_preimage", "send_failed"})


class WalletExecutor:
    """Pays through the wallet service."""

    source = ProofSource.WALLET_EXECUTOR

    def __init__(
        self, base_url: str, token: SecretStr | None, timeout_s: float, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._wire = Wire(base_url, transport=transport, max_body_bytes=1024 * 1024)
        self._token = token
        self._timeout_s = timeout_s

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def pay(self, order: PaymentOrder) -> Payment:
        """POST /pay-bolt11."""
        cap = (order.amount_msat or 0) + order.max_fee_msat
        payload = {
            "requestId": order.request_id,
            "payment": {"invoice": order.invoice, "maxAmountMsats": cap, "host": order.host},
        }
        headers = {"x-request-id": order.request_id}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token.get_secret_value()}"
        try:
            answer = self._wire.send(
                "POST", "/pay-bolt11", headers=headers, timeout_s=self._timeout_s, json_body=payload
            )
        except WireError as error:
            effect = Effect.UNKNOWN if error.was_sent else Effect.NONE
            reason = "payer_outcome_unknown" if error.was_sent else "payer_unreachable"
            raise PayerError("the wallet executor did not answer", reason=reason, effect=effect) from error
        return self._payment(answer, order)

    def _payment(self, answer: Answer, order: PaymentOrder) -> Payment:
        body = _object(answer)
        if answer.status != 200 or body.get("ok") is not True:
            raise _refusal(answer.status, body)
        result = body.get("result")
        payment = result.get("payment") if isinstance(result, dict) else None
        if not isinstance(payment, dict):
            raise PayerError(
                "the wallet's answer has no payment", reason="payer_invalid_payload", effect=Effect.UNKNOWN
            )
        preimage = checked_preimage(payment.get("preimageHex"), order.payment_hash)
        paid = payment.get("amountMsats")
        amount = order.amount_msat or 0
        fee = max(0, int(paid) - amount) if isinstance(paid, (int, float)) else 0
        return Payment(preimage, amount, fee)


def _object(answer: Answer) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}


def _refusal(status: int, body: dict[str, Any]) -> PayerError:
    """A known code says what happened; any other answer leaves the outcome open."""
    error = body.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if code not in CODES:
        effect = Effect.NONE if 400 <= status < 500 else Effect.UNKNOWN
        return PayerError(f"the wallet executor answered {status}", reason=f"payer_status_{status}", effect=effect)
    effect = Effect.UNKNOWN if code in UNKNOWN_CODES else Effect.NONE
    remedy = "check OA_LIGHTNING_WALLET_EXECUTOR_AUTH_TOKEN" if code == "unauthorized" else None
    return PayerError(f"the wallet executor did not pay: {code}", reason=f"payer_{code}", remedy=remedy, effect=effect)
