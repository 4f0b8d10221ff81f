"""The checks by name, and what a verifier says of one. Imported to collect, so that it imports little."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconcile.plain import plain
from reconcile.steps import Step


class Outcome(StrEnum):
    """A verifier's word on one check."""

    PASSED = "passed"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class CheckId(StrEnum):
    """Every check a run must pass, ``<step>.<what>``; one test each in checks/."""

    ROLLOUT_SERVING = "rollout.serving"
    ROLLOUT_IMAGE_PINNED = "rollout.image_pinned"
    ROLLOUT_CONFIG_PINNED = "rollout.config_pinned"
    ROLLOUT_CREDENTIALS = "rollout.credentials"
    ROLLOUT_LOG_LEVEL = "rollout.log_level"
    ROLLOUT_REPLAY = "rollout.replay"
    ROLLOUT_DATABASE = "rollout.database"
    ROLLOUT_TAGS = "rollout.tags"
    ROLLOUT_HEALTH_PATH = "rollout.health_path"
    HEALTH_ANSWERS = "health.answers"
    CHALLENGE_STATUS = "challenge.status"
    CHALLENGE_NO_STORE = "challenge.no_store"
    CHALLENGE_NO_UPSTREAM_BYTES = "challenge.no_upstream_bytes"
    CHALLENGE_SCHEMES = "challenge.schemes"
    CHALLENGE_MACAROON = "challenge.macaroon"
    CHALLENGE_INVOICE = "challenge.invoice"
    CHALLENGE_PAYMENT_HASH = "challenge.payment_hash"
    CHALLENGE_AMOUNT = "challenge.amount"
    CHALLENGE_NETWORK = "challenge.network"
    CHALLENGE_EXPIRY = "challenge.expiry"
    CHALLENGE_PAYEE = "challenge.payee"
    CHALLENGE_SERVICE = "challenge.service"
    CHALLENGE_VALID_UNTIL = "challenge.valid_until"
    CHALLENGE_FRESH = "challenge.fresh"
    CHALLENGE_SUSPENDED = "challenge.suspended"
    PROXY_NO_CREDENTIAL = "proxy.no_credential"
    PROXY_ZERO_PREIMAGE = "proxy.zero_preimage"
    PROXY_RANDOM_PREIMAGE = "proxy.random_preimage"
    PROXY_SERVED = "proxy.served"
    PROXY_REUSED = "proxy.reused"
    PROXY_TAMPERED_SIGNATURE = "proxy.tampered_signature"
    PROXY_TAMPERED_CAVEAT = "proxy.tampered_caveat"
    PROXY_FOREIGN = "proxy.foreign"

    @property
    def step(self) -> Step:
        """The step that this check decides."""
        return Step(self.value.split(".", 1)[0])


@dataclass(frozen=True, slots=True)
class Problem:
    """One route or request that is wrong: what was got and what was expected. No secret in either."""

    subject: str  # route id, or what was asked
    reason: str
    got: str
    expected: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A verifier's verdict on one check, over all routes in scope."""

    check: CheckId
    outcome: Outcome
    reason: str | None = None  # the first problem's; None when passed
    problems: tuple[Problem, ...] = ()
    remedy: str | None = None
    detail: str | None = None  # what was looked at, e.g. "7 routes"

    @property
    def message(self) -> str:
        """For people: got, expected and remedy, at most the first 20 problems."""
        lines = [f"{self.check}: {self.outcome}" + (f", reason {self.reason}" if self.reason else "")]
        lines += [plain(f"  {p.subject}: got {p.got}, expected {p.expected} [{p.reason}]") for p in self.problems[:20]]
        if len(self.problems) > 20:
            lines.append(f"  and {len(self.problems) - 20} more, all in the record")
        if self.remedy:
            lines.append(f"  remedy: {self.remedy}")
        return "\n".join(lines)
