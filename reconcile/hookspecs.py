"""Hooks at which fixtures/ (the conductor) and reports/ (the outputs) meet. Neither imports the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconcile.errors import UsageError
    from reconcile.models import Step
    from reconcile.record import RunInfo, RunRecord
    from reconcile.redact import Redactor


def pytest_reconcile_configured(config: Any, run: RunInfo, redactor: Redactor) -> None:
    """A staging run was set up: its folder exists, nothing was contacted. Called inside ``pytest_configure``.

    ``redactor`` learns secrets as the run meets them; every output goes through it.
    """


def pytest_reconcile_looking(config: Any, redactor: Redactor) -> None:
    """Drift is looked for: no run, no run folder; reports go where the user asked. Called inside ``pytest_configure``."""


def pytest_reconcile_refused(config: Any, error: UsageError, request_id: str) -> None:
    """The run was refused with exit 4; ``request_id`` is the wanted one or an invented one. There is no run folder."""


def pytest_reconcile_step(config: Any, record: RunRecord, step: Step) -> None:
    """A step ended; ``record.summary.steps`` says how."""


def pytest_reconcile_notice(config: Any, message: str) -> None:
    """Something a person at the terminal should know now (one line, no secret)."""


def pytest_reconcile_concluded(config: Any, record: RunRecord) -> None:
    """The run is over: restored if need be, recorded. Called once, before the verdict's testcase and sessionfinish."""
