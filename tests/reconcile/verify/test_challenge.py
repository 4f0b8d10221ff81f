"""Tests of reconcile.verify.challenge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconcile.models import CheckId, Network, Outcome
from reconcile.probe import RouteChallenge
from reconcile.verify import verify
from reconcile.verify.challenge import is_payable
from tests.reconcile.l402.minting import PAYEE, TIMESTAMP_S, identifier, invoice, mint, mint_v1
from tests.reconcile.probe.asking import HOST, challenge_headers, exchange, rule
from tests.reconcile.verify.evidence import NOTHING, PASSED, again, challenges, row, verdict

CHECKS = [check for check in CheckId if check.value.startswith("challenge.")]
ROUTE_CHECKS = [check for check in CHECKS if check is not CheckId.CHALLENGE_SUSPENDED]
OTHER_KEY = "02" + "ab" * 32


def only(**changes: Any) -> RouteChallenge:
    """A route with one part of its decoded answer changed."""
    found = row()
    assert found.exchange is not None
    return replace(found, exchange=replace(found.exchange, **changes))


@pytest.mark.parametrize("check", CHECKS)
def test_gateway_that_is_right_passes(check: CheckId) -> None:
    """What real Aperture answers is no failure."""
    assert verdict(check, challenges()) == PASSED


def unanswered() -> RouteChallenge:
    """A route that timed out."""
    return row(answer=exchange(status=None, error="timeout"))


SPOILT = {
    CheckId.CHALLENGE_STATUS: (row(answer=exchange(status=404)), "status_404"),
    CheckId.CHALLENGE_NO_STORE: (only(headers=challenge_headers()[1:]), "missing_no_store"),
    CheckId.CHALLENGE_NO_UPSTREAM_BYTES: (only(body=b"for sale"), "upstream_bytes_in_challenge"),
    CheckId.CHALLENGE_SCHEMES: (replace(row(), challenges=row().challenges[1:]), "schemes_incomplete"),
    CheckId.CHALLENGE_MACAROON: (row(macaroon=mint_v1()), "macaroon_not_v2"),
    CheckId.CHALLENGE_INVOICE: (row(bolt11=invoice() + "q"), "invoice_checksum"),
    CheckId.CHALLENGE_PAYMENT_HASH: (
        row(macaroon=mint(("services=pw_1/r_1:0",), identifier("ee" * 32))),
        "payment_hash_mismatch",
    ),
    CheckId.CHALLENGE_AMOUNT: (row(bolt11=invoice(amount_msat=10_001)), "amount_mismatch"),
    CheckId.CHALLENGE_NETWORK: (row(bolt11=invoice("bc")), "network_mismatch"),
    CheckId.CHALLENGE_EXPIRY: (only(at_ms=(TIMESTAMP_S + 86_400) * 1000), "invoice_expired"),
    CheckId.CHALLENGE_SERVICE: (row(macaroon=mint(("services=pw_1/r_2:0",))), "service_mismatch"),
    CheckId.CHALLENGE_VALID_UNTIL: (row(caveats=("pw_1/r_1_valid_until=1",)), "valid_until_unexpected"),
}


@pytest.mark.parametrize(("check", "found", "reason"), [(check, *spoilt) for check, spoilt in SPOILT.items()])
def test_one_wrong_route_among_good_ones_fails_its_own_check_alone(
    check: CheckId, found: RouteChallenge, reason: str
) -> None:
    """Each check decides its own thing: the others pass over what is wrong here."""
    evidence = challenges(row(rule("r_2")), found, row(rule("r_3")))
    verdicts = {other: verdict(other, evidence) for other in CHECKS}
    assert verdicts.pop(check) == (Outcome.FAILED, reason)
    assert set(verdicts.values()) == {PASSED}
    (problem,) = verify(check, evidence).problems
    assert problem.subject == "pw_1:r_1"


@pytest.mark.parametrize("check", [check for check in ROUTE_CHECKS if check is not CheckId.CHALLENGE_STATUS])
def test_nothing_examined_is_never_a_pass(check: CheckId) -> None:
    """Every route timed out: each check but status, which owns that, measured nothing."""
    assert verdict(check, challenges(unanswered())) == NOTHING


@pytest.mark.parametrize(("error", "reason"), [("timeout", "timeout"), ("connection_failed", "connection_failed")])
def test_route_without_answer_fails_status(error: str, reason: str) -> None:
    """Status owns what never came."""
    evidence = challenges(row(), row(rule("r_2"), answer=exchange(status=None, error=error)))
    assert verdict(CheckId.CHALLENGE_STATUS, evidence) == (Outcome.FAILED, reason)


def test_node_that_is_gone_comes_first_with_a_remedy() -> None:
    """The reason is the node's, whatever else is wrong."""
    found = verify(CheckId.CHALLENGE_STATUS, challenges(row(), unanswered(), is_node_unavailable=True))
    assert (found.outcome, found.reason) == (Outcome.FAILED, "lightning_node_unavailable")
    assert "Lightning node" in (found.remedy or "")


