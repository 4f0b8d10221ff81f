"""The one tree of errors.

    ReconcileError
    ├── UsageError            bad input: exit 4, nothing contacted, nothing changed
    ├── StepError             a step of RECONCILE.md §2 did not succeed
    ├── NotReached            a step lies behind one that failed
    ├── ControlPlaneError     Khala refused, was not reached, or answered nonsense
    ├── GatewayError          the gateway's ops API likewise
    ├── PayerError            the payer did not turn the invoice into a preimage
    ├── ChallengeError        a 402 answer, macaroon, invoice or credential that cannot be read
    └── JournalError          the run folder cannot be written

Fields drive decisions (``reason``, ``effect``, ``is_inconclusive``); the text is for people and never holds a secret.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconcile.models import CheckId, Deployment


class Effect(StrEnum):
    """What a failed write may have done on the other side."""

    NONE = "none"  # certainly not applied
    REFUSED = "refused"  # answered with an error that says so, nothing was changed
    UNKNOWN = "unknown"  # the answer was lost: it may have been applied
    CHANGED = "changed"  # answered in a way that leaves the other side in doubt or changed


class ReconcileError(Exception):
    """Root of every error this project raises on purpose.

    Attributes:
        reason: stable string for machines, e.g. ``status_500`` (RECONCILE.md §2, OPS_API.md, KHALA.md).
        remedy: what a person can do about it, or None.
    """

    def __init__(self, message: str, *, reason: str, remedy: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.remedy = remedy


class UsageError(ReconcileError):
    """Bad input (exit 4). ``setting`` names the environment variable or option."""

    def __init__(self, setting: str, problem: str, *, remedy: str, reason: str = "invalid_setting") -> None:
        super().__init__(f"{setting}: {problem}; {remedy}", reason=reason, remedy=remedy)
        self.setting = setting


class StepError(ReconcileError):
    """A step failed. ``is_inconclusive``: the gateway was not shown to be wrong."""

    def __init__(self, message: str, *, reason: str, remedy: str | None = None, is_inconclusive: bool = False) -> None:
        super().__init__(message, reason=reason, remedy=remedy)
        self.is_inconclusive = is_inconclusive
        self.check: CheckId | None = None  # which check failed, where the step holds several


class NotReached(ReconcileError):
    """The step lies behind one that failed: there is no evidence, and nothing was asked or paid."""


class ControlPlaneError(ReconcileError):
    """Khala's answer, or the lack of one. ``effect`` tells what a mutation may have done."""

    def __init__(self, message: str, *, reason: str, remedy: str | None = None, effect: Effect = Effect.NONE) -> None:
        super().__init__(message, reason=reason, remedy=remedy)
        self.effect = effect


class GatewayError(ReconcileError):
    """The gateway's ops API. ``status`` is the HTTP status when there was one."""

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        remedy: str | None = None,
        effect: Effect = Effect.NONE,
        status: int | None = None,
    ) -> None:
        super().__init__(message, reason=reason, remedy=remedy)
        self.effect = effect
        self.status = status
        self.said: str | None = None  # the gateway's own words, one bounded line, e.g. a revision's last log line
        self.answered: Deployment | None = None  # what the answer named, when it named another than was sent


class PayerError(ReconcileError):
    """The payer could not pay, refused, or left the outcome open.

    Attributes:
        effect: NONE = nothing was sent or the payment failed for good; UNKNOWN = counts as spent, never sent again.
        is_inconclusive: True when this says nothing about the gateway (no route, no liquidity, payer away).
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str,
        remedy: str | None = None,
        effect: Effect = Effect.NONE,
        is_inconclusive: bool = True,
    ) -> None:
        super().__init__(message, reason=reason, remedy=remedy)
        self.effect = effect
        self.is_inconclusive = is_inconclusive


class ChallengeError(ReconcileError):
    """A challenge, macaroon, invoice or credential that does not parse. The text never quotes the credential."""


class JournalError(ReconcileError):
    """The run folder or a file in it cannot be written."""
