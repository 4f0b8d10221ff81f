"""Tests of checks/: one test for each check id, each judged by its own verifier, nothing else; and the tests of drift."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

import checks
from checks import test_drift
from checks.requirement import require, require_same
from reconcile.models import CheckId, Comparison, Finding, Outcome, Problem, Sameness

Check = Callable[[object], None]


def modules() -> Iterator[ModuleType]:
    """The modules of checks/ that hold tests."""
    for found in pkgutil.iter_modules(checks.__path__):
        if found.name.startswith("test_"):
            yield importlib.import_module(f"checks.{found.name}")


def marks(owner: object) -> list[pytest.Mark]:
    """The marks of a test or of a module."""
    found = getattr(owner, "pytestmark", [])
    return list(found) if isinstance(found, list) else [found.mark]


def specification() -> list[tuple[ModuleType, Check, CheckId]]:
    """Every test of checks/ with the check id that it decides."""
    found: list[tuple[ModuleType, Check, CheckId]] = []
    for module in modules():
        if module is test_drift:
            continue
        for name, test in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_"):
                (mark,) = [mark for mark in marks(test) if mark.name == "check"]
                found.append((module, test, CheckId(mark.args[0])))
    return found


SPECIFICATION = specification()


def test_every_check_id_has_exactly_one_test() -> None:
    """None missing, none twice, none unknown: a check without a test would never be decided."""
    assert Counter(check for _, _, check in SPECIFICATION) == Counter(CheckId)


@pytest.mark.parametrize(("module", "test", "check"), SPECIFICATION, ids=[str(check) for _, _, check in SPECIFICATION])
def test_check_is_judged_by_its_own_verifier_alone(
    module: ModuleType, test: Check, check: CheckId, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes its stage's evidence, asks for its own verdict once, and a verdict that is no pass fails it."""
    evidence = object()
    asked: list[tuple[CheckId, object]] = []

    def verify(wanted: CheckId, given: object) -> Finding:
        asked.append((wanted, given))
        return Finding(wanted, outcome)

    monkeypatch.setattr(module, "verify", verify)
    assert list(inspect.signature(test).parameters) == [f"{check.step}_evidence"]
    for outcome in Outcome:
        if outcome is Outcome.PASSED:
            test(evidence)
        else:
            with pytest.raises(pytest.fail.Exception):
                test(evidence)
    assert asked == [(check, evidence)] * len(Outcome)


@pytest.mark.parametrize(("module", "test"), [(module, test) for module, test, _ in SPECIFICATION])
def test_check_is_staging_and_says_what_it_demands(module: ModuleType, test: Check) -> None:
    """Plain pytest must never deploy; the docstring is the specification."""
    assert "staging" in {mark.name for owner in (module, test) for mark in marks(owner)}
    assert test.__doc__


def test_failure_shows_got_expected_and_remedy() -> None:
    """What a person reads first."""
    problem = Problem("pw_1:r_1", "amount_mismatch", "9 msat", "10 msat")
    finding = Finding(CheckId.CHALLENGE_AMOUNT, Outcome.FAILED, "amount_mismatch", (problem,), remedy="look at it")
    with pytest.raises(pytest.fail.Exception) as caught:
        require(finding)
    assert all(part in str(caught.value) for part in ("pw_1:r_1", "9 msat", "10 msat", "amount_mismatch", "look at it"))


def test_collecting_the_checks_imports_no_http_client() -> None:
    """--collect-only is quick and contacts nothing."""
    names = ", ".join(f"checks.{found.name}" for found in pkgutil.iter_modules(checks.__path__))
    code = f"import sys, {names}; sys.exit('httpx' in sys.modules or 'bolt11' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


DRIFT = [test for name, test in inspect.getmembers(test_drift, inspect.isfunction) if name.startswith("test_")]


@pytest.mark.parametrize("test", DRIFT)
@pytest.mark.parametrize("sameness", Sameness)
def test_drift_check_passes_on_sameness_alone(test: Callable[[Comparison], None], sameness: Sameness) -> None:
    """A difference fails it, and so does what could not be found out; nothing to compare with is a skip."""
    comparison = Comparison("record", sameness, "told", ("~ a line",))
    if sameness is Sameness.SAME:
        test(comparison)
        return
    raised = pytest.skip.Exception if sameness is Sameness.NOTHING else pytest.fail.Exception
    with pytest.raises(raised, match="told"):
        test(comparison)


def test_drift_checks_are_no_checks_of_a_run() -> None:
    """Neither a staging run nor its verdict may be satisfied by one: they have a mark of their own, and no check id."""
    assert len(DRIFT) == 3
    assert {mark.name for mark in marks(test_drift)} == {"drift"}
    assert [mark for test in DRIFT for mark in getattr(test, "pytestmark", [])] == []
    assert all(test.__doc__ for test in DRIFT)


def test_drift_failure_shows_every_difference_without_control_characters() -> None:
    """What a person reads, whatever Khala or the gateway wrote into a name."""
    comparison = Comparison("Khala", Sameness.DIFFERENT, "1 changed", ("~ a\x1b[2J", "+ b"), remedy="deploy")
    with pytest.raises(pytest.fail.Exception) as caught:
        require_same(comparison)
    assert str(caught.value).splitlines()[1:] == ["  ~ a\\x1b[2J", "  + b", "  remedy: deploy"]
