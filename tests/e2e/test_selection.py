"""Selection, repetition and distribution never turn a run green, never contact anything twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.harness import PREFIX, WALLET, embedded, hosted_environment, run_against, run_pytest

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    "arguments",
    [
        ("--deselect", "checks/test_challenge.py::test_amount"),
        ("-k", "not amount"),
        ("-k", "serving"),
        ("checks/test_health.py",),
    ],
)
def test_incomplete_selection_is_refused_before_anything_is_contacted(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """A selection that lacks an expected id is exit 4, and leaves nothing."""
    with embedded() as stack:
        ran = run_against(stack, tmp_path, *arguments)
        assert ran.code == 4, ran.output
        assert "selection" in ran.output
        assert stack.requests == []
        assert stack.khala.calls == []
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--collect-only",), 0),
        (("--setup-plan",), 0),
        (("-m", "staging and e2e"), 5),
        (("-k", "no_such_check"), 5),
        (("-m", "not staging", "checks"), 5),
        (("--setup-only",), 4),
    ],
)
def test_looking_only_contacts_nothing(arguments: tuple[str, ...], code: int, tmp_path: Path) -> None:
    """``--collect-only``, ``--setup-plan`` and an expression that selects no check contact nothing."""
    with embedded() as stack:
        ran = run_against(stack, tmp_path, *arguments)
        assert ran.code == code, ran.output
        assert stack.requests == []
        assert stack.khala.calls == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("-n", "4"),
        ("-n", "2", "--dist", "each"),
        ("--tx", "2*popen", "--dist", "load"),
        ("-x",),
        ("-p", "no:randomly"),
        ("-p", "no:terminal"),
    ],
)
def test_distribution_changes_nothing(arguments: tuple[str, ...], tmp_path: Path) -> None:
    """One deploy, one payment, one conclusion, the same answer, whatever xdist was told."""
    with embedded() as stack:
        ran = run_against(stack, tmp_path, *arguments)
        assert (ran.code, ran.summary["deploymentStatus"]) == (0, "applied"), ran.output
        assert [what for what, _ in stack.ops.history] == ["seed", "deploy"]
        assert len(stack.wallet.payments) == 1
        assert len(stack.khala.events()) == 4
        assert ran.verdict_failure is None


SABOTAGE = {
    "skipped": ("item.add_marker(pytest.mark.skip(reason='later'))", "check_skipped", ()),
    "xfailed": ("item.add_marker(pytest.mark.xfail(strict=False))", "check_skipped", ()),
    "missing": ("items.remove(item)", None, ()),
    "retried": ("item.obj = flaky(item.obj)", "check_retried", ("--reruns", "2")),
    "bent": ("item.obj = lambda challenge_evidence: None", "amount_mismatch", ()),
    "exit": ("item.obj = stop", "interrupted", ()),
    "interrupted": ("item.obj = interrupt", "interrupted", ()),
    "interrupted where no line is": ("item.obj = lineless", "interrupted", ()),
    "interrupted inside a library": ("Prober.challenges = swallow", "interrupted", ()),
}
PLUGIN = """
import os, signal, types
import pytest
from reconcile.probe import Prober

def flaky(test):
    seen = []
    def again(challenge_evidence):
        seen.append(1)
        assert len(seen) > 1, "fails the first time"
        test(challenge_evidence)
    return again

def stop(challenge_evidence):
    pytest.exit("enough", returncode=0)

def interrupt(challenge_evidence):
    os.kill(os.getpid(), signal.SIGINT)

def swallow(*_):
    try:
        interrupt(None)
    except KeyboardInterrupt:
        raise RuntimeError("a library's own error") from None

lineless = types.FunctionType(interrupt.__code__.replace(co_linetable=b""), globals())

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    for item in list(items):
        if item.name == "test_amount":
            {action}
"""


@pytest.mark.parametrize("kind", SABOTAGE)
def test_nothing_but_a_clean_pass_is_applied(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A skip, an xfail, a removal, a rerun, a bent test, an exit: each ends not applied, and the gateway is put back."""
    action, reason, arguments = SABOTAGE[kind]
    (tmp_path / "sabotage.py").write_text(PLUGIN.replace("{action}", action))
    faults = ("challenge-amount",) if kind == "bent" else ()
    with embedded(*faults) as stack:
        environment = {**hosted_environment(stack), "PYTHONPATH": str(tmp_path)}
        ran = run_pytest(tmp_path / "out", environment, "-p", "sabotage", *arguments)
        assert ran.code not in (0, 5), ran.output
        assert (ran.code == 2) is (reason == "interrupted"), ran.output
        assert "Traceback" not in ran.output
        assert stack.ops.active is not None
        assert stack.ops.active.config_hash == stack.ops.history[0][1].config_hash
        assert len(stack.wallet.payments) <= 1
        if reason is not None:
            assert (ran.summary["failureCode"], ran.summary["failureReason"]) == ("challenge_check_failed", reason)


@pytest.mark.parametrize(
    "settings",
    [
        {"KHALA_URL": "https://khala.example.com"},
        {"GATEWAY_BASE_URL": ""},
        {"CHALLENGE_URL": "https://l402.openagents.com/staging"},
        {"PROXY_URL": ""},
        {WALLET + "BASE_URL": "https://wallet.example.com"},
    ],
)
def test_loopback_beside_other_hosts_contacts_nothing(settings: dict[str, str], tmp_path: Path) -> None:
    """No combination that mixes loopback with the customer's hosts contacts anything."""
    with embedded() as stack:
        ran = run_against(stack, tmp_path, **settings)
        assert ran.code == 4
        assert "loopback" in ran.output
        assert stack.requests == []
        assert stack.khala.calls == []


@pytest.mark.parametrize("name", ["KHALA_URL", "SECRET", "GATEWAY_OPS_TOKEN", "LIGHTNING_NETWORK"])
def test_local_stack_beside_its_own_variables_is_refused(name: str, tmp_path: Path) -> None:
    """A local stack supplies these itself; any of them beside it is exit 4."""
    ran = run_pytest(tmp_path, {PREFIX + name: "https://khala.example.com"}, "--stack=embedded")
    assert ran.code == 4
    assert name in ran.output
    assert list(tmp_path.iterdir()) == []


def test_nothing_configured_is_refused_outside_a_terminal(tmp_path: Path) -> None:
    """No gate turns green because a variable went missing."""
    ran = run_pytest(tmp_path, {})
    assert ran.code == 4
    assert "KHALA_URL" in ran.output
