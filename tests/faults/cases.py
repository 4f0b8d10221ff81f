"""The fault matrix, generated: every call that a run makes x every fault x every signal before and after it."""

from __future__ import annotations

import random
import signal
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconcile.models import FAILURE_CODES, Deployer, Step
from tests.faults.calls import STEPS
from tests.faults.cloud_steps import CLOUD_STEPS, is_cloud_fatal
from tests.faults.proxy import ELSEWHERE, GARBLED, WITHOUT_EFFECT, Fault
from tests.faults.scenarios import SCENARIOS, Scenario, own_calls

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
# Before the call: for a caller that is interrupted or gone only the effect counts: none, at once, late.
EFFECTS = (Fault.CUT_BEFORE, Fault.NONE, Fault.DELAY)
CODES = {signal.SIGINT: 2, signal.SIGTERM: 143, signal.SIGKILL: -9}
ORDER = list(Step)
# The confirmation asks what the checks asked, and fails with their codes.
CONFIRM_CODES = {FAILURE_CODES[step] for step in (Step.HEALTH, Step.CHALLENGE, Step.PROXY)}


@dataclass(frozen=True, slots=True)
class Case:
    """One run: on a good or a wrong gateway, with one of the payers, hit once."""

    scenario: str
    call: str
    fault: Fault
    signal: signal.Signals | None = None
    is_after: bool = False

    @property
    def name(self) -> str:
        """For people."""
        place = f", {self.signal.name} {'after' if self.is_after else 'before'}" if self.signal else ""
        return f"{self.scenario}: {self.call}: {self.fault}{place}"

    @property
    def of(self) -> Scenario:
        """The scenario itself."""
        return SCENARIOS[self.scenario]

    @property
    def step(self) -> Step:
        """The step that the call belongs to; the conclusion's calls belong to the rollback's place or behind it."""
        return Step.ROLLBACK if self.of.is_wrong else {**STEPS, **CLOUD_STEPS}.get(self.call, Step.ROLLBACK)

    @property
    def is_in_conclusion(self) -> bool:
        """True when the verdict stands before the call is made."""
        return self.step is Step.ROLLBACK

    @property
    def is_shielded(self) -> bool:
        """True when a signal at the call waits: the conclusion itself promotes and confirms."""
        return ORDER.index(self.step) >= ORDER.index(Step.PROMOTE)


def generate(calls: Mapping[str, Sequence[str]]) -> Iterator[Case]:
    """All cases of the recorded calls, by scenario; a call that two scenarios make alike is hit in the first."""
    known: dict[Deployer, set[str]] = {deployer: set() for deployer in Deployer}
    for name, made in calls.items():
        scenario = SCENARIOS[name]
        for call in own_calls(scenario, made, known[scenario.deployer]):
            yield from _cases(name, call)


def _cases(scenario: str, call: str) -> Iterator[Case]:
    for fault in Fault:
        if fault is not Fault.NONE:
            yield Case(scenario, call, fault)
    for number in SIGNALS:
        for fault in (*EFFECTS, *sorted(ELSEWHERE)):
            yield Case(scenario, call, fault, number)
        for fault in Fault:
            if fault not in ELSEWHERE:
                yield Case(scenario, call, fault, number, is_after=True)


def sample(cases: Sequence[Case], count: int, seed: int) -> list[Case]:
    """So many of them, the same for the same seed, by turns of each deployer and spread over all its calls."""
    shuffled = list(cases)
    random.Random(seed).shuffle(shuffled)
    seen: Counter[tuple[str, str]] = Counter()

    def turn(case: Case) -> int:
        seen[case.scenario, case.call] += 1
        return seen[case.scenario, case.call]

    spread = sorted(shuffled, key=turn)
    places: Counter[Deployer] = Counter()

    def place(case: Case) -> int:
        places[case.of.deployer] += 1
        return places[case.of.deployer]

    return sorted(spread, key=place)[:count]


def is_fatal(case: Case) -> bool | None:
    """Whether the fault alone must stop the run (RECONCILE.md §2, KHALA.md); None where either is right."""
    call, fault = case.call, case.fault
    if fault in (Fault.DELAY, Fault.NONE):
        return False
    if call in ("read", "intent"):
        return fault in GARBLED
    if call == "pay":
        return True
    if case.is_in_conclusion:
        return False
    if case.of.deployer is Deployer.CLOUD_RUN:
        return is_cloud_fatal(call, fault, is_candidate=case.of.is_candidate)
    if call == "active#1":
        return True
    if call == "deploy":
        return fault in GARBLED or fault in WITHOUT_EFFECT
    return False if call == "active#2" else None


def wrong_answers(case: Case, code: int, summary: dict[str, Any]) -> list[str]:
    """What the run said of itself that does not follow from the contract."""
    status, stage, failure = summary["deploymentStatus"], summary["failureStage"], summary["failureCode"]
    wrong = []
    if status == "applied":
        if failure is not None or not all(summary[name] for name in ("healthOk", "challengeOk", "proxyOk")):
            wrong.append("applied with a failure or without a check")
        if case.of.is_wrong:
            wrong.append("a wrong gateway was applied")
        if case.signal is None and is_fatal(case):
            wrong.append("applied in spite of a fault that must stop it")
    elif failure == "rollback_failed":
        if case.of.deployer is Deployer.CLOUD_RUN:
            wrong.append("rollback_failed over one fault: there each of its calls is tried again")
        elif not case.of.is_wrong and case.signal is None and case.call not in ("deploy",):
            wrong.append("rollback_failed, and nothing was done to the rollback")
    else:
        wrong += _wrong_stage(case, stage, failure)
    if case.signal is not signal.SIGKILL:
        wrong += _wrong_code(case, code, summary)
    return wrong


def _wrong_stage(case: Case, stage: str, failure: str) -> list[str]:
    wrong = []
    codes = {FAILURE_CODES[Step(stage)]}
    if stage == Step.CONFIRM:  # a run that died over it, and no check, has the step's own
        codes = CONFIRM_CODES | (codes if case.signal is signal.SIGKILL and not case.of.is_late else set())
    if failure not in codes:
        wrong.append(f"{failure} is not the code of {stage}")
    if case.of.is_wrong:
        if stage != (Step.CONFIRM if case.of.is_late else Step.CHALLENGE):
            wrong.append(f"a wrong challenge failed at {stage}")
        return wrong
    if case.signal is None and (is_fatal(case) is False or Step(stage) is not case.step):
        wrong.append(f"{case.fault} at {case.call} failed at {stage}")
    if ORDER.index(Step(stage)) < ORDER.index(case.step) and not case.is_in_conclusion:
        wrong.append(f"failed at {stage}, before {case.call}")
    return wrong


def _wrong_code(case: Case, code: int, summary: dict[str, Any]) -> list[str]:
    if summary["failureCode"] == "rollback_failed":
        allowed = {70}
    elif summary["deploymentStatus"] == "applied":
        allowed = {0 if summary["recordsDelivered"] else 75}
    else:
        allowed = {1}
    if case.signal is not None and 70 not in allowed:
        own = {CODES[case.signal]}
        allowed = allowed | own if case.is_shielded or case.is_after else own
        if summary["deploymentStatus"] == "applied":
            allowed -= own
    return [] if code in allowed else [f"exit code {code}, not {sorted(allowed)}"]
