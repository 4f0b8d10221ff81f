"""What a mounted file charges for a request: as Aperture reads it, and nothing that the file does not say."""

from __future__ import annotations

import pytest
import yaml

from reconcile.compile.charges import Charge, charges_of
from reconcile.compile.deployed_file import assemble_file
from tests.reconcile.compile.paywalls import compiled, paywall, route

SERVICE = {
    "name": "operator",
    "hostregexp": "^ops$",
    "pathregexp": "^/ops.*$",
    "address": "ops:80",
    "protocol": "http",
    "auth": "on",
    "price": 3,
}
ASKED = [("ops", "/ops/x")]


def file_of(*services: dict[str, object]) -> str:
    """A config with these services."""
    return yaml.safe_dump({"services": list(services)}, sort_keys=False)


def test_first_service_that_matches_is_the_one_that_charges() -> None:
    """The operator's before ours, by host and path together; a request that nobody answers is charged by nobody."""
    result = compiled(paywall(route("/a")))
    text = assemble_file(file_of(SERVICE), result, result.rules, "dep_1")
    ours = Charge(result.rules[0].service_name, result.rules[0].price_sat, None)
    requests = [("l402.example.com", "/a"), ("ops", "/ops/x"), ("ops", "/a/b"), ("x", "/ops/x")]
    assert charges_of(text, requests) == (ours, Charge("operator", 3, None), None, None)
    shadowed = file_of(SERVICE, {**SERVICE, "name": "second", "price": 4})
    assert charges_of(shadowed, ASKED) == (Charge("operator", 3, None),)


@pytest.mark.parametrize(
    ("change", "charge"),
    [
        ({"price": 0}, Charge("operator", 1, None)),
        ({"price": None}, Charge("operator", 1, None)),
        ({"timeout": 60}, Charge("operator", 3, 60)),
        ({"auth": "true"}, Charge("operator", 3, None)),
        ({"auth": ""}, Charge("operator", 3, None)),
        ({"auth": None}, Charge("operator", 3, None)),
        ({"auth": "off"}, None),
        ({"auth": False}, None),
        ({"auth": "freebie 2"}, None),
        ({"price": 1.5}, None),
        ({"dynamicprice": {"enabled": True}}, None),
        ({"authwhitelistpaths": ["^/ops/x$"]}, None),
        ({"hostregexp": "("}, None),
    ],
)
def test_price_is_told_only_where_the_file_alone_decides_it(change: dict[str, object], charge: Charge | None) -> None:
    """No price is 1 sat (APERTURE.md); whatever is free, or depends on more than file and path, is None."""
    assert charges_of(file_of({**SERVICE, **change}), ASKED) == (charge,)


@pytest.mark.parametrize("bare", ["on", "yes", "true", "off"])
def test_bare_word_that_readers_take_for_a_boolean_tells_no_price(bare: str) -> None:
    """Aperture charges for a bare ``on``, serves everybody with ``yes``, does not start with ``true`` (recorded)."""
    text = file_of(SERVICE).replace("auth: 'on'", f"auth: {bare}")
    assert f"auth: {bare}\n" in text
    assert charges_of(text, ASKED) == (None,)


def test_file_that_cannot_be_read_charges_nothing_that_could_be_named() -> None:
    """One answer a request, all None."""
    assert charges_of("a: [", [*ASKED, *ASKED]) == (None, None)
    assert charges_of("", ASKED) == (None,)
