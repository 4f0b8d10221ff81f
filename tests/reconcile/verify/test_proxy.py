"""Tests of reconcile.verify.proxy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconcile.models import CheckId, Outcome
from reconcile.probe import Exchange, PaidEvidence
from reconcile.verify import verify
from tests.reconcile.probe.asking import exchange
from tests.reconcile.verify.evidence import PASSED, REFUSED, UPSTREAM, proxy, verdict

CHECKS = [check for check in CheckId if check.value.startswith("proxy.")]
UNPAID = {
    CheckId.PROXY_NO_CREDENTIAL: "no_credential",
    CheckId.PROXY_ZERO_PREIMAGE: "zero_preimage",
    CheckId.PROXY_RANDOM_PREIMAGE: "random_preimage",
}
SERVED = {CheckId.PROXY_SERVED: "served", CheckId.PROXY_REUSED: "reused"}
FORGED = {
    CheckId.PROXY_TAMPERED_SIGNATURE: ("tampered_signature", "tampered_credential_accepted"),
    CheckId.PROXY_TAMPERED_CAVEAT: ("tampered_caveat", "tampered_credential_accepted"),
    CheckId.PROXY_FOREIGN: ("foreign", "foreign_credential_accepted"),
}
NO_REFUSAL = [(404, None, "status_404"), (500, None, "status_500"), (None, "timeout", "timeout")]


def unpaid(name: str, answer: Exchange) -> Any:
    """The proxy stage with one refusal changed."""
    good = proxy()
    return replace(good, refusals=replace(good.refusals, **{name: answer}))


def paid(name: str, answer: Exchange | None, **changes: Any) -> Any:
    """The proxy stage with one answer after payment changed."""
    good = PaidEvidence(UPSTREAM, UPSTREAM, REFUSED, REFUSED, REFUSED)
    answers: dict[str, Any] = {name: answer}
    return proxy(replace(good, **answers), **changes)


@pytest.mark.parametrize("check", CHECKS)
def test_gateway_that_is_right_passes(check: CheckId) -> None:
    """Refused unpaid, served paid, not fooled."""
    assert verdict(check, proxy()) == PASSED


@pytest.mark.parametrize(("check", "name"), UNPAID.items())
@pytest.mark.parametrize("status", [200, 204, 302])
def test_unpaid_credential_that_is_let_through_fails_its_own_check_alone(
    check: CheckId, name: str, status: int
) -> None:
    """What is not paid for is not served."""
    evidence = unpaid(name, exchange(status=status))
    assert verdict(check, evidence) == (Outcome.FAILED, "unpaid_credential_accepted")
    assert {verdict(other, evidence) for other in CHECKS if other is not check} == {PASSED}


@pytest.mark.parametrize("status", [401, 402, 403])
@pytest.mark.parametrize(("check", "name"), UNPAID.items())
def test_every_refusal_is_one(check: CheckId, name: str, status: int) -> None:
    """401, 402 and 403 refuse."""
    assert verdict(check, unpaid(name, exchange(status=status))) == PASSED


@pytest.mark.parametrize(("check", "name"), UNPAID.items())
@pytest.mark.parametrize(("status", "error", "reason"), NO_REFUSAL)
def test_other_answer_to_the_unpaid_is_no_refusal(
    check: CheckId, name: str, status: int | None, error: str | None, reason: str
) -> None:
    """An error or a missing answer shows no refusal."""
    assert verdict(check, unpaid(name, exchange(status=status, error=error))) == (Outcome.FAILED, reason)


@pytest.mark.parametrize(("check", "name"), SERVED.items())
@pytest.mark.parametrize(
    ("status", "error", "reason"),
    [
        (402, None, "paid_credential_refused"),
        (502, None, "status_502"),
        (302, None, "status_302"),
        (None, "timeout", "timeout"),
    ],
)
def test_paid_credential_that_is_not_served_fails(
    check: CheckId, name: str, status: int | None, error: str | None, reason: str
) -> None:
    """Only 2xx serves."""
    assert verdict(check, paid(name, exchange(status=status, error=error))) == (Outcome.FAILED, reason)


@pytest.mark.parametrize(("check", "name"), SERVED.items())
def test_proof_not_bought_in_this_run_may_be_refused_for_its_own_reasons(check: CheckId, name: str) -> None:
    """Prepaid or smoke: a refusal is inconclusive; any other answer is the gateway's."""
    refused = paid(name, REFUSED, is_own_payment=False)
    assert verdict(check, refused) == (Outcome.INCONCLUSIVE, "proof_refused")
    assert verify(check, refused).remedy
    assert verdict(check, paid(name, exchange(status=500), is_own_payment=False)) == (Outcome.FAILED, "status_500")


