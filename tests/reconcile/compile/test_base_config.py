"""The deployed file: the operator's base config and services first, then the compiled ones (COMPILE.md, "Output")."""

from __future__ import annotations

import pytest
import yaml

from reconcile.compile import BaseConfigError, load_base_config, merge_base_config, operator_shadows
from tests.reconcile.compile.paywalls import compiled, paywall, route

BASE = """\
listenaddr: "0.0.0.0:8080"
insecure: true
authenticator:
  lndhost: "lnd:10009"
services:
  - name: operator
    hostregexp: "^ops.example.com$"
    pathregexp: "^/ops.*$"
    address: "ops:80"
    protocol: http
    auth: "off"
"""


def refusal(base: str) -> BaseConfigError:
    """The refusal of ``base``."""
    with pytest.raises(BaseConfigError) as caught:
        merge_base_config(base, compiled(paywall(route("/a"))))
    return caught.value


def test_operators_services_come_first_unchanged_then_the_compiled_ones() -> None:
    """Everything else of the base stays as it was."""
    result = compiled(paywall(route("/a")))
    merged = yaml.safe_load(merge_base_config(BASE, result))
    base = yaml.safe_load(BASE)
    assert merged["services"] == base["services"] + yaml.safe_load(result.aperture_yaml)["services"]
    assert {key: merged[key] for key in base if key != "services"} == {k: base[k] for k in base if k != "services"}


def test_base_without_services_is_taken() -> None:
    """An operator need not have services of their own."""
    result = compiled(paywall(route("/a")))
    merged = yaml.safe_load(merge_base_config("insecure: true\n", result))
    assert len(merged["services"]) == len(result.rules)


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("", "base_config_not_strict_yaml"),
        ("a: [", "base_config_not_strict_yaml"),
        ("- a\n", "base_config_not_strict_yaml"),
        ("a: 1\na: 2\n", "base_config_duplicate_key"),
        ("x: [{b: 1, b: 2}]\n", "base_config_duplicate_key"),
        ("debuglevel: debug\n", "base_config_debuglevel"),
        ("debuglevel: TRACE\n", "base_config_debuglevel"),
        ("debuglevel: info,LSAT=trace\n", "base_config_debuglevel"),
        ("enablempp: true\n", "base_config_enablempp"),
        ("authenticator: {enablempp: yes}\n", "base_config_enablempp"),
        ("services: 7\n", "base_config_invalid_services"),
        ("services: [{name: a}]\n", "base_config_invalid_services"),
        (BASE.replace('auth: "off"', 'auth: "maybe"'), "base_config_invalid_services"),
        (BASE + "    pathregex: x\n", "base_config_invalid_services"),
        (BASE.replace('"^/ops.*$"', '"("'), "base_config_invalid_services"),
        (BASE.replace("name: operator", "name: pw_1/l402-example-com-a"), "base_config_invalid_services"),
        (BASE.replace('"^ops.example.com$"', '".*"').replace('"^/ops.*$"', '"^/a$"'), "first_match_shadowed"),
        (
            BASE.replace('"^ops.example.com$"', '".*"').replace('    pathregexp: "^/ops.*$"\n', ""),
            "first_match_shadowed",
        ),
    ],
)
def test_base_that_would_harm_is_refused_with_a_reason(base: str, reason: str) -> None:
    """Aperture would take each of these in silence."""
    assert refusal(base).reason == reason


def test_refusal_never_quotes_the_config() -> None:
    """It holds the operator's secrets."""
    assert "canary" not in str(refusal("password: canary\nenablempp: true\n"))


def test_info_level_is_no_refusal() -> None:
    """Only what logs credentials is."""
    assert load_base_config("debuglevel: info,LSAT=warn\nenablempp: false\n")["debuglevel"] == "info,LSAT=warn"


def test_shadow_names_the_compiled_route_once() -> None:
    """One diagnostic a route, however many services stand before it."""
    services = [{"name": name, "hostregexp": ".*", "pathregexp": "^/a$"} for name in ("x", "y")]
    found = operator_shadows(services, compiled(paywall(route("/a"))))
    assert [(d.code, d.paywall_id) for d in found] == [("first_match_shadowed", "pw_1")]
