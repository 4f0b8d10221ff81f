"""What must hold after a run, whatever happened to it: read from outside it alone.

The gateway's or the cloud's history, Khala's rows and events, the wallet's ledger. Nothing that the run says of itself counts here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from fixtures.embedded.stack import EmbeddedStack
from tests.faults.cloud_outside import CloudOutside, cloud_history, look_at_cloud

TERMINAL = ("applied", "failed", "rolled_back")


class Kind(StrEnum):
    """What may be found."""

    LOST_RECORD = "lost records"
    UNRESTORED = "unrestored gateways"
    DOUBLE_DEPLOY = "double deploys"
    DOUBLE_PAYMENT = "double payments"
    LEAK = "leaked secrets"
    LEASE = "leases left"
    TAG = "tags left"
    UNVERIFIED = "unverified revisions served"
    AUDIT = "wrong audits"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that must not be."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Outside:
    """What was left behind, by the others' own word. ``history``: (what, deploymentId, configHash), the seed first."""

    history: Sequence[tuple[str, str, str]]
    rows: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    payments: Sequence[tuple[str, int]]
    cloud: CloudOutside | None = None


def look(stack: EmbeddedStack, *, is_candidate: bool = False, versions_before: int = 1) -> Outside:
    """Everything that the embedded stack knows. On Cloud Run: whether no user may meet what was not checked, and how

    many versions its config secret had.
    """
    cloud = None
    if stack.has_cloud:
        cloud = look_at_cloud(stack.cloud, versions_before, is_candidate=is_candidate)
        history = cloud_history(stack.cloud)
    else:
        history = [(what, deployed.deployment_id, deployed.config_hash) for what, deployed in stack.ops.history]
    return Outside(history, stack.khala.deployments(), stack.khala.events(), list(stack.wallet.payments), cloud)


def violations(outside: Outside) -> list[Violation]:
    """Of one run on a stack that was fresh before it."""
    on_cloud = _cloud(outside.cloud) if outside.cloud is not None else []
    return [*_deploys(outside), *_payments(outside), *_gateway(outside), *_records(outside), *on_cloud]


def _cloud(found: CloudOutside) -> list[Violation]:
    """One revision has all the traffic, the audit names it, its config can be read, and nothing of ours stays beside it."""
    wrong = [(Kind.UNVERIFIED, f"users met {name} before it was checked") for name in dict.fromkeys(found.unchecked)]
    if found.lease is not None:
        wrong.append((Kind.LEASE, found.lease))
    if found.tags:
        wrong.append((Kind.TAG, ", ".join(found.tags)))
    if list(found.percents.values()) != [100]:
        wrong.append((Kind.UNRESTORED, f"the traffic is {dict(found.percents)}"))
    if not found.is_config_enabled:
        wrong.append((Kind.UNRESTORED, "a config version that serves is disabled"))
    if found.verified not in found.percents:
        wrong.append((Kind.AUDIT, f"{found.verified} is called verified, {sorted(found.percents)} serves"))
    if found.versions > 1:
        wrong.append((Kind.DOUBLE_DEPLOY, f"one run added {found.versions} config versions"))
    return [Violation(kind, text) for kind, text in wrong]


def _deploys(outside: Outside) -> list[Violation]:
    counts = Counter(name for what, name, _ in outside.history if what == "deploy")
    found = [Violation(Kind.DOUBLE_DEPLOY, f"{name} was deployed {n} times") for name, n in counts.items() if n > 1]
    if len(counts) > 1:
        found.append(Violation(Kind.DOUBLE_DEPLOY, f"one run deployed {len(counts)} deployments"))
    return found


def _payments(outside: Outside) -> list[Violation]:
    count = len(outside.payments)
    return [Violation(Kind.DOUBLE_PAYMENT, f"{count} payments")] if count > 1 else []


def _gateway(outside: Outside) -> list[Violation]:
    """What serves is the seed, or what a row says was applied."""
    seed, serving = outside.history[0][2], outside.history[-1][2]
    applied = {row["configHash"] for row in outside.rows if row["status"] == "applied"}
    if serving in (applied or {seed}):
        return []
    return [Violation(Kind.UNRESTORED, f"serving {serving[:12]}, verified {sorted(h[:12] for h in applied or {seed})}")]


def _records(outside: Outside) -> list[Violation]:
    """One row with one terminal status once anything was written; its terminal event, once by its key."""
    was_deployed = any(what == "deploy" for what, _, _ in outside.history)
    if len(outside.rows) != 1:
        is_silent = not outside.rows and not was_deployed and not outside.events
        return [] if is_silent else [Violation(Kind.LOST_RECORD, f"{len(outside.rows)} rows")]
    row = outside.rows[0]
    if row["status"] not in TERMINAL:
        return [Violation(Kind.LOST_RECORD, f"the row is {row['status']}")]
    return _events(outside, row)


def _events(outside: Outside, row: Mapping[str, Any]) -> list[Violation]:
    types = {event["metadata"]["details"]["eventKey"]: str(event["eventType"]) for event in outside.events}
    names = [name.removeprefix("gateway_reconcile_") for name in types.values()]
    ends = [name for name in names if not name.endswith("_ok")]
    repaired = ["failed_rollback_failed", "rolled_back"]  # a rollback that failed, and the recovery that mended it
    wanted = "failed_" if row["status"] == "failed" else row["status"]
    if len(ends) == 1 and ends[0].startswith(wanted):
        return []
    if ends == repaired and row["status"] == "rolled_back":
        return []
    return [Violation(Kind.LOST_RECORD, f"the row is {row['status']}, its terminal events are {ends}")]
