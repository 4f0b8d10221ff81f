"""LND over REST: sent once, followed to the end, looked up by hash when the answer was lost (PAYERS.md)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from reconcile.errors import Effect, PayerError, UsageError
from reconcile.payers import LndRest, PaymentOrder, check_order
from reconcile.payers.lnd import tls_context
from tests.wires import CUT, LOST, REFUSED, Script, answer

PREIMAGE = "11" * 32
HASH = hashlib.sha256(bytes.fromhex(PREIMAGE)).hexdigest()
ORDER = PaymentOrder("lnbcrt1", HASH, 10_000, 90_000, "gateway.example", "reconcile:test")
PAID = {
    "status": "SUCCEEDED",
    "payment_preimage": PREIMAGE,
    "payment_hash": HASH,
    "value_msat": "10000",
    "fee_msat": "7",
}
FAILED = {"status": "FAILED", "payment_preimage": "00" * 32, "failure_reason": "FAILURE_REASON_NO_ROUTE"}


def stream(*payments: dict[str, Any], status: int = 200) -> httpx.Response:
    """A stream of Payments, a line each."""
    return answer(status, "".join(json.dumps({"result": payment}) + "\n" for payment in payments))


def pay(*answers: httpx.Response | Exception) -> tuple[Any, Script]:
    """What came of paying ``ORDER``: the Payment or the PayerError."""
    wire = Script(*answers)
    payer = LndRest("https://lnd.example:8080", SecretStr("0201"), None, transport=wire)
    try:
        return payer.pay(ORDER), wire
    except PayerError as error:
        return error, wire
    finally:
        payer.close()


def test_payment_is_sent_with_its_limits_and_the_macaroon() -> None:
    """The fee limit is what is left of the cap; 64-bit integers are strings; updates in flight are not asked for."""
    payment, wire = pay(stream({"status": "IN_FLIGHT"}, PAID))
    assert (payment.amount_msat, payment.fee_msat, payment.preimage.get_secret_value()) == (10_000, 7, PREIMAGE)
    request = wire.asked[0]
    assert (request.method, request.url.path) == ("POST", "/v2/router/send")
    assert request.headers["grpc-metadata-macaroon"] == "0201"
    assert wire.payload()["fee_limit_msat"] == "90000"
    assert wire.payload()["payment_request"] == "lnbcrt1"
    assert wire.payload()["no_inflight_updates"] is True
    assert PREIMAGE not in repr(payment)


@pytest.mark.parametrize("lost", [LOST, CUT, stream({"status": "IN_FLIGHT"}), answer(200, '{"result": {"sta')])
def test_lost_answer_is_looked_up_and_never_sent_again(lost: httpx.Response | Exception) -> None:
    """The hash tells what became of it."""
    payment, wire = pay(lost, stream(PAID))
    assert payment.preimage.get_secret_value() == PREIMAGE
    assert [request.method for request in wire.asked] == ["POST", "GET"]
    assert wire.asked[1].url.path.startswith("/v2/router/track/")
    assert "=" in str(wire.asked[1].url.path)


@pytest.mark.parametrize("second", [LOST, answer(404, {}), stream({"status": "IN_FLIGHT"})])
def test_payment_that_cannot_be_looked_up_counts_as_spent(second: httpx.Response | Exception) -> None:
    """Unknown is neither paid nor unpaid."""
    error, _ = pay(LOST, second)
    assert (error.reason, error.effect, error.is_inconclusive) == ("payer_outcome_unknown", Effect.UNKNOWN, True)


def test_failed_payment_with_a_preimage_of_zeros_is_no_payment() -> None:
    """``status`` first: a failed Payment carries 64 zeros."""
    error, _ = pay(stream(FAILED))
    assert (error.reason, error.effect, error.is_inconclusive) == ("payer_no_route", Effect.NONE, True)
    assert pay(stream({**FAILED, "failure_reason": "<b>"}))[0].reason == "payer_failed"
    assert pay(LOST, stream(FAILED))[0].reason == "payer_no_route"


def test_preimage_of_another_payment_is_refused() -> None:
    """sha256(preimage) must be the invoice's payment hash."""
    for wrong in ("22" * 32, "xyz", None, PREIMAGE.upper().replace("1", "A")):
        error, _ = pay(stream({**PAID, "payment_preimage": wrong}))
        assert (error.reason, error.effect) == ("payer_wrong_preimage", Effect.UNKNOWN)


@pytest.mark.parametrize(
    ("status", "body", "reason", "effect"),
    [
        (401, "", "payer_unauthorized", Effect.NONE),
        (403, "", "payer_unauthorized", Effect.NONE),
        (500, "verification failed: macaroon", "payer_unauthorized", Effect.NONE),
        (400, "", "payer_status_400", Effect.NONE),
        (503, "", "payer_status_503", Effect.UNKNOWN),
    ],
)
def test_refusal_says_what_it_may_have_done(status: int, body: str, reason: str, effect: Effect) -> None:
    """A refusal paid nothing; another error may have."""
    error, wire = pay(answer(status, body))
    assert (error.reason, error.effect) == (reason, effect)
    assert len(wire.asked) == 1


def test_node_that_is_away_was_sent_nothing() -> None:
    """A refused connection is no unknown outcome."""
    error, _ = pay(REFUSED)
    assert (error.reason, error.effect) == ("payer_unreachable", Effect.NONE)


def test_certificate_is_text_or_a_path_and_never_switched_off(tmp_path: Path) -> None:
    """Something unreadable is a usage error that does not quote it."""
    assert tls_context(None) is True
    for bad in (str(tmp_path / "missing.pem"), "-----BEGIN CERTIFICATE-----\\nrubbish\\n-----END CERTIFICATE-----"):
        with pytest.raises(UsageError, match="PAYER_LND_TLS_CERT") as caught:
            tls_context(bad)
        assert "rubbish" not in str(caught.value)


@pytest.mark.parametrize(
    ("amount", "reason"),
    [(None, "payer_invoice_without_amount"), (0, "payer_invoice_without_amount"), (10_001, "payer_over_cap")],
)
def test_order_without_amount_or_over_the_cap_is_refused_before_anything_is_sent(
    amount: int | None, reason: str
) -> None:
    """What may not be paid is not sent."""
    with pytest.raises(PayerError) as caught:
        check_order(PaymentOrder("lnbcrt1", HASH, amount, 0, "h", "r"), 10_000)
    assert caught.value.reason == reason
