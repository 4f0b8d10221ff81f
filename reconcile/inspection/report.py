"""What an inspection says and ends with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from reconcile.gateways import Sight


@dataclass(frozen=True, slots=True)
class Report:
    """Lines for people, and the process's exit code: 0, EXIT_DIFFERENT, or EXIT_FAILED where it could not be found out."""

    lines: tuple[str, ...]
    exit_code: int


def row(word: str, text: str) -> str:
    """A line of the block: a word, and what it is about."""
    return f"{word:<10} {text}"


def when(at_ms: int) -> str:
    """A time in Unix ms as UTC, to the second; one that no calendar has as it is."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{at_ms} ms"


def serving_words(sight: Sight) -> str:
    """Who serves: deployment, configHash, and on Cloud Run the revision with its config version."""
    found, cloud = sight.deployment, sight.cloud
    if found is None:
        return "nothing"
    place = f", revision {cloud.revision}, config version {cloud.config_version or 'none'}" if cloud is not None else ""
    return f"{found.deployment_id}, {found.config_hash}{place}"
