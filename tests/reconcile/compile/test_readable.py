"""Deployed expressions shown as the patterns that they were made of."""

from __future__ import annotations

import pytest

from reconcile.compile.patterns import host_regexp, normalise_host, normalise_path, path_regexp
from reconcile.compile.readable import readable_host, readable_path


@pytest.mark.parametrize("host", ["*", "*.paywall.example.com", "l402.example.com", "[::1]"])
def test_host_is_shown_as_its_pattern(host: str) -> None:
    """Every kind of host comes back as Khala has it."""
    assert readable_host(host_regexp(*normalise_host(host))) == host


@pytest.mark.parametrize("path", ["/*", "/staging", "/articles/*", "/users/*/feed", "/v[0-9]+/items", "/a.b", "/a|/b"])
def test_path_is_shown_as_its_pattern(path: str) -> None:
    """Every kind of path comes back as Khala has it; a dot is a dot."""
    assert readable_path(path_regexp(*normalise_path(path))) == path


@pytest.mark.parametrize("expression", ["^.*$", "(?i)^a(b(?::\\d+)?$", "^/staging$", "(?s)^/a(b$", "(?s)^/a[^/]*$", ""])
def test_expression_of_somebody_else_is_shown_as_it_is(expression: str) -> None:
    """Two expressions that differ never look the same because both were made nice."""
    assert readable_host(expression) == expression
    assert readable_path(expression) == expression
