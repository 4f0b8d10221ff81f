"""Tests of reconcile.probe.prober: what each stage asks."""

from __future__ import annotations

import pytest

from reconcile.l402 import build_authorization, decode_macaroon, parse_authorization
from reconcile.models import CheckId, Outcome
from reconcile.probe import PaidEvidence, ProxyEvidence, RefusalEvidence, RouteTarget, is_google_front_end
from reconcile.verify import verify
from tests.reconcile.l402.minting import PREIMAGE, mint
from tests.reconcile.probe.asking import HOST, challenge_answer, exchange, prober, rule
from tests.reconcile.probe.gateway import Answer, Asked, running

GOOGLE = Answer(404, (("Content-Type", "text/html; charset=UTF-8"), ("Server", "Google Frontend")), b"<html>404</html>")
OWN = RouteTarget(rule(), HOST, "/r_1?q=1")
OTHER = RouteTarget(rule("r_2"), HOST, "/r_2")


def test_health_asks_the_health_path() -> None:
    """One request, to the health path, mints nothing."""
    with running(lambda *_: Answer()) as gw:
        asker = prober(gw.base_url)
        found = asker.health()
    assert [asked.target for asked in gw.asked] == ["/healthz"]
    assert (found.exchange.status, found.challenge, asker.invoices_minted) == (200, None, 0)


def test_health_asks_the_challenge_url_behind_google_front_end() -> None:
    """Google's own 404: the challenge URL decides (RECONCILE.md §3)."""
    with running(lambda _, number: GOOGLE if number == 0 else challenge_answer()) as gw:
        asker = prober(gw.base_url)
        found = asker.health()
    assert [asked.target for asked in gw.asked] == ["/healthz", "/r_1?q=1"]
    assert found.challenge is not None
    assert (found.challenge.status, asker.invoices_minted) == (402, 1)


@pytest.mark.parametrize(("status", "kind"), [(404, "text/plain"), (200, "text/html"), (503, "text/html")])
def test_only_an_html_404_is_google_front_end(status: int, kind: str) -> None:
    """Aperture's own 404 is plain text."""
    headers = (("content-type", kind), ("server", "Google Frontend"))
    assert not is_google_front_end(exchange(status=status, headers=headers))


def test_challenge_status_is_that_of_the_challenge_url() -> None:
    """For a restored gateway; None without an answer."""
    with running(lambda *_: challenge_answer()) as gw:
        assert prober(gw.base_url).challenge_status() == 402
    assert prober(gw.base_url).challenge_status() is None


def test_challenges_asks_each_once_and_the_probe_route_twice() -> None:
    """Targets, the probe route again, then the suspended routes; every 402 with a challenge is counted."""
    closed = RouteTarget(rule("closed"), HOST, "/closed")

    def script(asked: Asked, _: int) -> Answer:
        return Answer(404) if asked.target == "/closed" else challenge_answer(asked.target[1:4])

    with running(script) as gw:
        asker = prober(gw.base_url)
        found = asker.challenges([OTHER, OWN], [closed], OWN.rule.id)
    assert sorted(asked.target for asked in gw.asked) == ["/closed", "/r_1?q=1", "/r_1?q=1", "/r_2"]
    assert [row.rule.id for row in found.routes] == ["pw_1:r_2", "pw_1:r_1"]
    assert found.second is not None
    assert (found.second.rule.id, found.suspended[0].status) == ("pw_1:r_1", 404)
    assert (asker.invoices_minted, found.is_node_unavailable) == (3, False)


def test_route_without_a_request_is_not_asked() -> None:
    """No request could be found: said so, at its place."""
    with running(lambda *_: challenge_answer()) as gw:
        found = prober(gw.base_url).challenges([RouteTarget(rule("r_0"), HOST, None), OWN], [], OWN.rule.id)
    assert [row.unmeasured_reason for row in found.routes] == ["no_request_for_route", None]
    assert len(gw.asked) == 2


def test_few_routes_that_all_time_out_mean_the_node_is_gone() -> None:
    """Every mint request of the stage timed out, though fewer than ten."""
    with running(lambda *_: Answer(delay_s=5)) as gw:
        found = prober(gw.base_url, timeout_s=0.2).challenges([OWN, OTHER], [], OWN.rule.id)
    assert found.is_node_unavailable


def test_refusals_try_no_credential_zeros_and_random_hex() -> None:
    """The three ways not to have paid (RECONCILE.md §3), at the proxy URL."""
    with running(lambda *_: challenge_answer()) as gw:
        found = prober(gw.base_url, concurrency=1).refusals(mint())
    sent = [asked.headers.get("authorization") for asked in gw.asked]
    assert sent[0] is None
    assert sent[1] == build_authorization(mint(), "0" * 64)
    random = parse_authorization(sent[2] or "")
    assert random.macaroon_b64 == mint()
    assert random.preimage_hex not in ("0" * 64, PREIMAGE)
    assert {asked.target for asked in gw.asked} == {"/r_1"}
    assert [x.status for x in (found.no_credential, found.zero_preimage, found.random_preimage)] == [402] * 3


def test_paid_sends_the_token_twice_two_forgeries_and_to_another_service() -> None:
    """Each forgery differs from the token in one bit and keeps its preimage."""
    authorization = build_authorization(mint(), PREIMAGE)

    def script(asked: Asked, _: int) -> Answer:
        is_own = asked.target == "/r_1" and asked.headers["authorization"] == authorization
        return Answer(200) if is_own else challenge_answer()

    with running(script) as gw:
        found = prober(gw.base_url, concurrency=1).paid(authorization, decode_macaroon(mint()), PREIMAGE, OTHER)
    sent = [(asked.target, parse_authorization(asked.headers["authorization"])) for asked in gw.asked]
    assert [target for target, _ in sent] == ["/r_1", "/r_1", "/r_1", "/r_1", "/r_2"]
    genuine = int.from_bytes(decode_macaroon(mint()).raw, "big")
    bits = [(int.from_bytes(credential.macaroon.raw, "big") ^ genuine).bit_count() for _, credential in sent]
    assert bits == [0, 0, 1, 1, 0]
    assert {credential.preimage_hex for _, credential in sent} == {PREIMAGE}
    rest = (found.reused, found.tampered_signature, found.tampered_caveat, found.foreign)
    assert [found.served.status, *(x.status for x in rest if x)] == [200, 200, 402, 402, 402]


def test_paid_without_another_service_or_caveat_leaves_them_out() -> None:
    """What cannot be asked is None."""
    with running(lambda *_: Answer(200)) as gw:
        bare = mint(())
        found = prober(gw.base_url).paid(build_authorization(bare, PREIMAGE), decode_macaroon(bare), PREIMAGE, None)
    assert (found.tampered_caveat, found.foreign, len(gw.asked)) == (None, None, 3)


def test_another_service_that_cannot_be_asked_is_no_pass() -> None:
    """There is another service, and nothing was shown about it: never a pass (RECONCILE.md §3)."""
    unaskable = RouteTarget(rule("r_2"), HOST, None)
    with running(lambda *_: Answer(200)) as gw:
        paid = prober(gw.base_url).paid(
            build_authorization(mint(), PREIMAGE), decode_macaroon(mint()), PREIMAGE, unaskable
        )
    assert isinstance(paid, PaidEvidence)
    refused = exchange()
    evidence = ProxyEvidence(RefusalEvidence(refused, refused, refused), paid)
    assert verify(CheckId.PROXY_FOREIGN, evidence).outcome is not Outcome.PASSED
