"""Tests of reconcile.l402.challenge."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.errors import ChallengeError
from reconcile.l402.challenge import parse_challenges

MACAROON = "AgEEbHNhdA+/=="
INVOICE = "lnbcrt100n1abc"


def parse(*values: str) -> list[tuple[str, str, str]]:
    """(scheme, macaroon, invoice) of every challenge in header lines."""
    found = parse_challenges([("Www-Authenticate", value) for value in values])
    return [(c.scheme, c.macaroon_b64, c.invoice) for c in found]


def test_aperture_two_lines_give_two_challenges_in_order() -> None:
    """Aperture sends LSAT, then L402, in two header lines (APERTURE.md)."""
    params = f'macaroon="{MACAROON}", invoice="{INVOICE}"'
    assert parse(f"LSAT {params}", f"L402 {params}") == [("LSAT", MACAROON, INVOICE), ("L402", MACAROON, INVOICE)]


@pytest.mark.parametrize("name", ["WWW-Authenticate", "www-authenticate", "Www-Authenticate"])
def test_header_name_is_read_in_any_case(name: str) -> None:
    """Header names have no case."""
    assert len(parse_challenges([(name, f'L402 macaroon="{MACAROON}", invoice="{INVOICE}"')])) == 1


def test_other_headers_hold_no_challenge() -> None:
    """Only WWW-Authenticate is read."""
    assert parse_challenges([("Proxy-Authenticate", f'L402 macaroon="{MACAROON}", invoice="{INVOICE}"')]) == ()


@pytest.mark.parametrize(
    "value",
    [
        f'L402 invoice="{INVOICE}", macaroon="{MACAROON}"',
        f'l402 macaroon="{MACAROON}",invoice="{INVOICE}"',
        f"L402 macaroon={MACAROON}, invoice={INVOICE}",
        f'L402  MACAROON = "{MACAROON}" ,  Invoice="{INVOICE}"',
        f'L402 version="0", token="{MACAROON}", invoice="{INVOICE}", later="x"',
        f'L402 macaroon="{MACAROON}" invoice="{INVOICE}"',
        f', L402 macaroon="{MACAROON}", invoice="{INVOICE}",',
    ],
)
def test_any_order_case_quoting_and_unknown_parameters_are_accepted(value: str) -> None:
    """A client accepts token= and macaroon=, any order, unknown parameters (APERTURE.md)."""
    assert parse(value) == [("L402", MACAROON, INVOICE)]


@pytest.mark.parametrize("name", ["macaroon", "token"])
def test_parameter_that_held_the_token_is_reported(name: str) -> None:
    """A verifier reports whether it saw macaroon= or token=."""
    (found,) = parse_challenges([("www-authenticate", f'L402 version="0", {name}="{MACAROON}", invoice="{INVOICE}"')])
    assert (found.token_param, dict(found.params)) == (name, {"version": "0"})


def test_other_schemes_between_are_skipped() -> None:
    """Payment, Bearer, Basic and Negotiate beside LSAT and L402 in one line change nothing."""
    params = f'macaroon="{MACAROON}", invoice="{INVOICE}"'
    line = f'Negotiate, Bearer abc==, LSAT {params}, Payment id="1", realm="a, L402 b", L402 {params}, Basic realm="x"'
    assert [scheme for scheme, _, _ in parse(line)] == ["LSAT", "L402"]


def test_quoted_escapes_are_resolved() -> None:
    """A backslash in a quoted value stands for the character behind it (RFC 9110 §5.6.4)."""
    (found,) = parse_challenges([("www-authenticate", rf'L402 token="{MACAROON}", invoice="x", note="a\"b\\c"')])
    assert found.params["note"] == r'a"b\c'


@pytest.mark.parametrize(
    "value",
    [
        "L402",
        f'L402 macaroon="{MACAROON}"',
        f'L402 invoice="{INVOICE}"',
        f'L402 macaroon="", invoice="{INVOICE}"',
        f'L402 macaroon="{MACAROON}", invoice=""',
        f'L402 macaroon="{MACAROON}", macaroon="x", invoice="{INVOICE}"',
        f'L402 macaroon="{MACAROON}", invoice="{INVOICE}',
        f'L402 macaroon="{MACAROON}"invoice="{INVOICE}"',
        "=",
    ],
)
def test_challenge_without_its_parts_is_malformed(value: str) -> None:
    """A challenge that cannot be used has one stable reason, and its text quotes no token."""
    with pytest.raises(ChallengeError) as caught:
        parse(value)
    assert caught.value.reason == "challenge_malformed"
    assert MACAROON not in str(caught.value)


def test_repr_shows_no_macaroon() -> None:
    """A macaroon is half a credential: it is in no repr."""
    found = parse_challenges([("www-authenticate", f'L402 macaroon="{MACAROON}", invoice="{INVOICE}"')])
    assert MACAROON not in repr(found)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(st.text(alphabet='LSAT402 l,="\\\tmacroninvetk;/', max_size=80))
def test_no_header_raises_anything_but_a_challenge_error(value: str) -> None:
    """Whatever a gateway sends, only ChallengeError comes out."""
    reason = "challenge_malformed"
    try:
        parse(value)
    except ChallengeError as error:
        reason = error.reason
    assert reason == "challenge_malformed"


def test_long_hostile_header_is_read_in_linear_time() -> None:
    """A header of 100 KB costs no more than a moment, whatever is in it."""
    assert parse("a " * 50_000) == []
    assert parse("Bearer " + "x" * 100_000) == []
