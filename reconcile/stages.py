"""Steps 6 to 9: each stage's evidence, gathered once and only when the stages before it passed; its checks verified."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from reconcile.conduct import Conduct
from reconcile.errors import GatewayError, NotReached, StepError
from reconcile.gateways import poll_active
from reconcile.l402 import parse_authorization
from reconcile.models import CheckId, Deployer, Deployment, Finding, Outcome, Step, StepStatus
from reconcile.planning import RunPlan
from reconcile.probe import (
    ChallengeEvidence,
    Exchange,
    HealthEvidence,
    ProxyEvidence,
    RefusalEvidence,
    RolloutEvidence,
    RouteChallenge,
    RouteTarget,
    is_google_front_end,
    read_challenge,
)
from reconcile.proof import Prover
from reconcile.record import RouteRow
from reconcile.redact import Redactor
from reconcile.verify import verify
from reconcile.verify.table import Evidence

E = TypeVar("E", bound=Evidence)
ROUTING_POLL_S = 0.25
REFUSAL_CHECKS = (CheckId.PROXY_NO_CREDENTIAL, CheckId.PROXY_ZERO_PREIMAGE, CheckId.PROXY_RANDOM_PREIMAGE)


class Stages:
    """Gathers and verifies, stage by stage."""

    def __init__(self, conduct: Conduct, redactor: Redactor) -> None:
        self._conduct = conduct
        self._state = conduct.state
        self._prober = conduct.ports.prober
        self._prover = Prover(conduct.state, conduct.ports, conduct.clock, redactor)

    def rollout(self) -> RolloutEvidence:
        """Step 6."""
        self._conduct.apply()
        return self._gather(Step.ROLLOUT, self._ask_rollout)

    def health(self) -> HealthEvidence:
        """Step 7."""
        self.rollout()
        return self._gather(Step.HEALTH, self._ask_health)

    def challenge(self) -> ChallengeEvidence:
        """Step 8."""
        self.health()
        return self._gather(Step.CHALLENGE, self._ask_challenges)

    def proxy(self) -> ProxyEvidence:
        """Step 9: refusals first; the payment only when nothing was given away."""
        evidence = self.challenge()
        return self._gather(Step.PROXY, lambda: self._ask_proxy(evidence))

    def _gather(self, step: Step, ask: Callable[[], E]) -> E:
        if step not in self._state.timings and self._conduct.has_failed_before(step):
            raise NotReached(f"{step}: not reached, an earlier step failed", reason="not_reached")

        def action() -> E:
            evidence = ask()
            findings = {check: verify(check, evidence) for check in self._state.expected if check.step is step}
            self._state.findings.update(findings)
            self._settle(step, list(findings.values()))
            return evidence

        return self._conduct.once(step, action)

    def _settle(self, step: Step, findings: list[Finding]) -> None:
        outcomes = {finding.outcome for finding in findings}
        bad = [finding for finding in findings if finding.outcome is not Outcome.PASSED]
        if Outcome.FAILED in outcomes:
            self._state.statuses[step] = StepStatus.FAILED
        elif Outcome.INCONCLUSIVE in outcomes:
            self._state.statuses[step] = StepStatus.INCONCLUSIVE
        for finding in findings:
            if finding.outcome is Outcome.PASSED and finding.remedy:
                self._state.warn(finding.remedy)
        detail = f"{len(findings)} checks" if not bad else ", ".join(f"{f.check}: {f.reason}" for f in bad[:3])
        self._state.timings[step].detail = detail

    # --- what is asked

    def _ask_rollout(self) -> RolloutEvidence:
        if self._state.settings.gateway_deployer is Deployer.CLOUD_RUN:
            return self._ask_revision()
        state, gateway = self._state, self._conduct.ports.gateway
        wanted = (state.deployment_id, str(state.config_hash))
        found = poll_active(
            gateway,
            lambda active: (
                active.deployment is not None
                and (active.deployment.deployment_id, active.deployment.config_hash) == wanted
            ),
            self._conduct.clock,
            budget_s=min(state.settings.ready_timeout_s, 10.0),
        )
        active, error = (found.deployment, None) if found is not None else (None, None)
        if found is None:
            try:
                active = gateway.active().deployment
            except GatewayError as failure:
                error = failure.reason
        state.serving = active
        return RolloutEvidence(*wanted, active, error)

    def _ask_revision(self) -> RolloutEvidence:
        """What Cloud Run's API shows of the new revision, and what its challenge URL charges from outside."""
        state, plan = self._state, self._plan
        wanted = (state.deployment_id, str(state.config_hash))
        try:
            facts = self._conduct.ports.describer.describe()
        except GatewayError as failure:
            return RolloutEvidence(*wanted, None, failure.reason)
        if facts is None:
            return RolloutEvidence(*wanted, None, "no_deployment")
        found = read_challenge(RouteTarget(plan.probe, "", None), self._first_answer())
        charged_msat = found.invoice.amount_msat if found.invoice is not None else None
        active = Deployment(
            deployment_id=facts.deployment_id or facts.revision, config_hash=facts.config_hash or "unknown"
        )
        return RolloutEvidence(
            *wanted,
            active,
            facts=facts,
            is_candidate=state.candidate_url is not None,
            charged_sat=None if charged_msat is None else charged_msat // 1000,
            expected_sat=plan.probe.price_sat,
        )

    def _first_answer(self) -> Exchange:
        """The challenge URL's answer, as soon as the front end knows the way: a new tag's URL takes its time."""
        clock = self._conduct.clock
        deadline = clock.monotonic_s() + self._state.settings.ready_timeout_s
        while is_google_front_end(answer := self._prober.challenge()) and clock.monotonic_s() < deadline:
            clock.sleep(ROUTING_POLL_S)
        return answer

    @property
    def _plan(self) -> RunPlan:
        """What is asked: of a candidate, what answers at its own URL."""
        return self._state.candidate_plan or self._conduct.plan()

    def _ask_health(self) -> HealthEvidence:
        evidence = self._prober.health()
        finding = verify(CheckId.HEALTH_ANSWERS, evidence)
        self._state.health_detail = finding.detail or finding.reason
        self._note_status(Step.HEALTH, evidence.exchange)
        return evidence

    def _ask_challenges(self) -> ChallengeEvidence:
        plan = self._plan
        if plan.probe.id not in {target.rule.id for target in plan.targets}:
            remedy = "use ROLLOUT=direct, or give a CHALLENGE_URL whose path no other route takes"
            message = "the challenge URL's route does not answer at the candidate's own URL"
            raise StepError(message, reason="no_request_for_route", remedy=remedy, is_inconclusive=True)
        evidence = self._prober.challenges(plan.targets, plan.suspended, plan.probe.id)
        probe = evidence.challenge_of(plan.probe.id)
        if probe is not None and probe.exchange is not None:
            self._note_status(Step.CHALLENGE, probe.exchange)
        self._state.invoices_minted = self._prober.invoices_minted
        findings = [verify(check, evidence) for check in self._state.expected if check.step is Step.CHALLENGE]
        self._state.routes = tuple(_route_row(found, findings) for found in evidence.routes)
        has_payer = self._state.settings.proxy_authorization_header is not None or self._conduct.ports.payer is not None
        if evidence.smoke_auth is not None and has_payer:
            self._state.warn("the gateway sends x-oa-smoke-auth with its challenge: anybody can read it and be served")
        if self._state.settings.lnd_node_pubkey is None:
            self._state.warn("LND_NODE_PUBKEY is not set: that the right node is paid was not checked")
        return evidence

    def _ask_proxy(self, challenges: ChallengeEvidence) -> ProxyEvidence:
        plan = self._plan
        found = challenges.challenge_of(plan.proxy.id)
        chosen = found.chosen if found is not None else None
        refusals = self._prober.refusals(chosen.macaroon_b64 if chosen is not None else "")
        unpaid = ProxyEvidence(refusals, None)
        if any(verify(check, unpaid).outcome is not Outcome.PASSED for check in REFUSAL_CHECKS):
            return ProxyEvidence(refusals, None, "not_attempted", is_proof_inconclusive=True)
        evidence = self._ask_paid(refusals, challenges)
        self._state.invoices_minted = self._prober.invoices_minted
        return evidence

    def _ask_paid(self, refusals: RefusalEvidence, challenges: ChallengeEvidence) -> ProxyEvidence:
        plan = self._plan
        proof = self._prover.prove(plan, challenges)
        if proof.authorization is None:
            return ProxyEvidence(refusals, None, proof.reason, proof.is_inconclusive, proof.remedy)
        self._state.paid_authorization = proof.authorization
        value = proof.authorization.get_secret_value()
        credential = parse_authorization(value)
        paid = self._prober.paid(value, credential.macaroon, credential.preimage_hex, plan.foreign)
        self._note_status(Step.PROXY, paid.served)
        return ProxyEvidence(refusals, paid, is_own_payment=self._state.payment is not None)

    def _note_status(self, step: Step, exchange: Exchange) -> None:
        if exchange.status is not None:
            self._state.status_codes[step] = exchange.status


def _route_row(found: RouteChallenge, findings: list[Finding]) -> RouteRow:
    rule, exchange = found.rule, found.exchange
    problems = [p for finding in findings for p in finding.problems if p.subject == rule.id]
    return RouteRow(
        route_id=rule.id,
        service_name=rule.service_name,
        host_pattern=rule.host_pattern,
        path_pattern=rule.path_pattern,
        price_sat=rule.price_sat,
        request=f"GET {exchange.host}{exchange.target}" if exchange else None,
        status=found.status,
        charged_msat=found.invoice.amount_msat if found.invoice else None,
        payee=found.invoice.payee if found.invoice else None,
        problem=f"{problems[0].reason}: got {problems[0].got}, expected {problems[0].expected}" if problems else None,
    )
