"""The credential: ``L402 <macaroon base64>:<preimage, 64 lower-case hex>``.

Source: APERTURE.md "Challenge" and "Measured, not read": the scheme's case matters, upper-case hex and a second space are
refused; text behind the preimage is ignored by Aperture, so a proof that carries some is still read.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from reconcile.errors import ChallengeError
from reconcile.l402.challenge import Scheme
from reconcile.l402.macaroon import Macaroon, decode_macaroon

_CREDENTIAL = re.compile(r"(LSAT|L402) ([A-Za-z0-9+/]+={0,2}):([0-9a-f]{64})[ -~]*")


@dataclass(frozen=True, slots=True)
class Credential:
    """A macaroon with the preimage that pays for it. Both are money: neither is in the repr."""

    scheme: Scheme
    macaroon_b64: str = field(repr=False)
    preimage_hex: str = field(repr=False)
    macaroon: Macaroon = field(repr=False)

    @property
    def authorization(self) -> str:
        """The value for ``Authorization``."""
        return f"{self.scheme} {self.macaroon_b64}:{self.preimage_hex}"

    def matches_hash(self) -> bool:
        """True when the preimage is that of the macaroon's payment hash; false too for an identifier of another form."""
        try:
            payment_hash = self.macaroon.read_identifier().payment_hash
        except ChallengeError:
            return False
        return hashlib.sha256(bytes.fromhex(self.preimage_hex)).hexdigest() == payment_hash

    def names_service(self, name: str) -> bool:
        """True when there is a ``services`` caveat and each one lists ``name``."""
        lists = self.macaroon.service_lists()
        return bool(lists) and all(name in names for names in lists)


def build_authorization(macaroon_b64: str, preimage_hex: str) -> str:
    """``L402 <macaroon>:<preimage>``."""
    return f"L402 {macaroon_b64}:{preimage_hex}"


def parse_authorization(value: str) -> Credential:
    """The credential in the value of an ``Authorization`` header.

    Raises:
        ChallengeError: ``credential_malformed``, or the macaroon's own reason.
    """
    match = _CREDENTIAL.fullmatch(value.strip(" \t"))
    if match is None:
        raise ChallengeError("not '<LSAT or L402> <macaroon>:<64 hex>'", reason="credential_malformed")
    scheme: Scheme = "LSAT" if match[1] == "LSAT" else "L402"
    return Credential(scheme, match[2], match[3], decode_macaroon(match[2]))
