"""Step 8: every route in scope asks for its own price, with an invoice of the right node (RECONCILE.md §3, challenge).

Each verifier decides its own question alone: what another one owns (an answer that never came, a macaroon that cannot be
decoded) it passes over. A route that nobody could ask is nobody's pass: ``challenge.status`` owns it.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconcile.l402 import Invoice, Macaroon
from reconcile.models import CheckId, Finding, Outcome
from reconcile.probe import NODE_UNAVAILABLE, ChallengeEvidence, RouteChallenge
from reconcile.verify.interface import Tally

NODE_REMEDY = "look at the gateway's Lightning node: it mints no invoices"
UNASKED = ("no_request_for_route", "host_not_routed")
BODY = "payment required"  # Aperture's whole body (APERTURE.md, "Challenge")


def status(evidence: ChallengeEvidence) -> Finding:
    """Every route answers 402."""
    tally = Tally(CheckId.CHALLENGE_STATUS)
    for found in evidence.routes:
        why = found.unmeasured_reason
        if why == "host_not_routed" and evidence.unrouted_hosts == "report":
            tally.notes.append(f"{found.rule.id}: host {found.host} is not routed here")
        elif why in UNASKED:
            tally.leave_open(found.rule.id, why, "402")
        else:
            reason = why or f"status_{found.status}"
            reason = NODE_UNAVAILABLE if evidence.is_node_unavailable and why else reason
            got = found.exchange.got if found.exchange else reason
            tally.expect(found.rule.id, why is None and found.status == 402, reason=reason, got=got, expected="402")
    if evidence.is_node_unavailable:
        tally.expect("Lightning node", False, reason=NODE_UNAVAILABLE, got="no invoices", expected="a challenge")
        tally.problems.insert(0, tally.problems.pop())
        return tally.finding(remedy=NODE_REMEDY)
    return tally.finding()


def _answered(evidence: ChallengeEvidence) -> Iterator[RouteChallenge]:
    """Routes with a 402; the others are ``challenge.status``'s."""
    return (found for found in evidence.routes if found.status == 402 and found.unmeasured_reason is None)


def _with_macaroon(evidence: ChallengeEvidence) -> Iterator[tuple[RouteChallenge, Macaroon]]:
    return ((found, found.macaroon) for found in evidence.routes if found.macaroon is not None)


def _with_invoice(evidence: ChallengeEvidence) -> Iterator[tuple[RouteChallenge, Invoice]]:
    return ((found, found.invoice) for found in evidence.routes if found.invoice is not None)


def no_store(evidence: ChallengeEvidence) -> Finding:
    """No cache may keep a challenge: ``Cache-Control: no-store``."""
    tally = Tally(CheckId.CHALLENGE_NO_STORE)
    for found in _answered(evidence):
        value = (found.exchange.header("cache-control") if found.exchange else None) or "no Cache-Control"
        is_right = "no-store" in [part.strip().lower() for part in value.split(",")]
        tally.expect(found.rule.id, is_right, reason="missing_no_store", got=value, expected="no-store")
    return tally.finding()


def no_upstream_bytes(evidence: ChallengeEvidence) -> Finding:
    """A 402 carries nothing of what is for sale."""
    tally = Tally(CheckId.CHALLENGE_NO_UPSTREAM_BYTES)
    for found in _answered(evidence):
        body = found.exchange.body.strip() if found.exchange else b""
        got = f"another body of {len(body)} bytes"
        tally.expect(
            found.rule.id, body in (b"", BODY.encode()), reason="upstream_bytes_in_challenge", got=got, expected=BODY
        )
    return tally.finding()


def schemes(evidence: ChallengeEvidence) -> Finding:
    """Both schemes, LSAT and L402, with the same token in both."""
    tally = Tally(CheckId.CHALLENGE_SCHEMES)
    for found in _answered(evidence):
        names = sorted({challenge.scheme for challenge in found.challenges})
        tokens = {(challenge.macaroon_b64, challenge.invoice) for challenge in found.challenges}
        reason = found.challenge_problem or ("schemes_incomplete" if names else "challenge_missing")
        got = found.challenge_problem or " and ".join(names) or "no challenge"
        tally.expect(found.rule.id, names == ["L402", "LSAT"], reason=reason, got=got, expected="LSAT and L402")
        if names == ["L402", "LSAT"]:
            is_same = len(tokens) == 1
            tally.expect(
                found.rule.id, is_same, reason="schemes_differ", got="two tokens", expected="one token in both"
            )
    return tally.finding()