@pytest.mark.parametrize("reason", ["no_request_for_route", "host_not_routed"])
def test_route_that_cannot_be_asked_is_inconclusive(reason: str) -> None:
    """Could not measure is no pass (RECONCILE.md §3)."""
    missing = RouteChallenge(rule("r_2"), HOST, None, problem=reason)
    assert verdict(CheckId.CHALLENGE_STATUS, challenges(row(), missing)) == (Outcome.INCONCLUSIVE, reason)


def test_failure_outweighs_an_open_question() -> None:
    """A wrong route fails the check though another could not be asked."""
    missing = RouteChallenge(rule("r_2"), HOST, None, problem="no_request_for_route")
    evidence = challenges(missing, row(answer=exchange(status=500)))
    found = verify(CheckId.CHALLENGE_STATUS, evidence)
    assert (found.outcome, found.reason, len(found.problems)) == (Outcome.FAILED, "status_500", 2)


def test_unrouted_host_is_listed_where_it_is_only_to_be_reported() -> None:
    """UNROUTED_HOSTS=report: listed, and no failure; but not when it is all there is."""
    unrouted = row(rule("r_2"), answer=exchange(status=None, error="host_not_routed"))
    found = verify(CheckId.CHALLENGE_STATUS, challenges(row(), unrouted, unrouted_hosts="report"))
    assert (found.outcome, "pw_1:r_2" in (found.detail or "")) == (Outcome.PASSED, True)
    assert verdict(CheckId.CHALLENGE_STATUS, challenges(unrouted, unrouted_hosts="report")) == NOTHING


@pytest.mark.parametrize("value", ["no-store", "private, No-Store", "max-age=0,no-store"])
def test_no_store_is_found_among_other_directives(value: str) -> None:
    """Directives have no case and stand in a list."""
    headers = (("CACHE-CONTROL", value), *challenge_headers()[1:])
    assert verdict(CheckId.CHALLENGE_NO_STORE, challenges(only(headers=headers))) == PASSED


@pytest.mark.parametrize("body", [b"", b"payment required", b"payment required\n"])
def test_aperture_body_or_none_holds_no_upstream_bytes(body: bytes) -> None:
    """Aperture's whole body, or that of HEAD."""
    assert verdict(CheckId.CHALLENGE_NO_UPSTREAM_BYTES, challenges(only(body=body))) == PASSED


