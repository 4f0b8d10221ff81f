"""Mints macaroons and invoices for these tests, with the libraries and without the code under test."""

from __future__ import annotations

import base64
import hashlib

from bolt11 import Bolt11, MilliSatoshi, Tag, TagChar, Tags, encode
from pymacaroons import MACAROON_V1, MACAROON_V2
from pymacaroons import Macaroon as LibraryMacaroon
from pymacaroons.serializers import BinarySerializer

PREIMAGE = "07" * 32
PAYMENT_HASH = hashlib.sha256(bytes.fromhex(PREIMAGE)).hexdigest()
PRIVATE_KEY = "11" * 32
PAYEE = "034f355bdcb7cc0af728ef3cceb9615d90684bb5b2ca5f859ab0f0b704075871aa"
TOKEN_ID = bytes(range(200, 232))  # not UTF-8
TIMESTAMP_S = 1_700_000_000
SERVICE = "pw_1/r_1"
CAVEATS = (f"services={SERVICE}:0", f"{SERVICE}_capabilities=")


def identifier(payment_hash: str = PAYMENT_HASH, version: int = 0) -> bytes:
    """uint16 version, payment hash, token id."""
    return version.to_bytes(2, "big") + bytes.fromhex(payment_hash) + TOKEN_ID


def mint_raw(
    caveats: tuple[str, ...] = CAVEATS, name: bytes | None = None, location: str = "lsat", version: int = MACAROON_V2
) -> bytes:
    """A macaroon's bytes."""
    found = LibraryMacaroon(location=location, identifier=name or identifier(), key="root key", version=version)
    for caveat in caveats:
        found.add_first_party_caveat(caveat)
    return bytes(BinarySerializer().serialize_raw(found))


def mint(caveats: tuple[str, ...] = CAVEATS, name: bytes | None = None, location: str = "lsat") -> str:
    """A macaroon as Aperture spells it: padded standard base64."""
    return base64.b64encode(mint_raw(caveats, name, location)).decode()


def mint_v1() -> str:
    """A macaroon of the old binary format."""
    return base64.b64encode(mint_raw(name=b"plain", version=MACAROON_V1)).decode()


def invoice(currency: str = "bcrt", amount_msat: int | None = 10_000, *, has_payee: bool = False) -> str:
    """A signed BOLT11 invoice with the tags of LND's."""
    tags = [
        Tag(TagChar.payment_hash, PAYMENT_HASH),
        Tag(TagChar.description, "L402"),
        Tag(TagChar.min_final_cltv_expiry, 80),
        Tag(TagChar.expire_time, 86_400),
        Tag(TagChar.payment_secret, "cd" * 32),
    ]
    if has_payee:
        tags.append(Tag(TagChar.payee, PAYEE))
    amount = None if amount_msat is None else MilliSatoshi(amount_msat)
    found = Bolt11(currency=currency, date=TIMESTAMP_S, tags=Tags(tags), amount_msat=amount)
    return str(encode(found, PRIVATE_KEY, keep_payee=has_payee))
