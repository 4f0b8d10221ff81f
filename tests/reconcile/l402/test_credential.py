"""Tests of reconcile.l402.credential."""

from __future__ import annotations

import pytest

from reconcile.errors import ChallengeError
from reconcile.l402.credential import build_authorization, parse_authorization
from tests.reconcile.l402.minting import PREIMAGE, SERVICE, mint


@pytest.mark.parametrize("scheme", ["LSAT", "L402"])
def test_both_schemes_are_read_and_written_back(scheme: str) -> None:
    """Aperture takes LSAT and L402 alike (recording valid.lsat)."""
    value = f"{scheme} {mint()}:{PREIMAGE}"
    found = parse_authorization(f"  {value} ")
    assert (found.scheme, found.macaroon_b64, found.preimage_hex) == (scheme, mint(), PREIMAGE)
    assert found.authorization == value


def test_built_value_is_read_back() -> None:
    """``L402 <macaroon>:<preimage>``."""
    assert parse_authorization(build_authorization(mint(), PREIMAGE)).authorization == f"L402 {mint()}:{PREIMAGE}"


@pytest.mark.parametrize("tail", ["0", " x", f", L402 {mint()}:{PREIMAGE}"])
def test_text_behind_the_preimage_is_ignored(tail: str) -> None:
    """Real Aperture accepts it (recordings pre.long, space.trailing, two.comma): a proof is not refused for it."""
    assert parse_authorization(f"L402 {mint()}:{PREIMAGE}{tail}").preimage_hex == PREIMAGE


@pytest.mark.parametrize(
    "value",
    [
        "",
        f"l402 {mint()}:{PREIMAGE}",
        f"Bearer {mint()}:{PREIMAGE}",
        f"L402  {mint()}:{PREIMAGE}",
        f"L402 {mint()}",
        f"L402 {mint()}:",
        f"L402 {mint()}:{PREIMAGE[:-1]}",
        f"L402 {mint()}:{'AB' * 32}",
        f"L402 {mint()}:{PREIMAGE}\r\nX-Other: 1",
        f"L402 :{PREIMAGE}",
    ],
)
def test_what_aperture_refuses_is_malformed(value: str) -> None:
    """Lower-case scheme, two spaces, upper-case or short preimage, a line break; the text quotes no secret."""
    with pytest.raises(ChallengeError) as caught:
        parse_authorization(value)
    assert caught.value.reason == "credential_malformed"
    assert PREIMAGE not in str(caught.value)


def test_unreadable_macaroon_keeps_its_own_reason() -> None:
    """The macaroon is decoded at once."""
    with pytest.raises(ChallengeError) as caught:
        parse_authorization(f"L402 AAAA:{PREIMAGE}")
    assert caught.value.reason == "macaroon_not_v2"


def test_preimage_must_hash_to_the_macaroon_payment_hash() -> None:
    """Only the preimage of the identifier's hash pays for it."""
    assert parse_authorization(f"L402 {mint()}:{PREIMAGE}").matches_hash()
    assert not parse_authorization(f"L402 {mint()}:{'0' * 64}").matches_hash()


def test_identifier_of_another_form_matches_no_preimage() -> None:
    """Could not be read is not a match."""
    assert not parse_authorization(f"L402 {mint(name=b'short')}:{PREIMAGE}").matches_hash()


@pytest.mark.parametrize(
    ("caveats", "is_named"),
    [
        ((f"services={SERVICE}:0",), True),
        ((f"services=other:0,{SERVICE}:0",), True),
        ((f"services={SERVICE}:0", f"services={SERVICE}:0"), True),
        ((f"services={SERVICE}:0", "services=other:0"), False),
        ((f"services={SERVICE}x:0",), False),
        (("x=1",), False),
        ((), False),
    ],
)
def test_every_services_caveat_must_list_the_service(caveats: tuple[str, ...], is_named: bool) -> None:
    """A later services caveat only narrows; without any the token names no service."""
    assert parse_authorization(f"L402 {mint(caveats)}:{PREIMAGE}").names_service(SERVICE) is is_named


def test_repr_shows_neither_macaroon_nor_preimage() -> None:
    """A credential is money."""
    shown = repr(parse_authorization(f"L402 {mint()}:{PREIMAGE}"))
    assert PREIMAGE not in shown
    assert mint() not in shown
