"""The mounted file: ours goes in behind the operator's and comes out again; the operator's part keeps its meaning."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

from reconcile.compile import BaseConfigError, RouteTable
from reconcile.compile.deployed_file import (
    MARK,
    MAX_FILE_BYTES,
    assemble_file,
    compiled_part,
    operators_part,
    read_mark,
    routes_that_fit,
)
from reconcile.compile.tag_hosts import admit_tags, without_tags
from tests.reconcile.compile.paywalls import compiled, paywall, route

BASE = """\
# the operator's
listenaddr: "0.0.0.0:8080"
odd: {port: 0123, sixty: 1:30, when: 2026-01-01, big: 1e3, yes: no, text: "é\\u00e9", none: ~}
shared: &shared {a: 1}
again: *shared
services:
  - name: operator
    hostregexp: '^ops\\.example\\.com$'
    pathregexp: "^/ops.*$"
    address: "ops:80"
    protocol: http
    auth: "off"
    price: 3
"""


def scalars(text: str) -> list[tuple[str, str | None]]:
    """Each scalar of a document as written, with the type that a reader of plain text would give it."""
    return [
        (event.value, "plain" if event.implicit[0] else "quoted")
        for event in yaml.parse(text, Loader=yaml.SafeLoader)
        if isinstance(event, yaml.ScalarEvent)
    ]


@pytest.mark.parametrize("base", [BASE, "insecure: true\n", "insecure: true\nservices:\n", "a: 1\nservices: []\n"])
def test_what_goes_in_comes_out_and_the_operators_part_is_as_it_was_written(base: str) -> None:
    """Plain scalars stay plain and quoted ones quoted, so that Go and Python read them as before."""
    result = compiled(paywall(route("/a"), route("/b")))
    text = assemble_file(base, result, result.rules, "dep_1")
    mark = read_mark(text)
    assert mark is not None
    assert (mark.deployment_id, mark.config_hash, mark.compiled) == ("dep_1", result.config_hash, 3)
    again = operators_part(text)
    assert (yaml.safe_load(again).pop("services", None) or []) == (yaml.safe_load(base).get("services") or [])
    assert scalars(again)[: len(scalars(base))] == [entry for entry in scalars(base) if entry[0]]
    assert assemble_file(again, result, result.rules, "dep_1") == text
    names = [service["name"] for service in yaml.safe_load(text)["services"]]
    assert names[-3:] == [rule.service_name for rule in result.rules]


def test_operators_own_file_is_all_the_operators() -> None:
    """Without the mark nothing is taken out."""
    assert operators_part(BASE) is BASE
    assert read_mark(BASE) is None


def test_services_that_are_not_those_of_the_mark_are_not_taken_out() -> None:
    """An operator who added a service behind ours would lose it otherwise."""
    result = compiled(paywall(route("/a")))
    text = assemble_file(BASE, result, result.rules, "dep_1")
    added = text + '  - {name: mine, hostregexp: "^x$", address: "x:80", protocol: http, auth: "on", price: 1}\n'
    for damaged in (added, text.replace('"compiled":2', '"compiled":9'), MARK + "{}\n" + BASE, MARK + "\n"):
        with pytest.raises(BaseConfigError) as caught:
            operators_part(damaged)
        assert caught.value.reason in ("base_config_mark_mismatch", "base_config_not_strict_yaml")


def test_password_in_the_base_is_in_no_refusal() -> None:
    """Whatever is wrong with it, the text and the repr name the place and no value."""
    result = compiled(paywall(route("/a")))
    for tail in ("debuglevel: trace\n", "a: 1\na: 2\n", "b: [\n", "services: [{name: 3}]\n", "enablempp: true\n"):
        base = f"postgres: {{password: hunter2-hunter2}}\n{tail}"
        with pytest.raises(BaseConfigError) as caught:
            assemble_file(base, result, result.rules, "dep_1")
        assert "hunter2" not in str(caught.value) + repr(caught.value)


def test_number_of_routes_that_fit_is_told() -> None:
    """A secret version holds 64 KiB."""
    result = compiled(paywall(*[route(f"/r{number}") for number in range(400)]))
    text = assemble_file(BASE, result, result.rules, "dep_1")
    assert len(text.encode()) > MAX_FILE_BYTES
    count = routes_that_fit(text, result.rules)
    assert 100 < count < 400
    fewer = compiled(paywall(*[route(f"/r{number}") for number in range(count)]))
    assert len(assemble_file(BASE, fewer, fewer.rules, "dep_1").encode()) <= MAX_FILE_BYTES


OWN = ("svc-abc-uc.a.run.app", "svc-1.us-central1.run.app")


def test_tags_of_ours_on_the_services_own_hosts_are_admitted_and_nothing_else() -> None:
    """A route on a host of its own answers on our tags' URLs as well."""
    result = compiled(
        paywall(route("/a", host="shop.example.com"), route("/b", host="*.example.com"), route("/c", host="*"))
    )
    admitted = admit_tags(result.rules, OWN, [])
    table = RouteTable(admitted)
    for host in (f"l402-g12---{own}" for own in OWN):
        assert [rule.path_pattern for rule in (table.answering(host, p) for p in ("/a", "/b", "/c")) if rule] == [
            "/a",
            "/b",
            "/c",
        ]
        assert table.answering(host + ":8080", "/a") is not None
    for host in (*OWN, "other---svc-abc-uc.a.run.app", "l402-g1---svc-abc-uc.a.run.app.evil.example", "l402-g1---x.a"):
        assert table.answering(host, "/a") is None, host
    assert [r.host_regexp for r in admitted if r.path_pattern == "/c"] == [
        r.host_regexp for r in result.rules if r.path_pattern == "/c"
    ]
    assert table.answering("shop.example.com", "/a") is not None


