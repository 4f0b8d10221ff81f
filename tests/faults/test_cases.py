"""The matrix is generated and whole; a few of its cases run here, and the judge of what a run says of itself is not blind."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator

import pytest

from reconcile.models import Deployer
from tests.faults.cases import Case, generate, sample, wrong_answers
from tests.faults.proxy import Fault
from tests.faults.running import try_case
from tests.faults.zygote import Zygote
from tests.reports.test_reports import record

CALLS = {
    "wallet": ["read", "intent", "deploy", "pay", "row#1"],
    "lnd": ["read", "send"],
    "wrong": ["challenge", "rollback"],
}
CLOUD_CALLS = {
    "cloud": ["read", "intent/service#1", "lease", "deploy", "deploy/challenge#2", "move", "unlease"],
    "cloud-wrong": ["deploy", "deploy/challenge#2", "move", "unlease"],
    "direct": [
        "version",
        "deploy",
        "deploy/challenge#1",
        "pay/credential#4",
        "pay/service#1",
        "mark/service#1",
        "unlease",
    ],
}


def test_every_call_meets_every_fault_and_every_signal_before_and_after() -> None:
    """Each call of any scenario once."""
    cases = list(generate(CALLS))
    assert len(cases) == len(set(cases))
    calls = {"read", "intent", "deploy", "pay", "row#1", "send", "rollback"}
    assert {case.call for case in cases} == calls
    for call in calls:
        own = [case for case in cases if case.call == call]
        assert {case.fault for case in own if case.signal is None} == set(Fault) - {Fault.NONE}
        places = {(case.signal, case.is_after) for case in own if case.signal is not None}
        assert len(places) == 6


def test_sample_is_the_same_for_the_same_seed_and_spread_over_the_calls() -> None:
    """A red sample can be run again."""
    cases = list(generate(CALLS))
    assert sample(cases, 14, 1) == sample(cases, 14, 1) != sample(cases, 14, 2)
    assert len({case.call for case in sample(cases, 7, 3)}) == 7


def test_sample_holds_as_many_cases_of_each_deployer() -> None:
    """However many more calls one of them makes."""
    cases = list(generate(CALLS | CLOUD_CALLS))
    assert Counter(case.of.deployer for case in sample(cases, 20, 5)) == {Deployer.OPS_HTTP: 10, Deployer.CLOUD_RUN: 10}


def test_scenario_of_cloud_run_is_hit_where_it_differs() -> None:
    """A wrong gateway behind its challenge, ``direct`` from its update on and at the mark; the rest is hit elsewhere."""
    found: dict[str, list[str]] = {}
    for case in generate(CLOUD_CALLS):
        found.setdefault(case.scenario, []).append(case.call)
    assert {name: list(dict.fromkeys(calls)) for name, calls in found.items()} == {
        "cloud": CLOUD_CALLS["cloud"],
        "cloud-wrong": ["move", "unlease"],
        "direct": ["deploy", "deploy/challenge#1", "pay/service#1", "mark/service#1"],
    }


def test_signal_at_the_promotion_waits_and_at_the_checks_does_not() -> None:
    """The conclusion itself promotes: what arrives there is answered behind it."""
    assert Case("cloud", "move", Fault.NONE, signal.SIGTERM).is_shielded
    assert not Case("cloud", "deploy", Fault.NONE, signal.SIGTERM).is_shielded
    assert Case("cloud-wrong", "move", Fault.NONE, signal.SIGTERM).is_in_conclusion


def test_answer_that_does_not_follow_from_the_contract_is_found() -> None:
    """A wrong exit code, a green run over a fatal fault, and a failure at another step."""
    good = record().summary.model_copy(update={"health_ok": True, "challenge_ok": True, "proxy_ok": True}).as_json()
    fatal = Case("wallet", "active#1", Fault.CUT_BEFORE)
    assert wrong_answers(Case("wallet", "read", Fault.DELAY), 0, good) == []
    assert wrong_answers(Case("wallet", "read", Fault.DELAY), 1, good) != []
    assert wrong_answers(fatal, 0, good) != []
    lost = {**good, "deploymentStatus": "failed", "failureStage": "rollback", "failureCode": "rollback_failed"}
    assert wrong_answers(Case("wrong", "rollback", Fault.CUT_BEFORE), 70, lost) == []
    assert wrong_answers(Case("cloud-wrong", "move", Fault.CUT_BEFORE), 70, lost) != []
    late = {**good, "deploymentStatus": "failed", "failureStage": "health", "failureCode": "health_check_failed"}
    assert wrong_answers(fatal, 1, late) != []


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """A warm process."""
    warm = Zygote()
    yield warm
    warm.close()


@pytest.mark.parametrize(
    "case",
    [
        Case("wallet", "deploy", Fault.CUT_AFTER),
        Case("wallet", "deploy", Fault.DELAY, signal.SIGTERM),
        Case("wallet", "intent", Fault.DELAY, signal.SIGKILL),
        Case("lnd", "send", Fault.CUT_AFTER),
        Case("wrong", "rollback", Fault.CUT_BEFORE),
        Case("cloud", "lease", Fault.CUT_AFTER, signal.SIGKILL, is_after=True),
        Case("cloud", "deploy", Fault.DELAY, signal.SIGTERM),
        Case("cloud", "move", Fault.DELAY, signal.SIGKILL),
        Case("cloud-late", "move#2", Fault.CUT_AFTER, signal.SIGKILL),
        Case("direct", "deploy/revision#1", Fault.ENDLESS),
    ],
    ids=lambda case: case.name,
)
def test_case_leaves_nothing_behind(case: Case, zygote: Zygote) -> None:
    """The hardest of each deployer; the rest is ``python -m tests.faults``."""
    assert try_case(case, zygote) == []
