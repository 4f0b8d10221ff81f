"""The harness's entry into pytest: loads the plugins and is the one place in it that reads the environment."""

from __future__ import annotations

import gc
import os
import sys

import pytest

from fixtures.beginning import begin_drift, begin_run
from fixtures.options import add_options
from fixtures.selection import begin_selection
from reconcile import hookspecs

pytest_plugins = ["fixtures.steps", "fixtures.drift_steps", "reports.plugin"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--stack``, ``--fault``, ``--no-local-stack``."""
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """The hooks at which the conductor and the reports meet."""
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> int | None:
    """``--fault=list`` prints the names of the faults and ends."""
    if "list" not in config.option.fault:
        return None
    from fixtures.embedded.faults import FAULTS

    sys.stdout.writelines(f"{name:<28} {text}\n" for name, text in FAULTS.items())
    return 0


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Set up the staging run or the look for drift, if one was asked for; contacts nothing."""
    for name in ("stdout", "stderr"):  # closed at the start (``>&-``): pytest would stumble over streams that are none
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 - for as long as the process lives
    is_interactive = (
        sys.stdin is not None and sys.stdin.isatty() and sys.__stdout__ is not None and sys.__stdout__.isatty()
    )
    begin_selection(config)
    begin_run(config, os.environ, is_interactive=is_interactive)
    begin_drift(config, os.environ, is_interactive=is_interactive)
    gc.freeze()  # modules live as long as the process: collections, pytest's two at the end too, need not walk them
