"""How a restored gateway behaves, without paying: the run's own checks, held against the config that it serves again.

Source: RECONCILE.md §2 ("How the restored gateway behaves"). What is found changes no code.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote, urlsplit

from reconcile.compile.charges import Charge
from reconcile.conduct import Conduct
from reconcile.models import CheckId, Finding, Outcome, Step
from reconcile.planning import MAX_OBSERVED, RunPlan
from reconcile.probe import RolloutEvidence, RouteTarget
from reconcile.verify import verify
from reconcile.verify.table import Evidence

Held = list[tuple[RouteTarget, Charge]]  # what is asked, by the names and prices of the restored config


def observe(conduct: Conduct, ready_s: float) -> bool | None:
    """Health; challenges and prices of the restored config where it can be read, else a 402 on the challenge URL.

    Args:
        ready_s: how long what a starting gateway answers is asked again.
    Returns:
        True: all is as it should be. False: something is not. None: that cannot be told.
    """
    state, plan = conduct.state, conduct.state.plan
    if plan is None:
        return None
    prober = conduct.ports.prober
    prober.set_ready_deadline(conduct.clock.monotonic_s() + ready_s)
    _verify_serving(conduct)
    health = _keep(conduct, CheckId.HEALTH_ANSWERS, prober.health())
    if health.outcome is not Outcome.PASSED:
        return False
    held = _held(conduct, plan)
    if held:
        _verify_challenges(conduct, held)
    is_charging: bool | None = True
    if not any(target.rule.id == plan.probe.id for target, _ in held):
        status = prober.challenge_status()
        is_charging = None if status == 404 else status == 402  # the restored config may not know this route
    outcomes = {finding.outcome for finding in state.restored_findings.values()}
    if is_charging is False or Outcome.FAILED in outcomes:
        return False
    return True if is_charging and outcomes == {Outcome.PASSED} else None


def _keep(conduct: Conduct, check: CheckId, evidence: Evidence) -> Finding:
    found = conduct.state.restored_findings[check] = verify(check, evidence)
    if found.outcome is not Outcome.PASSED:
        conduct.state.warn(f"the restored gateway does not pass {check} ({found.reason})")
    return found


def _verify_serving(conduct: Conduct) -> None:
    """Who serves, where deployments keep their names: an ops API gives a restored config a new one."""
    state = conduct.state
    if state.saved is not None and state.snapshot is not None:
        serving = state.restore.serving if state.restore is not None else None
        evidence = RolloutEvidence(state.snapshot.deployment_id, state.snapshot.config_hash, serving)
        _keep(conduct, CheckId.ROLLOUT_SERVING, evidence)


def _held(conduct: Conduct, plan: RunPlan) -> Held:
    """The first routes in scope at the challenge URL's host, each with what the restored config charges there."""
    host = urlsplit(conduct.state.settings.challenge_url).netloc
    asked = [(t, t.target) for t in plan.targets if t.target is not None and t.host == host][:MAX_OBSERVED]
    requests = [(target.host, unquote(urlsplit(path).path)) for target, path in asked]
    charges = conduct.ports.describer.charges(conduct.state.saved, requests)
    return [(target, charge) for (target, _), charge in zip(asked, charges, strict=True) if charge is not None]


def _verify_challenges(conduct: Conduct, held: Held) -> None:
    """The challenge checks by the restored config's names, prices and lifetimes; of suspended routes it says nothing."""
    targets = [
        replace(target, rule=replace(target.rule, service_name=charge.service_name, price_sat=charge.price_sat))
        for target, charge in held
    ]
    evidence = conduct.ports.prober.challenges(targets, (), targets[0].rule.id)
    untold = {CheckId.CHALLENGE_SUSPENDED}
    lifetimes = {charge.timeout_s for _, charge in held}
    if len(lifetimes) == 1:
        evidence = replace(evidence, token_timeout_s=lifetimes.pop())
    else:
        untold.add(CheckId.CHALLENGE_VALID_UNTIL)  # the check knows one lifetime, a compiled config has one
    for check in CheckId:
        if check.step is Step.CHALLENGE and check not in untold:
            _keep(conduct, check, evidence)
