"""The cross-path field contract (RECONCILE.md §5): one record a step, nineteen keys, and the triage decided from them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from reconcile.models import Step, StepStatus
from reconcile.record import EXECUTION_PATH, RunRecord, StepRecord

CONTROL_STEPS = frozenset({Step.READ, Step.COMPILE, Step.INTENT})
KEYS = (
    "requestId",
    "userId",
    "paywallId",
    "taskId",
    "endpoint",
    "quotedCostMsats",
    "capAppliedMsats",
    "paidAmountMsats",
    "paymentProofRef",
    "cacheHit",
    "denyReason",
    "executor",
    "plane",
    "executionPath",
    "desktopSessionId",
    "desktopRuntimeStatus",
    "walletState",
    "nodeSyncStatus",
    "observedAtMs",
)
Record = dict[str, Any]


def observability_records(record: RunRecord) -> list[Record]:
    """A record for each step that was begun, and one for the payment if there was one."""
    begun = [step for step in record.summary.steps if step.started_at_ms is not None]
    records = [_step_record(record, step) for step in begun]
    if record.payment is not None:
        paid = {
            "plane": "settlement",
            "executor": "system",
            "endpoint": record.proxy_url,
            "paidAmountMsats": record.payment.amount_msat + record.payment.fee_msat,
            "paymentProofRef": payment_proof_ref(record.payment.payment_hash),
            "observedAtMs": record.payment.paid_at_ms,
        }
        records.append(_record(record, paid))
    return records


def payment_proof_ref(payment_hash: str) -> str:
    """``sha256:`` and the first 16 hex of the sha256 of the payment hash (its bytes), never of the preimage."""
    return "sha256:" + hashlib.sha256(bytes.fromhex(payment_hash)).hexdigest()[:16]


def _step_record(record: RunRecord, step: StepRecord) -> Record:
    is_control = step.name in CONTROL_STEPS
    is_denied = step.status in (StepStatus.FAILED, StepStatus.INCONCLUSIVE)
    is_proxy = step.name is Step.PROXY
    reason = record.summary.failure_reason if record.summary.failure_stage is step.name else step.detail
    fields = {
        "plane": "control" if is_control else "gateway",
        "executor": "system" if is_control else "gateway",
        "endpoint": None if is_control else record.proxy_url if is_proxy else record.challenge_url,
        "denyReason": reason or "failed" if is_denied else None,
        "observedAtMs": (step.started_at_ms or 0) + (step.duration_ms or 0),
    }
    if is_proxy and record.payment is not None:
        fields["paymentProofRef"] = payment_proof_ref(record.payment.payment_hash)
    return _record(record, fields)


def _record(record: RunRecord, fields: Record) -> Record:
    common = {
        "requestId": record.summary.request_id,
        "userId": record.probe_owner_id,
        "paywallId": record.probe_paywall_id,
        "quotedCostMsats": record.quoted_msats,
        "capAppliedMsats": record.cap_msats,
        "executionPath": EXECUTION_PATH,
    }
    known = {**common, **fields}
    return {key: known.get(key) for key in KEYS}


def triage(records: Sequence[Record]) -> list[str]:
    """Where to look first, from these fields alone (RECONCILE.md §5)."""
    denied = [record for record in records if record["denyReason"]]
    lines = []
    if any(record["plane"] == "control" for record in denied):
        lines.append("denied before payment: look at the control plane (paywalls, compile, Khala)")
    if any(record["plane"] == "gateway" and not record["paymentProofRef"] for record in denied):
        lines.append("no payment proof, denied at the gateway: look at the challenge, the proxy or the gateway path")
    settled = {r["paymentProofRef"] for r in records if r["plane"] == "settlement" and r["paymentProofRef"]}
    projected = {r["paymentProofRef"] for r in records if r["plane"] == "ui"}
    if any(record["plane"] == "ui" for record in records) and settled - projected:
        lines.append("settled, but missing in the ui plane: look at the projection or read path")
    if any(r["executionPath"] == "local-node" and r["nodeSyncStatus"] == "degraded" for r in records):
        lines.append("local node degraded: look at the local runtime, wallet or node")
    return lines
