"""Real Aperture, LND and btcd behind the ops API."""

from __future__ import annotations

import pytest

from fixtures.embedded import seed
from fixtures.regtest.stack import RegtestStack
from tests.regtest.asking import buy, deploy, get, rollback

pytestmark = pytest.mark.regtest


def former(stack: RegtestStack) -> str:
    """The configHash that served first."""
    return stack.ops.history[0][1].config_hash


def wider(stack: RegtestStack) -> str:
    """The former config and one more service."""
    address = stack.upstream_url.removeprefix("http://")
    more = f"  - {{name: a/b, hostregexp: '^.*$', pathregexp: '^/more$', address: '{address}', price: 7, auth: 'on'}}\n"
    return seed.former_config(address)[0] + more


def test_paid_request_reaches_the_upstream_and_the_seller_says_so_too(stack: RegtestStack) -> None:
    """The preimage comes from a real payment; the seller's node names the same hash, amount, and that it is settled."""
    assert get(stack).status_code == 402
    credential, payment_hash = buy(stack)
    served = get(stack, authorization=credential)
    assert (served.status_code, served.text.splitlines()[0]) == (200, "UPSTREAM GET /staging")
    said = stack.seller_says(payment_hash)
    assert said.is_settled
    assert (said.payment_hash, said.amount_msat) == (payment_hash, seed.FORMER_PRICE_SAT * 1000)
    assert said.paid_msat == said.amount_msat


def test_token_outlives_a_deploy_and_a_rollback(stack: RegtestStack) -> None:
    """Root keys are in the database, which outlives revisions."""
    credential, _ = buy(stack)
    assert deploy(stack, wider(stack)).status_code == 200
    assert get(stack, "/more").status_code == 402
    assert get(stack, authorization=credential).status_code == 200
    assert rollback(stack, former(stack)).status_code == 200
    assert get(stack, "/more").status_code == 404
    assert get(stack, authorization=credential).status_code == 200


def test_config_that_aperture_refuses_never_serves(stack: RegtestStack) -> None:
    """The old revision goes on, and the answer carries Aperture's own last line."""
    bad = wider(stack).replace("^/more$", "^/(more$")
    answer = deploy(stack, bad)
    assert answer.status_code == 500
    assert "missing closing )" in answer.json()["error"]
    assert get(stack).status_code == 402
    assert stack.ops.active is not None
    assert stack.ops.active.config_hash == former(stack)
