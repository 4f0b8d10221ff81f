"""Reads BOLT11 invoices: prefix, amount to the millisatoshi, checksum, signature, payee.

Sources: BOLT #11; APERTURE.md "Measured, not read" (LND's raw invoices carry no ``n`` field: the payee is recovered from
the signature, which proves nothing without a known key; simnet's ``lnsb`` is refused).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconcile.errors import ChallengeError
from reconcile.models import Network

INVOICE_PREFIXES: Mapping[str, Network] = {
    "lnbcrt": Network.REGTEST,
    "lntbs": Network.SIGNET,
    "lntb": Network.TESTNET,
    "lnbc": Network.MAINNET,
}
MAX_CHARACTERS = 7089  # what a QR code holds, the format's own bound in practice
_PICO_PER_MSAT = 10
_PICO = {"": 10**12, "m": 10**9, "u": 10**6, "n": 10**3, "p": 1}
_HUMAN_PART = re.compile(r"(lnbcrt|lntbs|lntb|lnbc)(?:([1-9][0-9]{0,18})([munp]?))?")


@dataclass(frozen=True, slots=True)
class Invoice:
    """A BOLT11 invoice whose checksum and signature hold. ``payee`` is 66 hex, ``payment_hash`` 64, both lower case."""

    network: Network
    amount_msat: int | None
    payment_hash: str
    payee: str
    timestamp_s: int
    expiry_s: int
    raw: str

    @property
    def expires_at_s(self) -> int:
        """Unix time in seconds from which it can no longer be paid."""
        return self.timestamp_s + self.expiry_s


def decode_invoice(text: str) -> Invoice:
    """The invoice in ``text``, all lower or all upper case.

    Raises:
        ChallengeError: ``invoice_malformed`` (prefix, amount, fields), ``invoice_checksum``, ``invoice_signature``.
    """
    from bolt11 import Bolt11Exception, decode
    from bolt11.exceptions import Bolt11Bech32InvalidException, Bolt11SignatureVerifyException

    network, amount_msat, lower = _read_human_part(text)
    try:
        found = decode(lower)
        payee, payment_hash = str(found.payee), str(found.payment_hash)
        timestamp_s, expiry_s = int(found.date), int(found.expiry)
    except Bolt11Bech32InvalidException:
        raise ChallengeError("invoice: its checksum does not hold", reason="invoice_checksum") from None
    except Bolt11SignatureVerifyException:
        raise ChallengeError("invoice: its signature is not the payee's", reason="invoice_signature") from None
    except Bolt11Exception as error:
        raise _malformed(type(error).__name__) from None
    except Exception as error:  # the library lets coincurve's, bitstring's and unicode errors out
        reason = "invoice_signature" if "recover" in str(error) else "invoice_malformed"
        raise ChallengeError(f"invoice: {type(error).__name__}", reason=reason) from None
    return Invoice(network, amount_msat, payment_hash, payee, timestamp_s, expiry_s, text)


def _read_human_part(text: str) -> tuple[Network, int | None, str]:
    """Network, amount in msat, and the text in lower case."""
    if len(text) > MAX_CHARACTERS or not text.isascii():
        raise _malformed("too long or not ASCII")
    if text not in (text.lower(), text.upper()):
        raise ChallengeError("invoice: mixed case", reason="invoice_checksum")
    lower = text.lower()
    match = _HUMAN_PART.fullmatch(lower.rpartition("1")[0])
    if match is None:
        raise _malformed("no prefix of a known network with a valid amount")
    prefix, digits, unit = match[1], match[2], match[3] or ""
    if digits is None:
        return INVOICE_PREFIXES[prefix], None, lower
    pico, rest = divmod(int(digits) * _PICO[unit], _PICO_PER_MSAT)
    if rest:
        raise _malformed("an amount below a millisatoshi")
    return INVOICE_PREFIXES[prefix], pico, lower


def _malformed(what: str) -> ChallengeError:
    return ChallengeError(f"invoice: {what}", reason="invoice_malformed")
