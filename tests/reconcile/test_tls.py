"""One context verifies for every client of a process, as httpx's own default does."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from reconcile.tls import default_context


def test_context_is_made_once_and_verifies_names_and_authorities() -> None:
    """A shared context is no weaker one."""
    context = default_context(trust_env=False)
    assert default_context(trust_env=False) is context
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats()["x509_ca"] > 50


def test_authorities_of_the_environment_count_only_where_it_is_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE is a company's own authority; it is nothing to loopback."""
    empty = tmp_path / "none.pem"
    empty.write_text("")
    monkeypatch.setenv("SSL_CERT_FILE", str(empty))
    default_context.cache_clear()
    try:
        assert default_context(trust_env=False).cert_store_stats()["x509_ca"] > 50
        with pytest.raises(ssl.SSLError):
            default_context(trust_env=True)
    finally:
        default_context.cache_clear()