def macaroon(evidence: ChallengeEvidence) -> Finding:
    """A v2 macaroon whose identifier has 66 bytes and version 0."""
    tally = Tally(CheckId.CHALLENGE_MACAROON)
    for found in evidence.routes:
        if found.chosen is not None:
            problem = found.macaroon_problem
            expected = "a v2 macaroon, identifier of 66 bytes, version 0"
            tally.expect(found.rule.id, problem is None, reason=str(problem), got=str(problem), expected=expected)
    return tally.finding()


def invoice(evidence: ChallengeEvidence) -> Finding:
    """The invoice's checksum and signature hold."""
    tally = Tally(CheckId.CHALLENGE_INVOICE)
    for found in evidence.routes:
        if found.chosen is not None:
            problem = found.invoice_problem
            expected = "a BOLT11 invoice with checksum and signature"
            tally.expect(found.rule.id, problem is None, reason=str(problem), got=str(problem), expected=expected)
    return tally.finding()


def payment_hash(evidence: ChallengeEvidence) -> Finding:
    """The macaroon is bound to the invoice that is to be paid for it."""
    tally = Tally(CheckId.CHALLENGE_PAYMENT_HASH)
    for found, decoded in _with_invoice(evidence):
        bound = found.payment_hash
        if bound is not None:
            is_right = bound == decoded.payment_hash
            tally.expect(
                found.rule.id, is_right, reason="payment_hash_mismatch", got=bound, expected=decoded.payment_hash
            )
    return tally.finding()


def amount(evidence: ChallengeEvidence) -> Finding:
    """The invoice asks for the compiled price, to the millisatoshi."""
    tally = Tally(CheckId.CHALLENGE_AMOUNT)
    for found, decoded in _with_invoice(evidence):
        expected = found.rule.price_sat * 1000
        is_right = decoded.amount_msat == expected
        got, wanted = f"{decoded.amount_msat} msat", f"{expected} msat"
        tally.expect(found.rule.id, is_right, reason="amount_mismatch", got=got, expected=wanted)
    return tally.finding()


def network(evidence: ChallengeEvidence) -> Finding:
    """The invoice is for the configured network."""
    tally = Tally(CheckId.CHALLENGE_NETWORK)
    for found, decoded in _with_invoice(evidence):
        is_right = decoded.network is evidence.network
        tally.expect(found.rule.id, is_right, reason="network_mismatch", got=decoded.network, expected=evidence.network)
    return tally.finding()


def expiry(evidence: ChallengeEvidence) -> Finding:
    """The invoice can still be paid."""
    tally = Tally(CheckId.CHALLENGE_EXPIRY)
    for found, decoded in _with_invoice(evidence):
        asked_at_s = (found.exchange.at_ms if found.exchange else 0) / 1000
        got = f"expired {round(asked_at_s - decoded.expires_at_s)} s before it was asked for"
        is_right = decoded.expires_at_s > asked_at_s
        tally.expect(found.rule.id, is_right, reason="invoice_expired", got=got, expected="an invoice that can be paid")
    return tally.finding()


def payee(evidence: ChallengeEvidence) -> Finding:
    """One key signed every invoice: the configured one, or, where none is, the same one throughout."""
    tally = Tally(CheckId.CHALLENGE_PAYEE)
    expected = evidence.node_pubkey
    if expected is None:
        tally.notes.append("LND_NODE_PUBKEY is not set: who is paid was not checked")
    again = [(evidence.second, evidence.second.invoice)] if evidence.second and evidence.second.invoice else []
    for found, decoded in [*_with_invoice(evidence), *again]:
        expected = expected or decoded.payee
        is_right = decoded.payee == expected
        tally.expect(found.rule.id, is_right, reason="payee_mismatch", got=decoded.payee, expected=expected)
    return tally.finding()


def service(evidence: ChallengeEvidence) -> Finding:
    """The token is for this service: its ``services`` caveat names it."""
    tally = Tally(CheckId.CHALLENGE_SERVICE)
    for found, decoded in _with_macaroon(evidence):
        lists = decoded.service_lists()
        is_right = bool(lists) and all(names == (found.rule.service_name,) for names in lists)
        got = " and ".join(",".join(names) for names in lists) or "no services caveat"
        tally.expect(found.rule.id, is_right, reason="service_mismatch", got=got, expected=found.rule.service_name)
    return tally.finding()


