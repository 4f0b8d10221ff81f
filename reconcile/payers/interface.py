"""A payer in the run's words: an invoice in, a preimage out. Amounts in msat; a preimage is money."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import SecretStr

from reconcile.errors import Effect, PayerError
from reconcile.models import ProofSource

_PREIMAGE = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """What to pay. ``max_fee_msat``: what is left of the cap above the amount; ``host``: whose invoice it is."""

    invoice: str
    payment_hash: str
    amount_msat: int | None
    max_fee_msat: int
    host: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment that succeeded."""

    preimage: SecretStr = field(repr=False)
    amount_msat: int
    fee_msat: int


class Payer(Protocol):
    """Pays one invoice. ``pay`` raises PayerError, and nothing else of its own."""

    source: ProofSource

    def pay(self, order: PaymentOrder) -> Payment:
        """Send the payment, once."""

    def close(self) -> None:
        """Close the connections."""


def check_order(order: PaymentOrder, left_msat: int) -> None:
    """Refuse, before anything is sent, an invoice without an amount or above what is left of the cap."""
    if order.amount_msat is None or order.amount_msat <= 0:
        raise PayerError("the invoice has no amount", reason="payer_invoice_without_amount")
    if order.amount_msat > left_msat:
        message = f"the invoice asks {order.amount_msat} msat, {left_msat} msat are left of MAX_SPEND_MSATS"
        raise PayerError(message, reason="payer_over_cap", remedy="raise OA_LIGHTNING_OPS_MAX_SPEND_MSATS")


def checked_preimage(preimage_hex: object, payment_hash: str) -> SecretStr:
    """The preimage, if sha256(preimage) is the payment hash; else PayerError: it counts as spent, and proves nothing."""
    text = preimage_hex if isinstance(preimage_hex, str) else ""
    is_right = _PREIMAGE.fullmatch(text) and hashlib.sha256(bytes.fromhex(text)).hexdigest() == payment_hash
    if not is_right:
        message = "the payer's preimage does not fit the invoice's payment hash"
        raise PayerError(message, reason="payer_wrong_preimage", effect=Effect.UNKNOWN)
    return SecretStr(text)