def test_route_that_must_be_asked_on_a_tag_is_not_hidden_behind_another_host() -> None:
    """Of two routes that only a host tells apart, the wanted one answers there."""
    result = compiled(paywall(route("/a", host="a.example.com"), route("/a", host="b.example.com")))
    first, second = (rule for rule in result.rules if rule.path_pattern == "/a")
    host = f"l402-g1---{OWN[0]}"
    by_default = RouteTable(admit_tags(result.rules, OWN, [])).answering(host, "/a")
    assert by_default is not None
    assert by_default.id == first.id
    wanted = RouteTable(admit_tags(result.rules, OWN, [(second, "/a")])).answering(host, "/a")
    assert wanted is not None
    assert wanted.id == second.id
    same = replace(wanted, host_regexp=second.host_regexp, host_kind=second.host_kind, host_pattern=second.host_pattern)
    assert same == second


def test_compiled_part_is_ours_alone() -> None:
    """Services as they were put in; an operator's own file has none, and one that was changed by hand is refused."""
    result = compiled(paywall(route("/a"), route("/b")))
    text = assemble_file(BASE, result, result.rules, "dep_1")
    assert yaml.safe_load(compiled_part(text)) == yaml.safe_load(result.aperture_yaml)
    assert yaml.safe_load(compiled_part(BASE)) == {"services": []}
    with pytest.raises(BaseConfigError):
        compiled_part(text.replace(result.rules[-1].service_name, "renamed"))


@pytest.mark.parametrize("host", ["l402.example.com", "*.d.example.com"])
def test_tags_come_out_as_they_went_in(host: str) -> None:
    """Whatever the service's own hosts are; an expression that admits none stays as it is."""
    rules = compiled(paywall(route("/a", host=host))).rules
    for own in (("s-1.a.run.app",), ("s-1.a.run.app", "s.b.run.app")):
        admitted = admit_tags(rules, own, ())
        assert [without_tags(rule.host_regexp) for rule in admitted] == [rule.host_regexp for rule in rules]
        assert admitted != rules
    assert without_tags("^(?:a|b)$") == "^(?:a|b)$"
