"""Planted secrets appear in no file of the run, no terminal output, no exception text: decoded and unpacked too."""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import WALLET, Ran, embedded, run_against

pytestmark = pytest.mark.e2e

FAULTS = (
    None,
    "khala-read-forbidden",
    "paywall-without-price",
    "khala-intent-refused",
    "khala-down-after-intent",
    "snapshot-401",
    "deploy-500-after",
    "health-answers",
    "challenge-amount",
    "challenge-macaroon",
    "proxy-random-preimage",
    "proxy-served",
    "proxy-foreign",
    "wallet-unauthorized",
    "wallet-wrong-preimage",
    "smoke-auth",
)
ENCODED = re.compile(rb"[A-Za-z0-9+/_-]{40,}={0,2}")


def layers(raw: bytes, depth: int = 3) -> Iterator[bytes]:
    """The bytes, and what is packed in them: gzip, base64, data: URIs, to a few levels."""
    yield raw
    if depth == 0:
        return
    if raw.startswith(b"\x1f\x8b"):
        yield from layers(gzip.decompress(raw), depth - 1)
    for match in ENCODED.finditer(raw):
        text = match[0].translate(bytes.maketrans(b"-_", b"+/"))
        try:
            inner = base64.b64decode(text + b"=" * (-len(text) % 4))
        except ValueError:
            continue
        if inner.startswith(b"\x1f\x8b") or all(32 <= byte < 127 or byte in b"\r\n\t" for byte in inner):
            yield from layers(inner, depth - 1)


def leaks(ran: Ran, canaries: set[str]) -> set[tuple[str, str]]:
    """(where, canary) of everything that was found."""
    places = {"terminal": ran.output.encode()}
    if ran.folder is not None:
        places |= {path.name: path.read_bytes() for path in ran.folder.rglob("*") if path.is_file()}
    return {
        (name, canary)
        for name, raw in places.items()
        for layer in layers(raw)
        for canary in canaries
        if canary.encode() in layer
    }


@pytest.mark.parametrize("fault", FAULTS)
def test_no_secret_reaches_any_output(fault: str | None, tmp_path: Path) -> None:
    """Ops secret, bearer tokens, macaroons, preimages: nowhere, on success and on each kind of failure."""
    faults = () if fault is None else (fault,)
    nobody = {WALLET + "BASE_URL": "", WALLET + "AUTH_TOKEN": ""} if fault == "smoke-auth" else {}
    with embedded(*faults) as stack:
        arguments = ("-l", "-rA", "--log-cli-level=DEBUG", "--tb=long")
        ran = run_against(stack, tmp_path, *arguments, **nobody)
        assert ran.folder is not None, ran.output
        canaries = {stack.khala_secret, stack.ops_token, stack.wallet_token}
        canaries |= {preimage for preimage, _ in stack.node._preimages.values()}
        rows = stack.tokens._db.execute("SELECT root_key, raw FROM root_keys").fetchall()
        canaries |= {base64.b64encode(raw).decode() for _, raw in rows} | {root_key.hex() for root_key, _ in rows}
        assert len(canaries) >= 3
        assert leaks(ran, canaries) == set()


def test_scan_finds_what_is_planted(tmp_path: Path) -> None:
    """The scanner itself is not blind: plain, in base64, and in gzip behind a data: URI."""
    secret = "canary-canary-canary-canary"
    packed = base64.b64encode(gzip.compress(f"x {secret} y".encode())).decode()
    for text in (
        secret,
        base64.b64encode(f"token is {secret}, keep it".encode()).decode(),
        f"<a href='data:text/plain;base64,{packed}'>",
    ):
        (tmp_path / "file.html").write_text(text)
        ran = Ran(0, "", "", tmp_path)
        assert leaks(ran, {secret}) == {("file.html", secret)}
