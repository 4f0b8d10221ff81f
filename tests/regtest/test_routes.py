"""What the compiler says of a config is what real Aperture makes of it."""

from __future__ import annotations

import pytest

from fixtures.regtest.stack import RegtestStack
from reconcile.models import CheckId, Outcome, Step
from reconcile.verify import verify
from tests.regtest.asking import deploy
from tests.regtest.thousand import ROUTES, ask_all, compiled_for, targets_of

pytestmark = pytest.mark.regtest


def test_each_of_a_thousand_routes_charges_its_own_price(stack: RegtestStack) -> None:
    """Aperture starts; the request that the compiler names for a route is answered by that route, at its price."""
    compiled = compiled_for(stack)
    assert compiled.is_valid, compiled.diagnostics[0].message
    assert len({rule.price_sat for rule in compiled.rules}) == ROUTES
    assert {rule.path_kind.value for rule in compiled.rules} == {"exact", "prefix", "glob", "regexp", "catch_all"}
    assert deploy(stack, compiled.aperture_yaml).status_code == 200
    evidence = ask_all(stack, targets_of(compiled, stack.gateway_url))
    assert len(evidence.routes) == ROUTES
    for found in evidence.routes:
        assert found.invoice is not None, found.rule.id
        assert found.invoice.amount_msat == found.rule.price_sat * 1000, found.rule.id
        assert found.macaroon is not None
        assert found.macaroon.conditions("services") == (f"{found.rule.service_name}:0",), found.rule.id
    findings = [verify(check, evidence) for check in CheckId if check.step is Step.CHALLENGE]
    assert [finding.message for finding in findings if finding.outcome is not Outcome.PASSED] == []