@pytest.mark.parametrize(("check", "name", "reason"), [(check, *pair) for check, pair in FORGED.items()])
def test_forged_or_foreign_credential_that_is_let_through_fails(check: CheckId, name: str, reason: str) -> None:
    """A flipped bit, or another service: refused, or it is a hole."""
    assert verdict(check, paid(name, UPSTREAM)) == (Outcome.FAILED, reason)


@pytest.mark.parametrize(("check", "name"), [(check, pair[0]) for check, pair in FORGED.items()])
@pytest.mark.parametrize(("status", "error", "reason"), NO_REFUSAL)
def test_other_answer_to_the_forged_is_no_refusal(
    check: CheckId, name: str, status: int | None, error: str | None, reason: str
) -> None:
    """An error or a missing answer shows no refusal."""
    assert verdict(check, paid(name, exchange(status=status, error=error))) == (Outcome.FAILED, reason)


def test_foreign_has_nothing_to_ask_without_another_service() -> None:
    """With one service there is nothing to be foreign to, and the finding says so."""
    found = verify(CheckId.PROXY_FOREIGN, paid("foreign", None))
    assert (found.outcome, found.detail) == (Outcome.PASSED, "no other service")


def test_foreign_service_that_cannot_be_reached_is_inconclusive() -> None:
    """Could not measure."""
    evidence = paid("foreign", exchange(status=None, error="host_not_routed"))
    assert verdict(CheckId.PROXY_FOREIGN, evidence) == (Outcome.INCONCLUSIVE, "host_not_routed")


def test_token_without_caveat_to_flip_was_not_measured() -> None:
    """Nothing was tampered with: no pass."""
    evidence = paid("tampered_caveat", None)
    assert verdict(CheckId.PROXY_TAMPERED_CAVEAT, evidence) == (Outcome.INCONCLUSIVE, "nothing_measured")


@pytest.mark.parametrize("check", [*SERVED, *FORGED])
def test_nothing_paid_takes_the_reason_of_the_proof(check: CheckId) -> None:
    """Missing proof fails, a payer's trouble is inconclusive, and neither ever passes."""
    missing = replace(proxy(), paid=None, proof_problem="missing_proxy_authorization", proof_remedy="set one")
    assert verdict(check, missing) == (Outcome.FAILED, "missing_proxy_authorization")
    assert verify(check, missing).remedy == "set one"
    open_question = replace(missing, proof_problem="no_route", is_proof_inconclusive=True)
    assert verdict(check, open_question) == (Outcome.INCONCLUSIVE, "no_route")
    assert verdict(check, replace(missing, proof_problem=None)) == (Outcome.INCONCLUSIVE, "nothing_measured")


@pytest.mark.parametrize("check", UNPAID)
def test_refusals_are_judged_though_nothing_was_paid(check: CheckId) -> None:
    """Their evidence is there."""
    assert verdict(check, replace(proxy(), paid=None, proof_problem="no_route")) == PASSED


@pytest.mark.parametrize("check", FORGED)
def test_forgery_refused_like_the_token_itself_proves_nothing(check: CheckId) -> None:
    """A gateway that refuses everything was not shown to tell a forgery."""
    assert verdict(check, paid("served", REFUSED))[0] is not Outcome.PASSED
