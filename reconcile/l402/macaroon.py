"""Reads and damages macaroons: v2 binary, standard base64, as Aperture mints them.

Sources: APERTURE.md "Challenge" (v2, location, identifier of 66 bytes, caveats) and "Measured, not read" (URL-safe or
unpadded base64 is refused; the location is not covered by the signature). Only first-party caveats are meant here.
pymacaroons decodes the packets; it also takes URL-safe base64 and trailing bytes, and can run for ever on v1, so both
are refused before it and after it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field

from pymacaroons import Macaroon as LibraryMacaroon
from pymacaroons.serializers import BinarySerializer

from reconcile.errors import ChallengeError

FORMAT_VERSION = 2
IDENTIFIER_BYTES = 66
IDENTIFIER_VERSION = 0
MAX_BYTES = 16 * 1024
_HASH_BYTES = 32
_SIGNATURE_BYTES = 32


@dataclass(frozen=True, slots=True)
class Identifier:
    """Version (uint16), payment hash (64 lower-case hex), token id (32 bytes)."""

    version: int
    payment_hash: str
    token_id: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Macaroon:
    """A decoded macaroon. ``caveats`` are the first-party conditions, in order."""

    format_version: int
    location: str
    identifier: bytes = field(repr=False)
    caveats: tuple[bytes, ...]
    signature: bytes = field(repr=False)
    raw: bytes = field(repr=False)

    def read_identifier(self) -> Identifier:
        """The identifier's parts.

        Raises:
            ChallengeError: ``identifier_malformed``: not 66 bytes, or not of version 0.
        """
        version = int.from_bytes(self.identifier[:2], "big")
        if len(self.identifier) != IDENTIFIER_BYTES or version != IDENTIFIER_VERSION:
            what = f"identifier of {len(self.identifier)} bytes, version {version}"
            raise ChallengeError(what, reason="identifier_malformed")
        payment_hash = self.identifier[2 : 2 + _HASH_BYTES].hex()
        return Identifier(version, payment_hash, self.identifier[2 + _HASH_BYTES :])

    def conditions(self, name: str) -> tuple[str, ...]:
        """The values of every caveat ``<name>=<value>``, in order."""
        prefix = f"{name}=".encode()
        found = (caveat for caveat in self.caveats if caveat.startswith(prefix))
        return tuple(caveat[len(prefix) :].decode("utf-8", "replace") for caveat in found)

    def service_lists(self) -> tuple[tuple[str, ...], ...]:
        """The names in each ``services`` caveat, tiers left out: ``services=a:0,b:0`` is ``("a", "b")``."""
        return tuple(
            tuple(entry.rpartition(":")[0] or entry for entry in value.split(","))
            for value in self.conditions("services")
        )

    def encode(self) -> str:
        """Standard base64, padded."""
        return base64.b64encode(self.raw).decode("ascii")


def decode_macaroon(text: str) -> Macaroon:
    """The macaroon in padded standard base64.

    Raises:
        ChallengeError: ``macaroon_malformed``, or ``macaroon_not_v2`` for another binary format.
    """
    if len(text) > MAX_BYTES * 4 // 3:
        raise _malformed("longer than any macaroon")
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise _malformed("not padded standard base64") from None
    if not raw:
        raise _malformed("empty")
    if raw[0] != FORMAT_VERSION:
        raise ChallengeError(f"macaroon of binary format 0x{raw[0]:02x}, not 2", reason="macaroon_not_v2")
    return _from_library(_deserialize(raw), raw)


def flip_signature_bit(macaroon: Macaroon) -> Macaroon:
    """The same macaroon with the last bit of its signature flipped: well-formed, and forged."""
    damaged = _deserialize(macaroon.raw)
    damaged.signature = binascii.hexlify(_flip_last_bit(macaroon.signature))
    return _rebuild(damaged)


def flip_caveat_bit(macaroon: Macaroon) -> Macaroon:
    """The same macaroon with the last bit of a caveat flipped (``services``' tier, else the first caveat's).

    Raises:
        ChallengeError: ``macaroon_without_caveats``: there is nothing to flip.
    """
    if not macaroon.caveats:
        raise ChallengeError("a macaroon without caveats", reason="macaroon_without_caveats")
    named = (index for index, caveat in enumerate(macaroon.caveats) if caveat.startswith(b"services="))
    index = next(named, 0)
    damaged = _deserialize(macaroon.raw)
    damaged.caveats[index].caveat_id = _flip_last_bit(macaroon.caveats[index])
    return _rebuild(damaged)


def _deserialize(raw: bytes) -> LibraryMacaroon:
    try:
        return BinarySerializer().deserialize_raw(raw)
    except Exception:  # the library raises bare Exception, IndexError, UnicodeDecodeError and its own alike
        raise _malformed("packets that cannot be read") from None


def _from_library(found: LibraryMacaroon, raw: bytes) -> Macaroon:
    signature = binascii.unhexlify(found.signature_bytes)
    if len(signature) != _SIGNATURE_BYTES or not raw.endswith(signature):
        raise _malformed("no signature of 32 bytes at the end")
    if not found.identifier_bytes:
        raise _malformed("no identifier")
    if any(caveat.third_party() or not caveat.caveat_id_bytes for caveat in found.caveats):
        raise _malformed("a third-party or empty caveat")
    caveats = tuple(caveat.caveat_id_bytes for caveat in found.caveats)
    return Macaroon(FORMAT_VERSION, found.location, found.identifier_bytes, caveats, signature, raw)


def _rebuild(damaged: LibraryMacaroon) -> Macaroon:
    return _from_library(damaged, BinarySerializer().serialize_raw(damaged))


def _flip_last_bit(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def _malformed(what: str) -> ChallengeError:
    return ChallengeError(f"macaroon: {what}", reason="macaroon_malformed")