def valid_until(evidence: ChallengeEvidence) -> Finding:
    """A lifetime caveat if and only if ``TOKEN_TIMEOUT_S`` is set."""
    tally = Tally(CheckId.CHALLENGE_VALID_UNTIL)
    is_wanted = evidence.token_timeout_s is not None
    for found, decoded in _with_macaroon(evidence):
        is_own = bool(decoded.conditions(f"{found.rule.service_name}_valid_until"))
        has_one = is_own if is_wanted else any(b"_valid_until=" in caveat for caveat in decoded.caveats)
        reason = "valid_until_missing" if is_wanted else "valid_until_unexpected"
        got, expected = ("present" if value else "absent" for value in (has_one, is_wanted))
        tally.expect(found.rule.id, has_one is is_wanted, reason=reason, got=got, expected=expected)
    return tally.finding()


def fresh(evidence: ChallengeEvidence) -> Finding:
    """On the probe route a second challenge has another payment hash: each one mints its own invoice."""
    tally = Tally(CheckId.CHALLENGE_FRESH)
    first, second = evidence.challenge_of(evidence.probe_rule_id), evidence.second
    hashes = [found.invoice.payment_hash for found in (first, second) if found and found.invoice]
    if len(hashes) == 2:
        is_right = hashes[0] != hashes[1]
        tally.expect("probe route", is_right, reason="challenge_repeated", got="the same hash", expected="another hash")
    return tally.finding()


def suspended(evidence: ChallengeEvidence) -> Finding:
    """A suspended paywall's route neither serves nor mints for its service."""
    tally = Tally(CheckId.CHALLENGE_SUSPENDED)
    for found in evidence.suspended:
        why = found.unmeasured_reason
        if why == "host_not_routed" and evidence.unrouted_hosts == "report":
            tally.notes.append(f"{found.rule.id}: host {found.host} is not routed here")
        elif why is not None or found.status is None or found.status >= 500:
            tally.leave_open(found.rule.id, why or f"status_{found.status}", "neither served nor minted for")
        else:
            _judge_suspended(tally, found)
    return tally.finding(may_be_empty=True)


def _judge_suspended(tally: Tally, found: RouteChallenge) -> None:
    is_charged = bool(found.challenges) or found.challenge_problem is not None
    if is_charged and found.macaroon is None:
        tally.leave_open(found.rule.id, "challenge_unreadable", "a challenge for another service, or none")
        return
    names = {name for listed in found.macaroon.service_lists() for name in listed} if found.macaroon else set()
    is_minted = found.rule.service_name in names
    is_served = found.status is not None and found.status < 400
    got = "minted for" if is_minted else "served" if is_served else "neither"
    reason = "suspended_route_mints" if is_minted else "suspended_route_served"
    tally.expect(found.rule.id, not (is_minted or is_served), reason=reason, got=got, expected="neither")


VERIFIERS = {
    CheckId.CHALLENGE_STATUS: status,
    CheckId.CHALLENGE_NO_STORE: no_store,
    CheckId.CHALLENGE_NO_UPSTREAM_BYTES: no_upstream_bytes,
    CheckId.CHALLENGE_SCHEMES: schemes,
    CheckId.CHALLENGE_MACAROON: macaroon,
    CheckId.CHALLENGE_INVOICE: invoice,
    CheckId.CHALLENGE_PAYMENT_HASH: payment_hash,
    CheckId.CHALLENGE_AMOUNT: amount,
    CheckId.CHALLENGE_NETWORK: network,
    CheckId.CHALLENGE_EXPIRY: expiry,
    CheckId.CHALLENGE_PAYEE: payee,
    CheckId.CHALLENGE_SERVICE: service,
    CheckId.CHALLENGE_VALID_UNTIL: valid_until,
    CheckId.CHALLENGE_FRESH: fresh,
    CheckId.CHALLENGE_SUSPENDED: suspended,
}


def is_payable(evidence: ChallengeEvidence, rule_id: str) -> bool:
    """True when every challenge check passed in this run and this route's own challenge is among what was examined."""
    found = evidence.challenge_of(rule_id)
    if found is None or found.invoice is None or found.macaroon is None or found.macaroon_problem is not None:
        return False
    return all(verifier(evidence).outcome is Outcome.PASSED for verifier in VERIFIERS.values())
