"""Runs the real harness in a process of its own against an embedded stack that lives in the test's process.

The run is a hosted one on loopback: what it left behind is read back from the stack itself, not from its reports.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures.embedded.faults import FaultPlan
from fixtures.embedded.stack import EmbeddedStack
from fixtures.local_stack import supplied_by

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "OA_LIGHTNING_OPS_"
WALLET = "OA_LIGHTNING_WALLET_EXECUTOR_"


@dataclass(frozen=True)
class Ran:
    """One finished run: the process's exit code and output, and its run folder's summary."""

    code: int
    stdout: str
    stderr: str
    folder: Path | None

    @property
    def output(self) -> str:
        """Everything that reached the terminal."""
        return self.stdout + self.stderr

    @property
    def summary(self) -> dict[str, Any]:
        """``summary.json``."""
        assert self.folder is not None, self.output
        loaded: dict[str, Any] = json.loads((self.folder / "summary.json").read_text())
        return loaded

    @property
    def suite(self) -> ElementTree.Element:
        """The test suite of ``junit.xml``."""
        assert self.folder is not None
        suite = ElementTree.parse(self.folder / "junit.xml").getroot().find("testsuite")
        assert suite is not None
        return suite

    @property
    def properties(self) -> dict[str, str]:
        """The suite's junit properties."""
        return {p.attrib["name"]: p.attrib["value"] for p in self.suite.iterfind("properties/property")}

    @property
    def verdict_failure(self) -> str | None:
        """The verdict testcase's failure message; None when it passed."""
        cases = [c for c in self.suite.iterfind("testcase") if c.attrib["name"] == "applied"]
        assert len(cases) == 1, [c.attrib for c in cases]
        failure = cases[0].find("failure")
        return None if failure is None else failure.attrib["message"]


@contextmanager
def embedded(*faults: str, is_cloud: bool = False) -> Iterator[EmbeddedStack]:
    """A running embedded stack with these faults, its gateway behind the ops API or on Cloud Run."""
    with EmbeddedStack(faults=FaultPlan(frozenset(faults)), is_cloud=is_cloud) as stack:
        yield stack


def hosted_environment(stack: EmbeddedStack) -> dict[str, str]:
    """The variables of a hosted run against ``stack``."""
    return {
        **supplied_by(stack),
        PREFIX + "UNROUTED_HOSTS": "report",
        PREFIX + "READY_TIMEOUT_S": "0.3",
        PREFIX + "PROBE_TIMEOUT_S": "2",
    }


def clean_environment() -> dict[str, str]:
    """This process's environment without anything that configures a run."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(("OA_LIGHTNING_", "PYTEST_", "CI"))
    }


def run_pytest(output: Path, env: Mapping[str, str], *args: str, staging: bool = True) -> Ran:
    """Run ``pytest -m staging`` as a process with ``env`` on top of a clean environment."""
    command = [sys.executable, "-m", "pytest", *(("-m", "staging") if staging else ()), *args]
    return run_command(command, output, env)


def run_command(command: list[str], output: Path, env: Mapping[str, str]) -> Ran:
    """Run a command at the repository's root with closed stdin; OUTPUT_DIR is ``output``."""
    environment = {**clean_environment(), PREFIX + "OUTPUT_DIR": str(output), **env}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    latest = output / "latest"
    return Ran(done.returncode, done.stdout, done.stderr, latest.resolve() if latest.is_symlink() else None)


def run_against(stack: EmbeddedStack, output: Path, *args: str, **env: str) -> Ran:
    """A hosted run against ``stack``; ``env`` names settings without their prefix."""
    changes = {name if name.startswith("OA_") else PREFIX + name: value for name, value in env.items()}
    return run_pytest(output, {**hosted_environment(stack), **changes}, *args)
