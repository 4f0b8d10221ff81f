"""What certificates are verified by: httpx's own default, made once a process instead of once a client (20 ms each)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


@functools.cache
def default_context(*, trust_env: bool) -> ssl.SSLContext:
    """certifi's authorities; with ``trust_env`` those of SSL_CERT_FILE or SSL_CERT_DIR where one is set."""
    import httpx

    return httpx.create_ssl_context(trust_env=trust_env)
