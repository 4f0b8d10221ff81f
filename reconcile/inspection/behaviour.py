"""What the gateway does, held against what it should do: each route's challenge, by the checks of a run."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from reconcile.comparison import Comparison, Sameness
from reconcile.errors import GatewayError, ReconcileError
from reconcile.inspection.looking import Look
from reconcile.models import CheckId, Finding, Outcome, Step
from reconcile.probe import ChallengeEvidence, RouteChallenge
from reconcile.verify import verify

CHECKS = tuple(check for check in CheckId if check.step is Step.CHALLENGE)
MSAT_PER_SAT = 1000


def behaviour(name: str, look: Look) -> Comparison:
    """The comparison.

    Raises:
        ReconcileError: Khala does not answer, or nothing at all answers at the gateway.
    """
    evidence = look.challenges()
    _refuse_silence(evidence)
    findings = [verify(check, evidence) for check in CHECKS]
    bad = [found for found in findings if found.outcome is not Outcome.PASSED]
    sources = _sources(look)
    prices = [line for found in evidence.routes if (line := _price_line(found, sources)) is not None]
    lines = (*prices, *(line for found in bad if found.check is not CheckId.CHALLENGE_AMOUNT for line in _lines(found)))
    notes = [found.detail for found in findings if found.check is CheckId.CHALLENGE_STATUS and found.detail]
    told = f"{len(evidence.routes)} routes asked, {len(evidence.suspended)} suspended ones; {'; '.join(notes)}"
    remedy = next((found.remedy for found in bad if found.remedy), None)
    outcomes = {found.outcome for found in bad}
    if prices or Outcome.FAILED in outcomes:
        return Comparison(name, Sameness.DIFFERENT, told, lines, remedy)
    return Comparison(name, Sameness.UNKNOWN if outcomes else Sameness.SAME, told, lines, remedy)


def _refuse_silence(evidence: ChallengeEvidence) -> None:
    """A gateway that nobody reaches does not behave in any way; one whose Lightning node is gone does."""
    answers = [found.exchange for found in evidence.routes if found.exchange is not None]
    asked = [answer for answer in answers if answer.error != "host_not_routed"]
    if asked and all(answer.error == "connection_failed" for answer in asked):
        raise GatewayError("the gateway's routes cannot be reached", reason="connection_failed")


def _sources(look: Look) -> Mapping[str, Mapping[str, int | None]]:
    """Prices in sat by service name, as each source says; without what could not be read."""
    found: dict[str, Mapping[str, int | None]] = {}
    with contextlib.suppress(ReconcileError):
        found["its config"] = {entry.name: entry.price_sat for entry in look.served().entries or ()}
        run = look.last_run()
        recorded = look.recorded(run.serving_config_hash) if run is not None else None
        found["the last record"] = {entry.name: entry.price_sat for entry in recorded or ()}
    return found


def _price_line(found: RouteChallenge, sources: Mapping[str, Mapping[str, int | None]]) -> str | None:
    """What a route asks, where that is not what everybody says; None: it is, or it asks nothing."""
    if found.invoice is None:
        return None
    charged_msat = found.invoice.amount_msat
    said = {"Khala": found.rule.price_sat}
    for source, prices in sources.items():
        price_sat = prices.get(found.rule.service_name)
        if price_sat is not None:
            said[source] = price_sat
    if all(charged_msat == price_sat * MSAT_PER_SAT for price_sat in said.values()):
        return None
    told = ", ".join(f"{source} says {price_sat} sat" for source, price_sat in said.items())
    return f"~ {found.rule.service_name}: asks {charged_msat} msat; {told}"


def _lines(finding: Finding) -> list[str]:
    """The finding's first line and its problems, without the remedy, which is told once."""
    return [line for line in finding.message.splitlines() if not line.startswith("  remedy: ")]
