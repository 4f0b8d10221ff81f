"""The calls of a run by kind: what the proxy sees, what the schedule names, and the step that each belongs to."""

from __future__ import annotations

import json
from collections import Counter

from reconcile.models import Step
from tests.faults.cloud_calls import READS, WRITES, cloud_kind

ZEROS = "0" * 64
# Kinds that repeat within one run and differ by their place: numbered.
NUMBERED = ("active", "health", "credential", "row")
# Those that are made side by side, and how many of them are told apart (challenges: on Cloud Run).
MOST = {"credential": 4, "challenge": 2}
STEPS = {
    "read": Step.READ,
    "intent": Step.INTENT,
    "active#1": Step.SNAPSHOT,
    "deploy": Step.APPLY,
    "active#2": Step.ROLLOUT,
    "health#1": Step.HEALTH,
    "challenge": Step.CHALLENGE,
    "zeros": Step.PROXY,
    "pay": Step.PROXY,
    "send": Step.PROXY,
    "credential#1": Step.PROXY,
    "credential#2": Step.PROXY,
    "credential#3": Step.PROXY,
    "credential#4": Step.PROXY,
}


class CallNames:
    """Names the calls of one run as they come; a kind that repeats without a number keeps its name."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._is_cloud = False
        self._behind = "start"  # the last write, on Cloud Run

    def name(self, method: str, target: str, authorization: str, body: bytes) -> str:
        """The call's name, e.g. ``active#2``, ``deploy``, ``deploy/service#1``, ``event:gateway_reconcile_applied``."""
        found = cloud_kind(method, target, body)
        self._is_cloud = self._is_cloud or found is not None
        kind = found or _kind(method, target, authorization, body)
        if not self._is_cloud:
            return self._numbered(kind) if kind in NUMBERED else kind
        if kind in WRITES:
            self._seen[kind] += 1
            self._behind = kind if self._seen[kind] == 1 else f"{kind}#{self._seen[kind]}"
            return self._behind
        if kind == "row":
            return self._numbered(kind)
        if kind.startswith("event:"):
            return kind
        place = f"{self._behind}/{kind}"
        return self._numbered(place) if kind in (*NUMBERED, *READS, *MOST) else place

    def _numbered(self, kind: str) -> str:
        self._seen[kind] += 1
        number = min(self._seen[kind], MOST.get(kind.rpartition("/")[2], self._seen[kind]))
        return f"{kind}#{number}"


def _kind(method: str, target: str, authorization: str, body: bytes) -> str:
    if target.startswith("/api/"):
        return _khala_kind(body)
    known = {
        ("GET", "/ops/deployment"): "active",
        ("POST", "/ops/deploy"): "deploy",
        ("POST", "/ops/rollback"): "rollback",
        ("POST", "/pay-bolt11"): "pay",
        ("POST", "/v2/router/send"): "send",
        ("GET", "/healthz"): "health",
        ("GET", "/healthz/"): "health",
    }
    found = known.get((method, target))
    if found is not None:
        return found
    if target.startswith("/v2/router/track/"):
        return "track"
    if not authorization:
        return "challenge"
    return "zeros" if ZEROS in authorization else "credential"


def _khala_kind(body: bytes) -> str:
    called = json.loads(body)
    args = called["args"]
    if called["path"].endswith("listPaywallControlPlaneState"):
        return "read"
    if called["path"].endswith("recordGatewayCompileIntent"):
        return "intent" if args["status"] == "pending" else "row"
    return f"event:{args['eventType'].removeprefix('gateway_reconcile_')}"
