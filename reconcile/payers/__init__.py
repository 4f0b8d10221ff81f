"""Payers: the port, and the adapters behind it."""

from reconcile.payers.interface import Payer, Payment, PaymentOrder, check_order, checked_preimage
from reconcile.payers.lnd import LndRest
from reconcile.payers.wallet_executor import WalletExecutor

__all__ = ["LndRest", "Payer", "Payment", "PaymentOrder", "WalletExecutor", "check_order", "checked_preimage"]
