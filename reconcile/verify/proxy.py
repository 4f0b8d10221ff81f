"""Step 9: refused without payment, served with it, and not fooled (RECONCILE.md §3, proxy)."""

from __future__ import annotations

from collections.abc import Callable

from reconcile.models import CheckId, Finding, Outcome, Problem
from reconcile.probe import Exchange, ProxyEvidence
from reconcile.verify.interface import single, undecided

REFUSALS = (401, 402, 403)
UNPAID, TAMPERED, FOREIGN = "unpaid_credential_accepted", "tampered_credential_accepted", "foreign_credential_accepted"


def _refused(check: CheckId, exchange: Exchange, reason: str) -> Finding:
    """The gateway must refuse; anything else than a refusal or an acceptance shows neither."""
    if exchange.error is None and exchange.status in REFUSALS:
        return single(check, None, detail=exchange.got)
    is_accepted = exchange.error is None and exchange.status is not None and 200 <= exchange.status < 400
    why = reason if is_accepted else exchange.error or f"status_{exchange.status}"
    return single(check, Problem(exchange.subject, why, exchange.got, "refused with 402"))


def no_credential(evidence: ProxyEvidence) -> Finding:
    """Nothing is served without a credential."""
    return _refused(CheckId.PROXY_NO_CREDENTIAL, evidence.refusals.no_credential, UNPAID)


def zero_preimage(evidence: ProxyEvidence) -> Finding:
    """A fresh macaroon with a preimage of 64 zeros is refused."""
    return _refused(CheckId.PROXY_ZERO_PREIMAGE, evidence.refusals.zero_preimage, UNPAID)


def random_preimage(evidence: ProxyEvidence) -> Finding:
    """A fresh macaroon with a random preimage is refused."""
    return _refused(CheckId.PROXY_RANDOM_PREIMAGE, evidence.refusals.random_preimage, UNPAID)


def _served(check: CheckId, evidence: ProxyEvidence, pick: Callable[[ProxyEvidence], Exchange | None]) -> Finding:
    exchange = pick(evidence)
    if exchange is None:
        return _unproven(check, evidence)
    if exchange.error is None and exchange.status is not None and 200 <= exchange.status < 300:
        return single(check, None, detail=exchange.got)
    is_refused = exchange.error is None and exchange.status in REFUSALS
    problem = Problem(exchange.subject, "paid_credential_refused", exchange.got, "2xx from the upstream")
    if is_refused and not evidence.is_own_payment:
        remedy = "the proof may be spent or expired: give a new one"
        return undecided(check, "proof_refused", remedy=remedy, problems=[problem])
    if is_refused:
        return single(check, problem)
    reason = exchange.error or f"status_{exchange.status}"
    return single(check, Problem(exchange.subject, reason, exchange.got, "2xx from the upstream"))


def served(evidence: ProxyEvidence) -> Finding:
    """The paid credential is served, 2xx."""
    return _served(CheckId.PROXY_SERVED, evidence, lambda e: e.paid.served if e.paid else None)


def reused(evidence: ProxyEvidence) -> Finding:
    """And again: a token is no ticket for one ride."""
    return _served(CheckId.PROXY_REUSED, evidence, lambda e: e.paid.reused if e.paid else None)


def _unproven(check: CheckId, evidence: ProxyEvidence) -> Finding:
    """Nothing was paid: the reason is the proof's."""
    reason = evidence.proof_problem or "nothing_measured"
    if evidence.is_proof_inconclusive or evidence.proof_problem is None:
        return undecided(check, reason, remedy=evidence.proof_remedy)
    problem = Problem("paid proof", reason, "none", "a proof of payment")
    return single(check, problem, remedy=evidence.proof_remedy)


def _proven(check: CheckId, evidence: ProxyEvidence, exchange: Exchange | None, reason: str) -> Finding:
    """A refusal of a damaged or foreign token says something only beside a token that is served."""
    if evidence.paid is None:
        return _unproven(check, evidence)
    if served(evidence).outcome is not Outcome.PASSED:
        return undecided(check, "not_served")
    return undecided(check, "nothing_measured") if exchange is None else _refused(check, exchange, reason)


def tampered_signature(evidence: ProxyEvidence) -> Finding:
    """One bit of the signature flipped: refused."""
    exchange = evidence.paid.tampered_signature if evidence.paid else None
    return _proven(CheckId.PROXY_TAMPERED_SIGNATURE, evidence, exchange, TAMPERED)


def tampered_caveat(evidence: ProxyEvidence) -> Finding:
    """One bit of a caveat flipped: refused."""
    exchange = evidence.paid.tampered_caveat if evidence.paid else None
    return _proven(CheckId.PROXY_TAMPERED_CAVEAT, evidence, exchange, TAMPERED)


def foreign(evidence: ProxyEvidence) -> Finding:
    """The token of one service opens no other; with no other service there is nothing to be foreign to."""
    check = CheckId.PROXY_FOREIGN
    if evidence.paid is not None and evidence.paid.foreign is None:
        if evidence.paid.foreign_problem is not None:
            return undecided(check, evidence.paid.foreign_problem)
        return single(check, None, detail="no other service")
    exchange = evidence.paid.foreign if evidence.paid else None
    if exchange is not None and exchange.error == "host_not_routed":
        return undecided(check, "host_not_routed")
    return _proven(check, evidence, exchange, FOREIGN)


VERIFIERS = {
    CheckId.PROXY_NO_CREDENTIAL: no_credential,
    CheckId.PROXY_ZERO_PREIMAGE: zero_preimage,
    CheckId.PROXY_RANDOM_PREIMAGE: random_preimage,
    CheckId.PROXY_SERVED: served,
    CheckId.PROXY_REUSED: reused,
    CheckId.PROXY_TAMPERED_SIGNATURE: tampered_signature,
    CheckId.PROXY_TAMPERED_CAVEAT: tampered_caveat,
    CheckId.PROXY_FOREIGN: foreign,
}
