"""Tests of reconcile.l402.invoice."""

from __future__ import annotations

import pytest
from bech32 import CHARSET, bech32_decode, bech32_encode
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.errors import ChallengeError
from reconcile.l402.invoice import decode_invoice
from reconcile.models import Network
from tests.reconcile.l402.minting import PAYEE, PAYMENT_HASH, TIMESTAMP_S, invoice

SIGNATURE_CHARACTERS = 104
RECOVERY_BITS_AT = -1


def reason_of(text: str) -> str:
    """Why an invoice is refused."""
    with pytest.raises(ChallengeError) as caught:
        decode_invoice(text)
    return caught.value.reason


def split(text: str) -> tuple[str, list[int]]:
    """The readable part and the five-bit values behind it."""
    prefix, values = bech32_decode(text)
    assert prefix is not None
    assert values is not None
    return prefix, values


def rebuilt(human_part: str | None = None, edits: dict[int, int] | None = None, text: str | None = None) -> str:
    """The invoice with its prefix or some five-bit values replaced, under a valid checksum."""
    prefix, values = split(text or invoice())
    for index, value in (edits or {}).items():
        values[index] = value
    return str(bech32_encode(human_part or prefix, values))


@pytest.mark.parametrize(
    ("currency", "network"),
    [("bc", Network.MAINNET), ("tb", Network.TESTNET), ("tbs", Network.SIGNET), ("bcrt", Network.REGTEST)],
)
@pytest.mark.parametrize("amount_msat", [10_000, None])
def test_prefix_gives_the_network(currency: str, network: Network, amount_msat: int | None) -> None:
    """lnbc, lntb, lntbs, lnbcrt; the longer prefix is not taken for the shorter one."""
    found = decode_invoice(invoice(currency, amount_msat))
    assert (found.network, found.amount_msat) == (network, amount_msat)


def test_fields_are_read_and_the_payee_is_recovered() -> None:
    """LND's invoices carry no n field: the key comes from the signature (APERTURE.md)."""
    found = decode_invoice(invoice())
    assert (found.payment_hash, found.payee) == (PAYMENT_HASH, PAYEE)
    assert (found.timestamp_s, found.expiry_s, found.expires_at_s) == (TIMESTAMP_S, 86_400, TIMESTAMP_S + 86_400)


def test_named_payee_must_have_signed() -> None:
    """With an n field the signature is held against that key."""
    text = invoice(has_payee=True)
    assert decode_invoice(text).payee == PAYEE
    assert reason_of(rebuilt(human_part="lnbcrt200n", text=text)) == "invoice_signature"


def test_changed_amount_under_a_new_checksum_names_another_payee() -> None:
    """Without a known key any signature verifies: only the payee tells (APERTURE.md)."""
    found = decode_invoice(rebuilt(human_part="lnbcrt200n"))
    assert found.amount_msat == 20_000
    assert found.payee != PAYEE


@pytest.mark.parametrize(
    ("human_part", "amount_msat"),
    [("lnbc1", 10**11), ("lnbc20m", 2 * 10**9), ("lnbc2500u", 250_000_000), ("lnbc15n", 1_500), ("lnbc10p", 1)],
)
def test_amount_is_exact_to_the_millisatoshi(human_part: str, amount_msat: int) -> None:
    """Every multiplier of BOLT #11, by integers."""
    assert decode_invoice(rebuilt(human_part=human_part)).amount_msat == amount_msat


@pytest.mark.parametrize("human_part", ["lnbc1p", "lnbc15p", "lnbc0n", "lnbc01n", "lnbc1x", "lnbcn", "lnsb100n", "bc"])
def test_odd_amount_or_unknown_prefix_is_malformed(human_part: str) -> None:
    """A part of a millisatoshi, a leading zero, another multiplier, simnet: never rounded, never guessed."""
    assert reason_of(rebuilt(human_part=human_part)) == "invoice_malformed"


def test_upper_case_is_read_and_mixed_case_refused() -> None:
    """Bech32 is one case throughout."""
    text = invoice()
    assert decode_invoice(text.upper()).payment_hash == PAYMENT_HASH
    assert reason_of(text[:-1] + text[-1].upper() if text[-1].isalpha() else "L" + text[1:]) == "invoice_checksum"


def test_one_changed_character_breaks_the_checksum() -> None:
    """The checksum covers every character."""
    text = invoice()
    other = CHARSET[(CHARSET.index(text[40]) + 1) % 32]
    assert reason_of(text[:40] + other + text[41:]) == "invoice_checksum"


def test_signature_that_recovers_no_key_has_its_own_reason() -> None:
    """A recovery id above 3 belongs to no key."""
    assert reason_of(rebuilt(edits={RECOVERY_BITS_AT: 31})) == "invoice_signature"


def test_zeroed_signature_has_its_own_reason() -> None:
    """A signature of zeros recovers no key."""
    zeros = {-index: 0 for index in range(1, SIGNATURE_CHARACTERS + 1)}
    assert reason_of(rebuilt(edits=zeros)) == "invoice_signature"


@pytest.mark.parametrize("text", ["", "1", "lnbc", "l" * 8_000, "lnbc10n1é", "lnbc10n1" + "q" * 20])
def test_what_is_no_invoice_is_refused(text: str) -> None:
    """Empty, too long, not ASCII, too short: a reason, and no library's error."""
    assert reason_of(text) in ("invoice_malformed", "invoice_checksum")


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(st.dictionaries(st.integers(0, 150), st.integers(0, 31), min_size=1, max_size=8), st.integers(1, 200))
def test_no_fields_raise_anything_but_a_challenge_error(edits: dict[int, int], length: int) -> None:
    """Any five-bit values under a valid checksum, cut anywhere: decoded, or ChallengeError."""
    prefix, values = split(invoice())
    for index, value in edits.items():
        values[index] = value
    for data in (values, values[:length]):
        try:
            outcome = f"invoice_{decode_invoice(bech32_encode(prefix, data)).network}"
        except ChallengeError as error:
            outcome = error.reason
        assert outcome in ("invoice_regtest", "invoice_malformed", "invoice_signature")
