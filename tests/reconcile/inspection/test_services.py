"""What of a service may be shown, and what is only told apart."""

from __future__ import annotations

import pytest

from reconcile.compile.tag_hosts import admit_tags
from reconcile.errors import GatewayError
from reconcile.inspection.differences import described, differences
from reconcile.inspection.services import read_services
from tests.reconcile.compile.paywalls import compiled, paywall, route

HEADERS = """\
services:
  - name: pw_1/r_1
    hostregexp: "^.*$"
    pathregexp: "^/a$"
    address: "up:80"
    protocol: http
    auth: "on"
    price: 7
    headers: {Authorization: "Bearer %s"}
    rewrite: {prefix: "/%s"}
"""


def test_compiled_document_reads_as_it_was_compiled() -> None:
    """Patterns, price in satoshis, the upstream's host and port, limits."""
    result = compiled(paywall(route("/a/*", upstream="https://up.example.net/deep"), quotaPerMinute=60.0))
    entry = next(entry for entry in read_services(result.aperture_yaml) if "a--" in entry.name)
    assert described(entry) == f"{entry.name}: 10 sat, l402.example.com /a/* -> up.example.net:443"
    assert entry.price_sat == 10
    assert entry.text_of("ratelimits") == "60 per 1m (burst 60)"
    assert entry.text_of("timeout") == "none"
    assert list(entry.hidden) == ["rewrite"]


def test_what_may_hold_a_credential_is_told_apart_and_never_shown() -> None:
    """Header values and paths of upstreams stand in no text of an entry, nor of a difference."""
    before, after = (read_services(HEADERS % (word, word)) for word in ("first-secret", "other-secret"))
    lines = list(differences(before, after).lines())
    assert lines == ["~ pw_1/r_1: headers differs (not shown); rewrite differs (not shown)"]
    assert "secret" not in repr((before, after, lines, [described(entry) for entry in before]))


def test_tags_that_a_deploy_admits_are_no_difference() -> None:
    """The deployed host expression admits the candidate's own host; the compiled one does not."""
    result = compiled(paywall(route("/a"), route("/b", host="*.d.example.com")))
    admitted = admit_tags(result.rules, ("s-1.a.run.app", "s.example.com"), ())
    assert [rule.host_regexp for rule in admitted] != [rule.host_regexp for rule in result.rules]
    text = result.aperture_yaml
    for rule, deployed in zip(result.rules, admitted, strict=True):
        old, new = (r.host_regexp.replace("\\", "\\\\") for r in (rule, deployed))
        text = text.replace(f'"{old}"', f'"{new}"')
    assert text != result.aperture_yaml
    assert not differences(read_services(result.aperture_yaml), read_services(text))


def test_level_that_leaves_a_route_open_is_shown() -> None:
    """``auth: off`` behind the harness's back is the worst that can be done to a paywall."""
    before = read_services(HEADERS % ("x", "x"))
    after = read_services((HEADERS % ("x", "x")).replace('"on"', "off").replace("price: 7", "price: cheap"))
    assert list(differences(before, after).lines()) == [
        "~ pw_1/r_1: price 7 sat -> cheap sat; auth on -> off",
    ]
    assert after[0].price_sat is None
    assert described(after[0]).endswith("up:80, auth off")


@pytest.mark.parametrize("document", ["", "services: 3", "services: [3]", "[", "other: []", "services: [{price: 1}]"])
def test_document_that_is_no_list_of_services_is_unreadable(document: str) -> None:
    """Named as such: never a list that is empty by mistake."""
    with pytest.raises(GatewayError) as caught:
        read_services(document)
    assert caught.value.reason == "config_unreadable"


@pytest.mark.parametrize("document", ["services: []", "services:\n", "services: ~"])
def test_empty_list_is_no_service(document: str) -> None:
    """An operator's own config has none of ours."""
    assert read_services(document.replace("~", "[]")) == ()
