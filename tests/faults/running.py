"""One case: a stack, the proxy before it, a run in a process of its own, what heals it, and what is found afterwards."""

from __future__ import annotations

import base64
import json
from typing import Any

import jsonschema

from fixtures.embedded.cloud.seed import DATABASE_PASSWORD
from tests.e2e.harness import ROOT
from tests.e2e.test_secrets import leaks
from tests.faults.cases import Case, wrong_answers
from tests.faults.invariants import Kind, Violation, look, violations
from tests.faults.lnd import MACAROON_HEX
from tests.faults.proxy import ELSEWHERE, Schedule, signal_to
from tests.faults.scenarios import SCENARIOS
from tests.faults.workbench import VERSIONS_BEFORE, Bench, bench
from tests.faults.zygote import Zygote

# The warm process has imported what pytest would like to rewrite.
PYTEST = ("pytest", "-m", "staging", "-W", "ignore::pytest.PytestAssertRewriteWarning")
SCHEMA = json.loads((ROOT / "reports" / "summary.schema.json").read_text())


def record(scenario: str, zygote: Zygote) -> list[str]:
    """The calls of a run that nothing happens to, in their order."""
    with bench(scenario, zygote) as place:
        code, _ = place.run(*PYTEST)
        assert code == SCENARIOS[scenario].code, f"{code}: {place.log.read_text()}"
        return list(place.proxy.calls)


def try_case(case: Case, zygote: Zygote) -> list[Violation]:
    """Run the case, heal everything, finish what is to be finished, and look."""
    with bench(case.scenario, zygote) as place:
        arm(place, case)
        is_diverted = case.fault in ELSEWHERE
        number = int(case.signal) if case.signal is not None and is_diverted else 0
        code, hung = place.run(*PYTEST, call=case.call, fault=case.fault if is_diverted else "none", number=number)
        found = [Violation(Kind.OTHER, "it hung")] if hung else []
        if not place.proxy.is_struck and not is_diverted:
            found.append(Violation(Kind.OTHER, f"{case.call} was never called: {place.proxy.calls}"))
        place.proxy.heal()
        before = _summary(place)
        found += _finish(place, code)
        outside = look(place.stack, is_candidate=case.of.is_candidate, versions_before=VERSIONS_BEFORE)
        was_written = bool(outside.rows) or any(what == "deploy" for what, _, _ in outside.history)
        found += [*violations(outside), *_inside(place, case, code, before, was_written=was_written)]
        return found


def arm(place: Bench, case: Case) -> None:
    """Schedule the case's fault and signal."""
    if case.fault in ELSEWHERE:
        return
    action = None if case.signal is None else signal_to(lambda: place.zygote.child, case.signal)
    is_before = action is not None and not case.is_after
    place.proxy.schedule = Schedule(
        case.call, case.fault, action if is_before else None, action if not is_before else None
    )


def _finish(place: Bench, code: int) -> list[Violation]:
    """``recover`` where the process died or the rollback failed, ``deliver`` where records wait."""
    found = []
    if code in (-9, 70):
        recovered, _ = place.run("reconcile", "recover")
        if recovered not in (0, 75):
            found.append(Violation(Kind.OTHER, f"recover ended with {recovered}"))
    if list((place.folder / "out").glob("*/khala-outbox.jsonl")):
        delivered, _ = place.run("reconcile", "deliver")
        if delivered != 0 or list((place.folder / "out").glob("*/khala-outbox.jsonl")):
            found.append(Violation(Kind.LOST_RECORD, f"the outbox was not delivered: {delivered}"))
    return found


def _summary(place: Bench) -> dict[str, Any] | None:
    found = list((place.folder / "out").glob("*-*/summary.json"))
    if not found:
        return None
    loaded: dict[str, Any] = json.loads(found[0].read_text())
    return loaded


def _inside(
    place: Bench, case: Case, code: int, before: dict[str, Any] | None, *, was_written: bool
) -> list[Violation]:
    """What the run says of itself: its summary, its codes, its secrets, and that nothing of it lives."""
    found = [Violation(Kind.OTHER, f"left behind: {pid}") for pid in place.zygote.leftovers()]
    canaries = {place.stack.khala_secret, place.stack.ops_token, place.stack.wallet_token, MACAROON_HEX}
    canaries.add(DATABASE_PASSWORD)
    canaries |= {preimage for preimage, _ in place.stack.node._preimages.values()}
    rows = place.stack.tokens._db.execute("SELECT raw FROM root_keys").fetchall()
    canaries |= {base64.b64encode(raw).decode() for (raw,) in rows}
    ran = place.ran(code)
    found += [Violation(Kind.LEAK, f"{where} holds a secret") for where in {name for name, _ in leaks(ran, canaries)}]
    summary = before or _summary(place)
    if summary is None:
        if was_written or code != -9:
            found.append(Violation(Kind.OTHER, "no summary"))
        return found
    try:
        jsonschema.validate(summary, SCHEMA)
    except jsonschema.ValidationError as error:
        found.append(Violation(Kind.OTHER, f"the summary is not valid: {error.message}"))
    wrong = wrong_answers(case, code, summary)
    found += [Violation(Kind.OTHER, text) for text in wrong]
    if "Traceback (most recent call last)" in ran.stdout or "INTERNALERROR" in ran.stdout:
        found.append(Violation(Kind.OTHER, "a traceback on the terminal"))
    return found
