"""Tests of reconcile.l402.macaroon."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymacaroons import Macaroon as LibraryMacaroon
from pymacaroons import Verifier
from pymacaroons.exceptions import MacaroonInvalidSignatureException
from pymacaroons.serializers import BinarySerializer

from reconcile.errors import ChallengeError
from reconcile.l402.macaroon import Macaroon, decode_macaroon, flip_caveat_bit, flip_signature_bit
from tests.reconcile.l402.minting import CAVEATS, PAYMENT_HASH, SERVICE, TOKEN_ID, identifier, mint, mint_raw, mint_v1


def reason_of(text: str) -> str:
    """Why a macaroon is refused."""
    with pytest.raises(ChallengeError) as caught:
        decode_macaroon(text)
    return caught.value.reason


def is_genuine(found: Macaroon) -> bool:
    """Whether the library verifies it under the root key it was minted with."""
    verifier = Verifier()
    verifier.satisfy_general(lambda _: True)
    library: LibraryMacaroon = BinarySerializer().deserialize_raw(base64.b64decode(found.encode()))
    try:
        return bool(verifier.verify(library, "root key"))
    except MacaroonInvalidSignatureException:
        return False


def test_minted_macaroon_is_decoded_whole() -> None:
    """v2, location, a binary identifier of 66 bytes, caveats in order, signature of 32 bytes (APERTURE.md)."""
    found = decode_macaroon(mint())
    assert (found.format_version, found.location, len(found.identifier)) == (2, "lsat", 66)
    assert found.caveats == tuple(caveat.encode() for caveat in CAVEATS)
    assert len(found.signature) == 32
    assert found.encode() == mint()


def test_identifier_gives_version_hash_and_token_id() -> None:
    """uint16 version, payment hash, token id (APERTURE.md)."""
    found = decode_macaroon(mint()).read_identifier()
    assert (found.version, found.payment_hash, found.token_id) == (0, PAYMENT_HASH, TOKEN_ID)


@pytest.mark.parametrize("name", [identifier()[:-1], identifier() + b"x", identifier(version=1), b"x"])
def test_identifier_of_another_form_is_malformed(name: bytes) -> None:
    """Not 66 bytes, or not version 0: no payment hash is taken from it."""
    with pytest.raises(ChallengeError) as caught:
        decode_macaroon(mint(name=name)).read_identifier()
    assert caught.value.reason == "identifier_malformed"


def test_services_are_listed_without_tiers() -> None:
    """Each services caveat gives its names; a name may hold a slash."""
    found = decode_macaroon(mint((f"services={SERVICE}:0,other:1", "services=bare", "x=1")))
    assert found.service_lists() == ((SERVICE, "other"), ("bare",))


def test_conditions_are_found_by_exact_name() -> None:
    """``a_valid_until`` is not ``valid_until``."""
    found = decode_macaroon(mint((f"{SERVICE}_valid_until=5", "valid_until=6")))
    assert found.conditions("valid_until") == ("6",)
    assert found.conditions(f"{SERVICE}_valid_until") == ("5",)


def test_v1_is_told_from_v2() -> None:
    """Another binary format has its own reason."""
    assert reason_of(mint_v1()) == "macaroon_not_v2"


def test_endless_v1_packets_do_not_hang() -> None:
    """v1 packets of negative length send pymacaroons round for ever: v1 never reaches it."""
    assert reason_of(base64.b64encode(b"0010cid 12345678-010xxxx").decode()) == "macaroon_not_v2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage!",
        mint().rstrip("=") if mint().endswith("=") else mint()[:-1],
        mint() + "\n",
        base64.b64encode(mint_raw() + b"x").decode(),
        base64.b64encode(mint_raw()[:-1]).decode(),
        base64.b64encode(b"\x02").decode(),
        base64.b64encode(b"\x02\x01\x01\xff\x02\x01x\x00\x00\x06\x20" + bytes(32)).decode(),
        base64.b64encode(b"\x02\x02\x00\x00\x00\x06\x20" + bytes(32)).decode(),
        base64.b64encode(b"\x02\x02\x01x\x00\x00\x06\x04abcd").decode(),
        base64.b64encode(b"\x02\x02\x01x\x00\x02\x01c\x04\x01v\x00\x00\x06\x20" + bytes(32)).decode(),
        base64.b64encode(b"\x02\x02\x01x\x00\x02\x00\x00\x00\x06\x20" + bytes(32)).decode(),
        "A" * 30_000,
    ],
)
def test_damaged_macaroon_is_malformed(text: str) -> None:
    """Bad base64, trailing bytes, cut packets, third-party caveats: one reason, no other exception."""
    assert reason_of(text) == "macaroon_malformed"


def test_url_safe_base64_is_malformed() -> None:
    """Aperture refuses URL-safe base64 (APERTURE.md, recording mac.urlsafe)."""
    text = mint(name=b"\xff\xfe\xfb" * 22)
    assert "/" in text
    assert reason_of(text.replace("/", "_").replace("+", "-")) == "macaroon_malformed"


def test_signature_flip_changes_one_bit_and_stays_readable() -> None:
    """The forgery differs in one bit of the signature and in nothing else."""
    genuine = decode_macaroon(mint())
    forged = decode_macaroon(flip_signature_bit(genuine).encode())
    changed = int.from_bytes(genuine.raw, "big") ^ int.from_bytes(forged.raw, "big")
    assert changed.bit_count() == 1
    assert (forged.signature != genuine.signature, forged.caveats) == (True, genuine.caveats)


def test_caveat_flip_changes_one_bit_of_the_services_caveat() -> None:
    """The forgery differs in one bit of the services caveat, wherever it stands, and keeps the signature."""
    genuine = decode_macaroon(mint(("first=1", *CAVEATS)))
    forged = decode_macaroon(flip_caveat_bit(genuine).encode())
    changed = int.from_bytes(genuine.raw, "big") ^ int.from_bytes(forged.raw, "big")
    assert changed.bit_count() == 1
    assert forged.caveats[1] == f"services={SERVICE}:1".encode()
    assert forged.signature == genuine.signature


def test_caveat_flip_takes_the_first_where_no_services_caveat_is() -> None:
    """Any signed caveat will do."""
    forged = flip_caveat_bit(decode_macaroon(mint(("a=0", "b=0"))))
    assert forged.caveats == (b"a=1", b"b=0")


def test_both_flips_make_a_genuine_macaroon_false() -> None:
    """A flipped bit is one that the signature covers: else a gateway would rightly accept it."""
    genuine = decode_macaroon(mint())
    verdicts = [is_genuine(found) for found in (genuine, flip_signature_bit(genuine), flip_caveat_bit(genuine))]
    assert verdicts == [True, False, False]


def test_macaroon_without_caveats_has_none_to_flip() -> None:
    """Nothing is tampered with in silence."""
    with pytest.raises(ChallengeError) as caught:
        flip_caveat_bit(decode_macaroon(mint(())))
    assert caught.value.reason == "macaroon_without_caveats"


def test_repr_shows_no_secret_part() -> None:
    """Identifier, signature and bytes are in no repr."""
    found = decode_macaroon(mint())
    assert "identifier" not in repr(found)
    assert "signature" not in repr(found)
    assert "raw" not in repr(found)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.binary(max_size=120), st.integers(min_value=0, max_value=len(mint_raw())))
def test_no_bytes_raise_anything_but_a_challenge_error(noise: bytes, cut: int) -> None:
    """Noise behind any beginning of a real macaroon: decoded, or ChallengeError."""
    for raw in (b"\x02" + noise, mint_raw()[:cut] + noise):
        text = base64.b64encode(raw).decode()
        try:
            outcome = decode_macaroon(text).encode()
        except ChallengeError as error:
            outcome = error.reason
        assert outcome in (text, "macaroon_malformed", "macaroon_not_v2")
