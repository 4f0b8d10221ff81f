"""What a start costs: collecting imports little, and libraries come when they are first used."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.harness import embedded, hosted_environment, run_pytest

pytestmark = pytest.mark.e2e
HEAVY = ("asyncio", "bolt11", "google.cloud", "google.auth", "httpx", "pydantic", "pymacaroons", "requests", "yaml")
LOOKER = f"""
import sys

def pytest_unconfigure(config):
    print("HEAVY", sorted(name for name in {HEAVY!r} if name in sys.modules))
"""


def test_collecting_imports_no_library_that_only_a_run_needs(tmp_path: Path) -> None:
    """``--collect-only`` is quick, with a hosted run's settings too; a run imports them when they are first used."""
    (tmp_path / "looker.py").write_text(LOOKER)
    env = {"PYTHONPATH": str(tmp_path)}
    ran = run_pytest(tmp_path, env, "--stack=embedded", "--collect-only", "-p", "looker", "-s")
    assert ran.code == 0, ran.output
    assert "HEAVY []" in ran.stdout
    with embedded() as stack:
        ran = run_pytest(tmp_path, {**hosted_environment(stack), **env}, "--collect-only", "-p", "looker", "-s")
        assert "HEAVY []" in ran.stdout
        ran = run_pytest(tmp_path, {**hosted_environment(stack), **env}, "-p", "looker", "-s")
        assert ("google.cloud" in ran.stdout, "pydantic" in ran.stdout) == (False, True), "an ops API needs no Google"
    ran = run_pytest(tmp_path, env, "--stack=embedded", "-p", "looker", "-s")
    assert f"HEAVY {sorted(HEAVY)}" in ran.stdout
