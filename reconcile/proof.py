"""The paid proof: where it comes from, and the one payment a run may make (PAYERS.md, RECONCILE.md §3).

Only the invoice of a challenge that passed every challenge check in this run is paid, its amount equal to the compiled
price. The payment hash is in the journal, on disk, before anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from reconcile.clock import Clock
from reconcile.errors import ChallengeError, Effect, PayerError
from reconcile.l402.credential import Credential, build_authorization, parse_authorization
from reconcile.models import ProofSource
from reconcile.payers import PaymentOrder, check_order
from reconcile.planning import RunPlan
from reconcile.ports import Ports
from reconcile.probe import ChallengeEvidence
from reconcile.record import PaymentRow
from reconcile.redact import Redactor
from reconcile.settings import PREFIX, WALLET_PREFIX
from reconcile.state import RunState
from reconcile.verify.challenge import is_payable

MISSING_PROOF_REMEDY = (
    f"set {PREFIX}PROXY_AUTHORIZATION_HEADER (a prepaid proof), {PREFIX}PAYER_LND_REST_URL with its macaroon, "
    f"or {WALLET_PREFIX}BASE_URL"
)


@dataclass(frozen=True, slots=True)
class Proof:
    """A credential that should be served, or why there is none."""

    authorization: SecretStr | None
    reason: str | None = None
    is_inconclusive: bool = False
    remedy: str | None = None


class Prover:
    """Finds or buys the proof; a second payment in one run is impossible."""

    def __init__(self, state: RunState, ports: Ports, clock: Clock, redactor: Redactor) -> None:
        self._state = state
        self._ports = ports
        self._clock = clock
        self._redactor = redactor
        self._has_paid = False

    def prove(self, plan: RunPlan, evidence: ChallengeEvidence) -> Proof:
        """The first proof that is set: prepaid header, payer, the challenge's smoke header."""
        header = self._state.settings.proxy_authorization_header
        if header is not None:
            self._state.proof_source = ProofSource.PREPAID_HEADER
            self._learn(parse_authorization(header.get_secret_value()))
            return Proof(header)
        if self._ports.payer is not None:
            self._state.proof_source = self._ports.payer.source
            return self._buy(plan, evidence)
        return self._smoke(plan, evidence)

    def _buy(self, plan: RunPlan, evidence: ChallengeEvidence) -> Proof:
        """Pay the proxy route's own challenge, once; whatever comes of it, never again."""
        rule = plan.proxy
        if self._has_paid:
            return Proof(None, "payment_already_attempted", is_inconclusive=True)
        found = evidence.challenge_of(rule.id)
        if found is None or found.chosen is None or found.invoice is None or not is_payable(evidence, rule.id):
            return Proof(None, "challenge_not_payable", remedy="mend the challenge of the proxy URL's route")
        order = PaymentOrder(
            invoice=found.chosen.invoice,
            payment_hash=found.invoice.payment_hash,
            amount_msat=found.invoice.amount_msat,
            max_fee_msat=self._left_msat - rule.price_sat * 1000,
            host=found.host,
            request_id=self._state.settings.request_id,
        )
        try:
            check_order(order, self._left_msat)
            preimage = self._pay(order)
        except PayerError as error:
            return Proof(None, error.reason, error.is_inconclusive, error.remedy)
        return Proof(SecretStr(build_authorization(found.chosen.macaroon_b64, preimage)))

    def _pay(self, order: PaymentOrder) -> str:
        """The preimage. What was sent and never answered counts as spent, fee limit included."""
        payer = self._ports.payer
        assert payer is not None
        self._has_paid = True
        most_msat = (order.amount_msat or 0) + order.max_fee_msat
        self._ports.journal.write(
            "payment",
            requestId=order.request_id,
            paymentHash=order.payment_hash,
            amountMsats=order.amount_msat,
            mostMsats=most_msat,
        )
        try:
            payment = payer.pay(order)
        except BaseException as error:  # a signal too: nobody knows whether the payment went through
            if not isinstance(error, PayerError) or error.effect is Effect.UNKNOWN:
                self._state.spent_msats += most_msat
            raise
        preimage = payment.preimage.get_secret_value()
        self._redactor.register(preimage)
        self._state.spent_msats += payment.amount_msat + payment.fee_msat
        paid_at_ms = self._clock.now_ms()
        self._state.payment = PaymentRow(payment.amount_msat, payment.fee_msat, order.payment_hash, paid_at_ms)
        return preimage

    @property
    def _left_msat(self) -> int:
        """What may still be spent in this run, in msat."""
        return self._state.settings.max_spend_msats - self._state.spent_msats

    def _smoke(self, plan: RunPlan, evidence: ChallengeEvidence) -> Proof:
        """The challenge's own ``x-oa-smoke-auth``: proves nothing about payment, and every output says so."""
        value = evidence.smoke_auth
        if value is None:
            return Proof(None, "missing_proxy_authorization", remedy=MISSING_PROOF_REMEDY)
        self._redactor.register(value)
        try:
            credential = parse_authorization(value)
            is_ours = credential.matches_hash() and credential.names_service(plan.proxy.service_name)
        except ChallengeError:
            is_ours = False
        if not is_ours:
            return Proof(None, "smoke_auth_refused", is_inconclusive=True, remedy=MISSING_PROOF_REMEDY)
        self._state.proof_source = ProofSource.SMOKE_HEADER
        self._state.warn("the proof came from the gateway's own x-oa-smoke-auth header: payment was not shown to work")
        self._learn(credential)
        return Proof(SecretStr(value))

    def _learn(self, credential: Credential) -> None:
        """The redactor must know a credential's parts before they travel."""
        self._redactor.register(credential.macaroon_b64)
        self._redactor.register(credential.preimage_hex)