@pytest.mark.parametrize("head", [b"payment required\n", b""])
def test_upstream_bytes_behind_padding_are_found(head: bytes) -> None:
    """The body must be exactly Aperture's: what is for sale may stand behind 600 spaces."""
    found = only(body=head + b" " * 600 + b"for sale")
    assert verdict(CheckId.CHALLENGE_NO_UPSTREAM_BYTES, challenges(found))[0] is Outcome.FAILED


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        (challenge_headers()[:1], "challenge_missing"),
        ((("WWW-Authenticate", "L402 macaroon"),), "challenge_malformed"),
        ((*challenge_headers()[:2], *challenge_headers(macaroon=mint())[2:]), "schemes_differ"),
        ((*challenge_headers()[:2], *challenge_headers(bolt11=invoice("bc"))[2:]), "schemes_differ"),
    ],
)
def test_schemes_must_be_both_and_carry_one_token(headers: tuple[tuple[str, str], ...], reason: str) -> None:
    """LSAT and L402, the same macaroon and the same invoice in both."""
    found = row(answer=exchange(headers=headers))
    assert verdict(CheckId.CHALLENGE_SCHEMES, challenges(found)) == (Outcome.FAILED, reason)


def test_identifier_of_another_form_is_the_macaroon_check_own() -> None:
    """66 bytes, version 0; the payment hash check passes it over."""
    evidence = challenges(row(rule("r_2")), row(macaroon=mint(("services=pw_1/r_1:0",), b"short")))
    assert verdict(CheckId.CHALLENGE_MACAROON, evidence) == (Outcome.FAILED, "identifier_malformed")
    assert verdict(CheckId.CHALLENGE_PAYMENT_HASH, evidence) == PASSED


def test_invoice_without_amount_is_not_the_price() -> None:
    """An invoice of any amount asks for no price."""
    evidence = challenges(row(bolt11=invoice(amount_msat=None)))
    assert verdict(CheckId.CHALLENGE_AMOUNT, evidence) == (Outcome.FAILED, "amount_mismatch")


@pytest.mark.parametrize("network", [network for network in Network if network is not Network.REGTEST])
def test_network_is_the_configured_one(network: Network) -> None:
    """Every other network is wrong."""
    evidence = challenges(network=network)
    assert verdict(CheckId.CHALLENGE_NETWORK, evidence) == (Outcome.FAILED, "network_mismatch")


def test_payee_is_one_and_the_same() -> None:
    """Without a known key every invoice must still name one node, and the finding says what was not checked."""
    odd = row(rule("r_2"))
    assert odd.invoice is not None
    odd = replace(odd, invoice=replace(odd.invoice, payee=OTHER_KEY))
    assert verdict(CheckId.CHALLENGE_PAYEE, challenges(row(), odd)) == (Outcome.FAILED, "payee_mismatch")
    assert "LND_NODE_PUBKEY" in (verify(CheckId.CHALLENGE_PAYEE, challenges()).detail or "")


def test_payee_is_the_known_key() -> None:
    """With LND_NODE_PUBKEY set every invoice must be signed by it."""
    assert verdict(CheckId.CHALLENGE_PAYEE, challenges(node_pubkey=PAYEE)) == PASSED
    found = verify(CheckId.CHALLENGE_PAYEE, challenges(node_pubkey=OTHER_KEY))
    assert (found.outcome, found.reason, len(found.problems)) == (Outcome.FAILED, "payee_mismatch", 3)


def test_payee_of_the_second_challenge_counts() -> None:
    """One and the same for the whole run (RECONCILE.md §3)."""
    second = again(row())
    assert second.invoice is not None
    second = replace(second, invoice=replace(second.invoice, payee=OTHER_KEY))
    assert verdict(CheckId.CHALLENGE_PAYEE, challenges(second=second))[0] is Outcome.FAILED


@pytest.mark.parametrize(
    "caveats", [("x=1",), ("services=pw_1/r_1:0,pw_1/r_2:0",), ("services=pw_1/r_1:0", "services=pw_1/r_2:0")]
)
def test_token_is_for_this_service_alone(caveats: tuple[str, ...]) -> None:
    """No services caveat, or one that opens another service as well."""
    evidence = challenges(row(macaroon=mint(caveats)))
    assert verdict(CheckId.CHALLENGE_SERVICE, evidence) == (Outcome.FAILED, "service_mismatch")


