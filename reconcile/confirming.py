"""Steps 10 and 11, for candidates: the traffic moves, then the very checks again where users ask.

The conductor does this itself, with the same verifiers and check ids; nothing is paid a second time.
"""

from __future__ import annotations

from reconcile.conduct import Conduct
from reconcile.errors import GatewayError, StepError
from reconcile.gateways import PromoteRequest, Settlement
from reconcile.judge import Failure
from reconcile.l402 import parse_authorization
from reconcile.models import Finding, Outcome, Step, StepStatus
from reconcile.planning import RunPlan
from reconcile.probe import ChallengeEvidence, ProxyEvidence, read_challenge
from reconcile.verify import verify
from reconcile.verify.table import Evidence

SETTLING_S, POLL_S = 10.0, 0.5  # a move of traffic is not instantaneous (CLOUD_RUN.md §2)


def promote_and_confirm(conduct: Conduct) -> Failure | None:
    """Steps 10 and 11, then the mark of what was verified; what failed, or None."""
    for step, action in ((Step.PROMOTE, _promote), (Step.CONFIRM, _confirm)):
        try:
            conduct.once(step, lambda action=action: action(conduct))  # type: ignore[misc]  # bound at once
        except StepError:
            return conduct.state.errors[step]
    return None


def keep(conduct: Conduct) -> Failure | None:
    """Mark what serves as verified, and leave nothing else of ours: it is kept only when that is written."""
    state = conduct.state
    settlement = Settlement(state.settings.request_id, state.deployment_id, str(state.config_hash))
    try:
        for warning in conduct.ports.gateway.settle(settlement):
            state.warn(warning)
    except GatewayError as error:
        state.statuses[Step.PROMOTE] = StepStatus.FAILED
        state.timings[Step.PROMOTE].detail = error.reason
        return Failure(Step.PROMOTE, error.reason, remedy=error.remedy, message=str(error))
    return None


def let_go(conduct: Conduct, *, is_hands_off: bool) -> None:
    """The same for what failed: the mark, no tag and no lease of ours; what cannot be done is a warning."""
    state, failure = conduct.state, conduct.state.failure
    settlement = Settlement(
        state.settings.request_id,
        state.deployment_id,
        str(state.config_hash),
        failure.step if failure is not None else Step.ROLLOUT,
        failure.reason.removeprefix("already_active:") if failure is not None else "interrupted",
        is_hands_off,
    )
    try:
        for warning in conduct.ports.gateway.settle(settlement):
            state.warn(warning)
    except GatewayError as error:
        state.warn(f"the gateway could not be left clean ({error.reason})")


def _promote(conduct: Conduct) -> None:
    state = conduct.state
    conduct.journal("promote", deploymentId=state.deployment_id)
    conduct.ports.gateway.promote(PromoteRequest(state.settings.request_id, state.deployment_id))
    state.serving = state.answered
    state.timings[Step.PROMOTE].detail = state.deployment_id


def _confirm(conduct: Conduct) -> None:
    """Health, challenge and proxy on the public URLs; the first that is no pass, by step and check, is the run's."""
    state, prober, plan = conduct.state, conduct.ports.prober, conduct.plan()
    settings = state.settings
    prober.aim(settings.gateway_base_url, settings.challenge_url, settings.proxy_url)
    prober.set_ready_deadline(conduct.clock.monotonic_s() + settings.ready_timeout_s)
    _await_move(conduct, plan)
    _require(conduct, Step.HEALTH, prober.health())
    challenges = prober.challenges(plan.targets, plan.suspended, plan.probe.id)
    _require(conduct, Step.CHALLENGE, challenges)
    _require(conduct, Step.PROXY, _ask_proxy(conduct, plan, challenges))
    state.timings[Step.CONFIRM].detail = f"{len(state.confirm_findings)} checks on the public URLs"


def _await_move(conduct: Conduct, plan: RunPlan) -> None:
    """Until the challenge URL charges what was deployed, or the time is up: then the checks say what is wrong."""
    deadline = conduct.clock.monotonic_s() + SETTLING_S
    target = next(target for target in plan.targets if target.rule.id == plan.probe.id)
    while True:
        found = read_challenge(target, conduct.ports.prober.challenge())
        if found.invoice is not None and found.invoice.amount_msat == plan.probe.price_sat * 1000:
            return
        if conduct.clock.monotonic_s() + POLL_S > deadline:
            return
        conduct.clock.sleep(POLL_S)


def _ask_proxy(conduct: Conduct, plan: RunPlan, challenges: ChallengeEvidence) -> ProxyEvidence:
    """Refusals with a fresh macaroon, then the token that was paid for before the traffic moved."""
    state, prober = conduct.state, conduct.ports.prober
    found = challenges.challenge_of(plan.proxy.id)
    chosen = found.chosen if found is not None else None
    refusals = prober.refusals(chosen.macaroon_b64 if chosen is not None else "")
    if state.paid_authorization is None:
        return ProxyEvidence(refusals, None, "not_attempted", is_proof_inconclusive=True)
    value = state.paid_authorization.get_secret_value()
    credential = parse_authorization(value)
    paid = prober.paid(value, credential.macaroon, credential.preimage_hex, plan.foreign)
    return ProxyEvidence(refusals, paid, is_own_payment=state.payment is not None)


def _require(conduct: Conduct, step: Step, evidence: Evidence) -> None:
    """Verify the step's checks; StepError for the first that is no pass, a definite failure before an open question."""
    findings = {check: verify(check, evidence) for check in conduct.state.expected if check.step is step}
    conduct.state.confirm_findings.update(findings)
    bad = [finding for finding in findings.values() if finding.outcome is not Outcome.PASSED]
    if bad:
        raise _step_error(next((f for f in bad if f.outcome is Outcome.FAILED), bad[0]))


def _step_error(finding: Finding) -> StepError:
    error = StepError(
        f"on the public URLs, {finding.message}",
        reason=finding.reason or "check_missing",
        remedy=finding.remedy,
        is_inconclusive=finding.outcome is Outcome.INCONCLUSIVE,
    )
    error.check = finding.check
    return error
