"""The audit on the service itself: which deployment of ours was verified last, which one failed, and the lease. Pure.

Annotations of the revision say whose it is; those of the service what became of it; one of the config secret who is at it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from reconcile.gateways.cloud_names import ANNOTATION_PREFIX

VERIFIED, FAILED = ANNOTATION_PREFIX + "verified", ANNOTATION_PREFIX + "failed"
LEASE = "l402-harness.lease"  # Secret Manager takes no slash in a key
_OWN = {
    "request_id": ANNOTATION_PREFIX + "request-id",
    "deployment_id": ANNOTATION_PREFIX + "deployment-id",
    "config_hash": ANNOTATION_PREFIX + "config-hash",
    "revision": ANNOTATION_PREFIX + "revision",
}
# What an apply or a rollout that failed so would do again; an answer that was lost or refused may go well the next time.
LASTING_FAILURES = frozenset(
    {
        "revision_not_ready",
        "image_not_found",
        "image_not_pinned",
        "config_not_pinned",
        "plain_credential",
        "credential_not_from_secret",
        "debug_level",
        "mpp_enabled",
        "ephemeral_database",
    }
)
M = TypeVar("M", "Mark", "Lease")


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose a revision is."""

    request_id: str
    deployment_id: str
    config_hash: str
    revision: str  # short name: a revision that somebody derives from ours copies the annotations, not the name

    def annotations(self) -> dict[str, str]:
        """For the revision's template."""
        return {_OWN[name]: value for name, value in asdict(self).items()}


def identity_of(annotations: Mapping[str, str], revision: str) -> Identity | None:
    """Whose the revision of that short name is; None unless a run of ours made this very one."""
    found = {name: annotations.get(key, "") for name, key in _OWN.items()}
    return Identity(**found) if all(found.values()) and found["revision"] == revision else None


@dataclass(frozen=True, slots=True)
class Mark:
    """What became of a deployment, and when (Unix ms). ``step`` and ``reason`` of one that failed."""

    revision: str
    deployment_id: str
    config_hash: str
    request_id: str
    at_ms: int
    step: str | None = None
    reason: str | None = None

    @property
    def is_lasting(self) -> bool:
        """True when the same config would fail again: its apply or rollout did, for a reason of its own."""
        return self.step in ("apply", "rollout") and self.reason in LASTING_FAILURES


@dataclass(frozen=True, slots=True)
class Lease:
    """Who is at the service, until when (Unix ms)."""

    deployment_id: str
    request_id: str
    expires_at_ms: int

    def holds_off(self, deployment_id: str, now_ms: int) -> bool:
        """True when another run has it, and it has not expired."""
        return self.deployment_id != deployment_id and now_ms < self.expires_at_ms


def write_note(note: Mark | Lease) -> str:
    """The annotation's value."""
    return json.dumps({key: value for key, value in asdict(note).items() if value is not None}, separators=(",", ":"))


def read_mark(annotations: Mapping[str, str], key: str) -> Mark | None:
    """The mark; None when there is none that can be read."""
    return _read(Mark, annotations.get(key))


def read_lease(annotations: Mapping[str, str]) -> Lease | None:
    """The lease; None when there is none that can be read."""
    return _read(Lease, annotations.get(LEASE))


def _read(kind: type[M], text: str | None) -> M | None:
    if text is None:
        return None
    try:
        fields: dict[str, Any] = json.loads(text)
        found = kind(**fields)
    except (ValueError, TypeError):
        return None
    numbers = [value for name, value in fields.items() if name.endswith("_ms")]
    texts = [value for name, value in fields.items() if not name.endswith("_ms")]
    is_sound = all(type(number) is int for number in numbers) and all(isinstance(value, str) for value in texts)
    return found if is_sound else None
