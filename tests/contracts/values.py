"""What the placeholders of a case stand for: tokens bought at the gateway under test, bytes, the upstream's address."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

from bolt11 import decode
from pymacaroons import MACAROON_V1, Macaroon
from pymacaroons.serializers import BinarySerializer

PLACEHOLDER = re.compile(r"\{(\w+)\.([\w.:/,=+*-]+)\}")
CREDENTIALS = re.compile(rb'L402 macaroon="([^"]+)", invoice="([^"]+)"')
TARGETS = {
    "staging": "/staging",
    "premium": "/premium/a",
    "rewrite": "/rw/a",
    "dead": "/dead",
    "caps": "/caps",
    "limited": "/limited",
    "gratis": "/free-paid",
    "brief": "/brief",
    "twice": "/twice",
    "whitelist": "/whitelist",
    "skip": "/skip",
    "secure": "/secure",
}
# Where a bit is flipped: the packets of a version 2 macaroon, found by what stands in them.
FLIPPED = ("location", "version", "hash", "id", "caveat", "caveat2", "signature", "signature.first", "format", "length")
PATTERN = bytes(range(256)) * 256


def pattern(length: int) -> bytes:
    """Bytes that are the same in every run."""
    return (PATTERN * (length // len(PATTERN) + 1))[:length]


def chunked(length: int, size: int) -> bytes:
    """The same in chunked coding, with its end."""
    body, coded = pattern(length), bytearray()
    for start in range(0, length, size):
        piece = body[start : start + size]
        coded += b"%x\r\n%s\r\n" % (len(piece), piece)
    return bytes(coded) + b"0\r\n\r\n"


@dataclass
class Values:
    """Tokens of one gateway. ``pay``: invoice → preimage in hex."""

    port: int
    pay: Callable[[str], str]
    upstreams: dict[str, str]  # placeholder → address
    bought: dict[str, tuple[str, str]] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)  # what stood for a placeholder → the placeholder

    def filled(self, text: str) -> bytes:
        """A text as it goes over the wire."""
        head = text
        pieces: list[bytes] = []
        end = 0
        for found in PLACEHOLDER.finditer(head):
            pieces += [head[end : found.start()].encode("latin-1"), self._value(found[1], found[2])]
            end = found.end()
        return b"".join(pieces) + head[end:].encode("latin-1")

    def anonymous(self, text: str) -> str:
        """A text with placeholders again."""
        for value, name in sorted(self.named.items(), key=lambda pair: -len(pair[0])):
            text = text.replace(value, name)
        for name, address in self.upstreams.items():
            text = text.replace(address, name)
        return text

    def token(self, name: str) -> tuple[str, str]:
        """Macaroon in base64 and preimage in hex of a token; bought when it is first needed."""
        if name not in self.bought:
            target = TARGETS[name.rstrip("0123456789")]
            head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n"
            answer = b""
            for _ in range(2):  # the second, where the first is free
                answer = _asked(self.port, head.encode())
                if b" 402 " in answer.split(b"\r\n", 1)[0]:
                    break
            found = CREDENTIALS.search(answer)
            assert found is not None, answer[:200]
            macaroon, preimage = self.bought[name] = found[1].decode(), self.pay(found[2].decode())
            self.named |= {macaroon: f"{{{name}.macaroon}}", preimage: f"{{{name}.preimage}}"}  # asked for or not
        return self.bought[name]

    def _value(self, name: str, form: str) -> bytes:
        if name == "bytes":
            return pattern(int(form))
        if name == "chunks":
            length, size = form.split(".")
            return chunked(int(length), int(size))
        if name == "letters":
            return b"a" * int(form)
        value = variant(*self.token(name), form)
        self.named[value] = f"{{{name}.{form}}}"
        if form.endswith(".hex") and form.startswith("macaroon.plus"):  # sent on in base64
            self.named[base64.b64encode(bytes.fromhex(value)).decode()] = f"{{{name}.{form.removesuffix('.hex')}}}"
        return value.encode()


def invoice_hash(invoice: str) -> str:
    """The payment hash of an invoice, in hex."""
    return str(decode(invoice).payment_hash)


def variant(macaroon: str, preimage: str, form: str) -> str:
    """A token in the form that a placeholder names."""
    raw = base64.b64decode(macaroon)
    first, _, rest = form.partition(".")
    if first == "preimage":
        return {"": preimage, "upper": preimage.upper(), "other": hashlib.sha256(preimage.encode()).hexdigest()}[rest]
    if rest.startswith("plus."):
        return _plus(raw, preimage, rest.removeprefix("plus."))
    if rest.startswith("flip."):
        return base64.b64encode(flipped(raw, rest.removeprefix("flip."))).decode()
    forms = {"": macaroon, "hex": raw.hex(), "HEX": raw.hex().upper(), "nopad": macaroon.rstrip("=")}
    forms["urlsafe"] = base64.urlsafe_b64encode(raw).decode()
    forms["foreign"] = _foreign(raw)
    forms["v1"] = _version_1(raw)
    forms["truncated"] = base64.b64encode(raw[:-1]).decode()
    forms["trailing"] = base64.b64encode(raw + b"x").decode()
    forms["twice"] = base64.b64encode(raw + raw).decode()
    return forms[rest]


def _plus(raw: bytes, preimage: str, what: str) -> str:
    """The macaroon with first-party caveats added, as anybody may; in hex if it says so. ``a=b`` or a short name."""
    service = "pw_staging/r_exact"
    short = {
        "preimage": f"preimage={preimage}",
        "valid_until.past": f"{service}_valid_until=1000000000",
        "valid_until.future": f"{service}_valid_until=9999999999",
        "services.other": "services=pw_premium/r_prefix:0",
        "services.same": f"services={service}:0",
        "unknown": "color=blue",
    }
    macaroon: Macaroon = BinarySerializer().deserialize_raw(raw)
    text = what.removesuffix(".hex")
    for caveat in short.get(text, text).split("+"):
        macaroon.add_first_party_caveat(caveat.replace("preimage=mine", f"preimage={preimage}"))
    again = BinarySerializer().serialize_raw(macaroon)
    return again.hex() if what.endswith(".hex") else base64.b64encode(again).decode()


def flipped(raw: bytes, what: str) -> bytes:
    """The macaroon with one bit flipped."""
    macaroon: Macaroon = BinarySerializer().deserialize_raw(raw)
    identifier = raw.index(macaroon.identifier_bytes)
    caveats = [raw.index(caveat.caveat_id_bytes) for caveat in macaroon.caveats]
    places = {
        "format": 0,
        "location": raw.index(b"lsat"),
        "length": identifier - 1,
        "version": identifier + 1,
        "hash": identifier + 10,
        "id": identifier + 50,
        "caveat": caveats[0] + 12,
        "caveat2": caveats[1] + 3,
        "signature.first": len(raw) - 32,
        "signature": len(raw) - 1,
    }
    damaged = bytearray(raw)
    damaged[places[what]] ^= 1
    return bytes(damaged)


def _foreign(raw: bytes) -> str:
    """The same identifier and caveats under somebody else's root key."""
    known: Macaroon = BinarySerializer().deserialize_raw(raw)
    forged = Macaroon(location="lsat", identifier=known.identifier_bytes, key=os.urandom(32), version=known.version)
    for caveat in known.caveats:
        forged.add_first_party_caveat(caveat.caveat_id_bytes)
    return base64.b64encode(BinarySerializer().serialize_raw(forged)).decode()


def _version_1(raw: bytes) -> str:
    """The same macaroon in the packets of version 1: the signature does not cover the format."""
    macaroon: Macaroon = BinarySerializer().deserialize_raw(raw)
    macaroon._version = MACAROON_V1
    packets = [(b"location", b"lsat"), (b"identifier", macaroon.identifier_bytes)]
    packets += [(b"cid", caveat.caveat_id_bytes) for caveat in macaroon.caveats]
    packets += [(b"signature", bytes.fromhex(macaroon.signature))]
    coded = b"".join(b"%04x%s %s\n" % (len(name) + len(value) + 6, name, value) for name, value in packets)
    return base64.b64encode(coded).decode()


def _asked(port: int, raw: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(raw)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer
