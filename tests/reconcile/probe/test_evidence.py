"""Tests of reconcile.probe.evidence: decoding what an answer carries."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.models import Network
from reconcile.probe import ChallengeEvidence, RouteTarget, read_challenge
from tests.reconcile.l402.minting import PAYMENT_HASH, PREIMAGE, invoice, mint, mint_v1
from tests.reconcile.probe.asking import HOST, challenge_headers, exchange, rule

TARGET = RouteTarget(rule(), HOST, "/r_1")


def test_whole_challenge_is_decoded() -> None:
    """Both schemes, the macaroon, the invoice, and the hash that binds them."""
    found = read_challenge(TARGET, exchange(headers=challenge_headers()))
    assert [challenge.scheme for challenge in found.challenges] == ["LSAT", "L402"]
    assert (found.payment_hash, found.macaroon_problem, found.invoice_problem) == (PAYMENT_HASH, None, None)
    assert found.invoice is not None
    assert found.invoice.payment_hash == PAYMENT_HASH
    assert found.chosen is not None
    assert found.chosen.scheme == "L402"


def test_lsat_is_chosen_where_it_is_all_there_is() -> None:
    """A gateway of one scheme is still read."""
    found = read_challenge(TARGET, exchange(headers=challenge_headers()[:2]))
    assert found.chosen is not None
    assert found.chosen.scheme == "LSAT"


def test_no_answer_is_kept_with_its_reason() -> None:
    """Nothing is decoded where nothing came."""
    found = read_challenge(TARGET, exchange(status=None, error="timeout"))
    assert (found.unmeasured_reason, found.status, found.chosen) == ("timeout", None, None)


def test_answer_without_challenge_has_none() -> None:
    """A 402 that names no challenge."""
    found = read_challenge(TARGET, exchange())
    assert (found.chosen, found.challenge_problem, found.payment_hash) == (None, None, None)


def test_header_that_cannot_be_read_is_a_reason_not_an_exception() -> None:
    """One malformed header must not end the stage."""
    found = read_challenge(TARGET, exchange(headers=(("WWW-Authenticate", "L402 macaroon"),)))
    assert (found.challenge_problem, found.chosen) == ("challenge_malformed", None)


@pytest.mark.parametrize(
    ("macaroon", "reason"),
    [(mint_v1(), "macaroon_not_v2"), ("AgE=", "macaroon_malformed"), (mint(name=b"short"), "identifier_malformed")],
)
def test_macaroon_problem_leaves_the_invoice_readable(macaroon: str, reason: str) -> None:
    """Each part is decoded by itself."""
    found = read_challenge(TARGET, exchange(headers=challenge_headers(macaroon=macaroon)))
    assert (found.macaroon_problem, found.payment_hash) == (reason, None)
    assert found.invoice is not None


def test_invoice_problem_leaves_the_macaroon_readable() -> None:
    """Each part is decoded by itself."""
    found = read_challenge(TARGET, exchange(headers=challenge_headers(bolt11=invoice() + "q")))
    assert (found.invoice, found.invoice_problem) == (None, "invoice_checksum")
    assert found.macaroon is not None


def test_smoke_header_is_that_of_the_probe_route() -> None:
    """Only the challenge URL's own answer may carry ``x-oa-smoke-auth`` (PAYERS.md)."""
    own = read_challenge(TARGET, exchange(headers=(("X-OA-Smoke-Auth", "L402 a:b"),)))
    other = replace(own, rule=rule("r_2"), exchange=exchange(headers=(("x-oa-smoke-auth", "other"),)))
    evidence = ChallengeEvidence((other, own), None, (), own.rule.id, Network.REGTEST, None, None, "fail")
    assert evidence.smoke_auth == "L402 a:b"
    assert replace(evidence, probe_rule_id="nobody").smoke_auth is None
    assert evidence.challenge_of("pw_1:r_2") is other


def test_repr_of_an_exchange_shows_neither_headers_nor_body() -> None:
    """Headers hold macaroons, bodies what is for sale."""
    found = exchange(headers=(("x-oa-smoke-auth", PREIMAGE),), body=b"for sale")
    assert PREIMAGE not in repr(found)
    assert "for sale" not in repr(found)
    assert (found.got, replace(found, status=None, error="timeout").got) == ("status 402", "timeout")
