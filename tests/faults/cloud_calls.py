"""The calls to Cloud Run and Secret Manager by kind, and the step that each belongs to.

Reads repeat: each is named by the last write before it, and by its place behind it (``deploy/service#1``).
"""

from __future__ import annotations

import re

LEASE_MARK = b"l402-harness.lease"
_PATHS = (
    ("GET", re.compile(r"/v2/projects/[^/]+/locations/[^/]+/services/[^/:]+"), "service"),
    ("GET", re.compile(r"/v2/projects/[^/]+/locations/[^/]+/services/[^/]+/revisions/[^/:]+"), "revision"),
    ("GET", re.compile(r"/v2/projects/[^/]+/locations/[^/]+/services/[^/]+/revisions"), "revisions"),
    ("GET", re.compile(r"/v2/projects/[^/]+/locations/[^/]+/operations/[^/:]+"), "operation"),
    ("GET", re.compile(r"/v1/projects/[^/]+/secrets/[^/:]+"), "secret"),
    ("GET", re.compile(r"/v1/projects/[^/]+/secrets/[^/]+/versions/[^/:]+:access"), "config"),
    ("POST", re.compile(r"/v1/projects/[^/]+/secrets/[^/:]+:addVersion"), "version"),
    ("POST", re.compile(r"/v1/projects/[^/]+/secrets/[^/]+/versions/[^/:]+:disable"), "disable"),
    ("PATCH", re.compile(r"/v1/projects/[^/]+/secrets/[^/:]+"), "lease"),
    ("PATCH", re.compile(r"/v2/projects/[^/]+/locations/[^/]+/services/[^/:]+"), "update"),
)
# Numbered behind each write. How often an operation is polled is chance: its first poll is hit.
READS = frozenset({"service", "revision", "secret"})
# What the calls behind it are named by.
WRITES = frozenset(
    {"read", "intent", "lease", "unlease", "version", "deploy", "pay", "send", "move", "mark", "disable"}
)


def cloud_kind(method: str, target: str, body: bytes) -> str | None:
    """The call's kind; None for one that is not Google's."""
    path, _, query = target.partition("?")
    found = next((kind for verb, pattern, kind in _PATHS if verb == method and pattern.fullmatch(path)), None)
    if found == "lease":
        return "lease" if LEASE_MARK in body else "unlease"
    return _update_kind(query) if found == "update" else found


def _update_kind(query: str) -> str:
    """An update by its mask: the audit's mark (after a failure with the former template), a revision, or traffic alone."""
    if "annotations" in query:
        return "mark"
    return "deploy" if "template" in query else "move"