def test_unknown_caveats_are_no_failure() -> None:
    """Real Aperture mints capabilities and constraints as well."""
    evidence = challenges(row(caveats=("pw_1/r_1_capabilities=", "odd=1")))
    assert {verdict(check, evidence) for check in CHECKS} == {PASSED}


def test_lifetime_is_there_where_it_is_wanted() -> None:
    """TOKEN_TIMEOUT_S set: valid_until present; absent is a failure."""
    lasting = row(caveats=("pw_1/r_1_valid_until=1700003600",))
    assert verdict(CheckId.CHALLENGE_VALID_UNTIL, challenges(lasting, token_timeout_s=3600)) == PASSED
    assert verdict(CheckId.CHALLENGE_VALID_UNTIL, challenges(token_timeout_s=3600)) == (
        Outcome.FAILED,
        "valid_until_missing",
    )


def test_lifetime_of_another_service_is_none() -> None:
    """``<name>_valid_until``: Aperture reads only this service's (APERTURE.md)."""
    other = row(caveats=("pw_1/r_2_valid_until=1700003600",))
    assert verdict(CheckId.CHALLENGE_VALID_UNTIL, challenges(other, token_timeout_s=3600))[0] is Outcome.FAILED


def test_second_challenge_has_another_hash() -> None:
    """The same hash twice: one invoice for two customers."""
    assert verdict(CheckId.CHALLENGE_FRESH, challenges(second=row())) == (Outcome.FAILED, "challenge_repeated")
    assert verdict(CheckId.CHALLENGE_FRESH, challenges(second=None)) == NOTHING


def test_no_suspended_route_is_nothing_wrong() -> None:
    """Where nothing is suspended there is nothing to serve."""
    assert verdict(CheckId.CHALLENGE_SUSPENDED, challenges(suspended=())) == PASSED


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (row(answer=exchange(status=404, body=b"404 page not found")), PASSED),
        (row(macaroon=mint(("services=pw_2/live:0",))), PASSED),
        (row(answer=exchange(status=200)), (Outcome.FAILED, "suspended_route_served")),
        (row(answer=exchange(status=302)), (Outcome.FAILED, "suspended_route_served")),
        (row(), (Outcome.FAILED, "suspended_route_mints")),
        (unanswered(), (Outcome.INCONCLUSIVE, "timeout")),
    ],
)
def test_suspended_route_neither_serves_nor_mints(found: RouteChallenge, expected: tuple[Outcome, str | None]) -> None:
    """404, or a 402 of another service that answers there now, is right."""
    assert verdict(CheckId.CHALLENGE_SUSPENDED, challenges(suspended=(found,))) == expected


@pytest.mark.parametrize(
    "found",
    [
        row(answer=exchange(status=None, error="host_not_routed")),
        RouteChallenge(rule(), HOST, None, problem="no_request_for_route"),
        row(macaroon=mint_v1()),
        row(answer=exchange(headers=(("WWW-Authenticate", "L402 macaroon"),))),
    ],
)
def test_suspended_route_that_was_not_measured_is_no_pass(found: RouteChallenge) -> None:
    """Could not measure is a third verdict, never a pass (STYLE.md 9)."""
    assert verdict(CheckId.CHALLENGE_SUSPENDED, challenges(suspended=(found,)))[0] is not Outcome.PASSED


def test_challenge_that_passed_everything_is_payable() -> None:
    """Only then, and only a route that was examined."""
    assert is_payable(challenges(), "pw_1:r_1")
    assert not is_payable(challenges(), "pw_1:nobody")


@pytest.mark.parametrize("found", [found for found, _ in SPOILT.values()])
def test_nothing_is_payable_when_any_challenge_is_wrong(found: RouteChallenge) -> None:
    """The wrong route itself, and every other one in the same run."""
    evidence = challenges(row(rule("r_2")), found)
    assert not is_payable(evidence, "pw_1:r_1")
    assert not is_payable(evidence, "pw_1:r_2")
