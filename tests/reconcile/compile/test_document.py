"""The services document, byte for byte, and the strict schema it is held against."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from reconcile.compile import CompileOptions, compile_paywalls
from reconcile.compile.document import check_document, parse_strictly, services_document, snapshot_hash
from reconcile.compile.schema import SchemaError
from tests.reconcile.compile.paywalls import OPTIONS, compiled, paywall, route, staging

EXPECTED = """\
services:
  - name: "pw_1/r_1"
    hostregexp: "(?i)^[^:]+\\\\.example\\\\.com(?::\\\\d+)?$"
    pathregexp: "(?s)^/v1/[^/]+/x$"
    address: "up.example.net:8443"
    protocol: https
    auth: "on"
    price: 10
    timeout: 3600
    rewrite:
      prefix: "/base"
    ratelimits:
      - requests: 5
        per: 1m
        burst: 5
      - requests: 100
        per: 24h
        burst: 100
"""


def test_service_is_written_byte_for_byte() -> None:
    """Every key, in the fixed order."""
    entry = route("v1/*/x", host=" *.EXAMPLE.com", upstream="https://up.example.net:8443/base/", routeId="r_1")
    options = CompileOptions("https://api.example.com/v1/a/x", token_timeout_s=3600)
    result = compile_paywalls([paywall(entry, quotaPerMinute=5.0, quotaPerDay=100.0)], options)
    assert result.aperture_yaml == EXPECTED


@pytest.mark.parametrize(
    ("path", "expression"),
    [
        ("", "(?s)^/.*$"),
        ("/*", "(?s)^/.*$"),
        ("a.b", r"(?s)^/a\.b$"),
        ("/a/*", "(?s)^/a/.*$"),
        ("/a*", "(?s)^/a[^/]+$"),
        ("/a|/b", "(?s)^(?:/a|/b)$"),
        ("/héllo", "(?s)^/héllo$"),
    ],
)
def test_path_pattern_becomes_its_expression(path: str, expression: str) -> None:
    """Every kind, anchored."""
    result = compile_paywalls([paywall(route(path, host="*"))], CompileOptions("https://h.example/"))
    assert result.rules[0].path_regexp == expression


def test_snapshot_hash_is_stable_and_reads_only_what_the_compile_reads() -> None:
    """A name or a description changes nothing, a price does."""
    plain = paywall(route("/a"))
    assert snapshot_hash([plain, staging()]) == snapshot_hash([staging(), plain])
    assert snapshot_hash([plain]) == snapshot_hash([plain.model_copy(update={"name": "other"})])
    assert snapshot_hash([plain]) != snapshot_hash([paywall(route("/a"), fixedAmountMsats=11_000)])
    assert compiled(paywall(route("/("))).snapshot_hash.startswith("cfg_")


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "a: &x 1\nb: *x\n",
        "a: !!str 1\nb: [*y]\n",
        "a: !x {}\n",
        "a: 1\na: 2\n",
        "? [a]\n: 1\n",
        "a: &x [1]\n",
        "",
        "# nothing\n",
        "---\n",
    ],
)
def test_yaml_that_could_be_read_in_two_ways_is_refused(text: str) -> None:
    """Anchors, tags, duplicate keys, and what is no YAML."""
    with pytest.raises(SchemaError):
        check_document(text, 1)


def good() -> dict[str, Any]:
    """A compiled service as it is parsed."""
    parsed = parse_strictly(compiled(paywall(route("/a"))).aperture_yaml)
    service: dict[str, Any] = parsed["services"][0]
    return service


@pytest.mark.parametrize(
    "change",
    [
        {"auth": "maybe"},
        {"auth": "off"},
        {"price": 0},
        {"price": 1.5},
        {"price": 100_000 * 100_000_000 + 1},
        {"pathregex": "x"},
        {"name": "a:b"},
        {"name": "a,b"},
        {"protocol": "gopher"},
        {"address": "nohost"},
        {"timeout": 0},
        {"rewrite": {"prefix": "x"}},
        {"ratelimits": [{"requests": 0, "per": "1m", "burst": 1}]},
        {"ratelimits": [{"requests": 1, "per": "1d", "burst": 1}]},
    ],
    ids=str,
)
def test_file_that_aperture_would_read_otherwise_does_not_leave_the_compiler(change: dict[str, Any]) -> None:
    """Unknown keys, mistyped levels, prices and durations are errors here, whatever Aperture makes of them."""
    document = yaml.safe_dump({"services": [good()]})
    check_document(document, 1)
    with pytest.raises(SchemaError):
        check_document(yaml.safe_dump({"services": [{**good(), **change}]}), 1)


def test_document_with_other_services_than_rules_is_refused() -> None:
    """A lost or doubled service is a bug that must not be deployed."""
    document = yaml.safe_dump({"services": [good()]})
    for text, count in (
        (document, 2),
        (yaml.safe_dump({"services": [good(), good()]}), 2),
        ("services: 1\n", 1),
        ("a: 1\n", 0),
    ):
        with pytest.raises(SchemaError):
            check_document(text, count)


def test_empty_document_is_an_empty_list() -> None:
    """Never a missing key."""
    assert services_document([], {}, None) == "services: []\n"
    assert OPTIONS.token_timeout_s is None
