"""The wallet executor: one POST, its codes, and an unknown outcome that counts as spent (PAYERS.md)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from reconcile.errors import Effect, PayerError
from reconcile.payers import WalletExecutor
from tests.reconcile.payers.test_lnd import ORDER, PREIMAGE
from tests.wires import CUT, LOST, REFUSED, Script, answer

UNKNOWN = {"payment_pending", "send_failed", "payment_missing_preimage"}
CODES = {
    401: ["unauthorized"],
    400: ["invalid_request"],
    403: ["host_not_allowed", "request_cap_exceeded", "quoted_amount_exceeds_cap", "window_cap_exceeded"],
    504: ["payment_pending"],
    502: ["payment_failed", "prepare_failed", "send_failed", "connect_failed", "payment_missing_preimage"],
}


def paid(**changes: Any) -> httpx.Response:
    """The wallet's success."""
    payment = {"paymentId": "p", "amountMsats": 10_003.0, "preimageHex": PREIMAGE, "paidAtMs": 1, **changes}
    return answer(200, {"ok": True, "result": {"payment": payment}})


def pay(reply: httpx.Response | Exception, token: str | None = "wallet-token") -> tuple[Any, Script]:
    """The Payment or the PayerError."""
    wire = Script(reply)
    secret = SecretStr(token) if token else None
    payer = WalletExecutor("https://wallet.example/base", secret, 5.0, transport=wire)
    try:
        return payer.pay(ORDER), wire
    except PayerError as error:
        return error, wire
    finally:
        payer.close()


def test_payment_is_asked_for_with_cap_host_and_request_id() -> None:
    """The cap covers amount and fees; what was paid above the amount is the fee."""
    payment, wire = pay(paid())
    assert (payment.amount_msat, payment.fee_msat) == (10_000, 3)
    assert wire.payload() == {
        "requestId": "reconcile:test",
        "payment": {"invoice": "lnbcrt1", "maxAmountMsats": 100_000, "host": "gateway.example"},
    }
    assert wire.asked[0].url.path == "/base/pay-bolt11"
    assert wire.asked[0].headers["authorization"] == "Bearer wallet-token"
    assert wire.asked[0].headers["x-request-id"] == "reconcile:test"


def test_no_token_sends_no_authorization() -> None:
    """The token is optional."""
    assert "authorization" not in pay(paid(), None)[1].asked[0].headers


@pytest.mark.parametrize(("status", "code"), [(status, code) for status, codes in CODES.items() for code in codes])
def test_code_of_the_wallet_is_the_reason(status: int, code: str) -> None:
    """Every code of the contract, and whether money may have moved."""
    error, wire = pay(answer(status, {"ok": False, "error": {"code": code, "message": "m"}}))
    assert (error.reason, error.is_inconclusive) == (f"payer_{code}", True)
    assert error.effect is (Effect.UNKNOWN if code in UNKNOWN else Effect.NONE)
    assert len(wire.asked) == 1


@pytest.mark.parametrize(
    ("reply", "reason", "effect"),
    [
        (LOST, "payer_outcome_unknown", Effect.UNKNOWN),
        (CUT, "payer_outcome_unknown", Effect.UNKNOWN),
        (REFUSED, "payer_unreachable", Effect.NONE),
        (answer(500, "<html>"), "payer_status_500", Effect.UNKNOWN),
        (answer(404, {}), "payer_status_404", Effect.NONE),
        (answer(200, {"ok": True}), "payer_invalid_payload", Effect.UNKNOWN),
        (answer(200, {"ok": False, "error": {"code": "new_code"}}), "payer_status_200", Effect.UNKNOWN),
        (paid(preimageHex="22" * 32), "payer_wrong_preimage", Effect.UNKNOWN),
        (paid(preimageHex=None), "payer_wrong_preimage", Effect.UNKNOWN),
    ],
)
def test_other_answers_leave_the_outcome_open_unless_nothing_was_sent(
    reply: httpx.Response | Exception, reason: str, effect: Effect
) -> None:
    """Unknown counts as spent; only a refusal or no connection is certain."""
    error, _ = pay(reply)
    assert (error.reason, error.effect) == (reason, effect)


def test_missing_amount_is_taken_for_the_invoices() -> None:
    """Then no fee is known."""
    assert pay(paid(amountMsats=None))[0].fee_msat == 0
