"""Names made from the request id (RECONCILE.md §4)."""

from __future__ import annotations


def deployment_id(kind: str, request_id: str) -> str:
    """``dep_<kind>_`` and the request id, every character outside ``A-Za-z0-9_-`` replaced by ``_``."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "_" for c in request_id)
    return f"dep_{kind}_{safe}"


def folder_name(request_id: str) -> str:
    """The run folder's name: every character outside ``A-Za-z0-9._-`` replaced by ``_``."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "._-") else "_" for c in request_id)
