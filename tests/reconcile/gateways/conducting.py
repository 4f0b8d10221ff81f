"""A whole run in the test's own process: every step and every conclusion, without pytest around it."""

from __future__ import annotations

import contextlib
from pathlib import Path

from fixtures.embedded.cloud import seed
from fixtures.embedded.cloud.history import Call, TrafficMap
from fixtures.embedded.stack import EmbeddedStack
from fixtures.local_stack import supplied_by
from reconcile.clock import SystemClock
from reconcile.conclusion import conclude
from reconcile.conduct import Conduct
from reconcile.errors import NotReached, StepError
from reconcile.judge import Attempt, SessionEnd
from reconcile.models import Outcome, Stack, Step
from reconcile.ports import make_ports
from reconcile.record import RunRecord
from reconcile.redact import Redactor
from reconcile.settings import PREFIX, read_settings
from reconcile.stages import Stages
from reconcile.state import RunState

FIRST = seed.FIRST_REVISION


def conducted(stack: EmbeddedStack, folder: Path, name: str = "run-1", **env: str) -> RunRecord:
    """One run against the stack; each check's test passes where its verifier does."""
    clock = SystemClock()
    own = {PREFIX + key: value for key, value in {"READY_TIMEOUT_S": "0.3", "REQUEST_ID": name, **env}.items()}
    settings = read_settings({**supplied_by(stack), **own}, clock)
    run_folder = folder / name
    run_folder.mkdir(parents=True)
    ports = make_ports(settings, Stack.EMBEDDED, run_folder, clock)
    state = RunState(settings, Stack.EMBEDDED, str(run_folder), clock.now_ms())
    conduct = Conduct(state, ports, clock, lambda _: None)
    try:
        with contextlib.suppress(StepError, NotReached):
            Stages(conduct, Redactor()).proxy()
        for check, finding in state.findings.items():
            conduct.note_attempt(check, Attempt.PASSED if finding.outcome is Outcome.PASSED else Attempt.FAILED)
        return conclude(conduct, SessionEnd.COMPLETE, None, None)
    finally:
        ports.close()


def status_of(record: RunRecord, step: Step) -> str:
    """How a step ended."""
    return next(str(entry.status) for entry in record.summary.steps if entry.name is step)


def shares(stack: EmbeddedStack) -> dict[str, int]:
    """What serves users now."""
    return {name: percent for name, percent in stack.cloud.service.served()[0].items() if percent}


def maps(stack: EmbeddedStack) -> list[dict[str, int]]:
    """Every traffic map of the whole run."""
    events = stack.cloud.history.events
    return [{k: v for k, v in e.percents.items() if v} for e in events if isinstance(e, TrafficMap)]


def calls(stack: EmbeddedStack) -> list[str]:
    """The API's methods in the order of the calls."""
    return [event.kind for event in stack.cloud.history.events if isinstance(event, Call)]


def lease(stack: EmbeddedStack) -> str | None:
    """The lease on the config secret."""
    secret = stack.cloud.secrets.secret(seed.PROJECT, seed.CONFIG_SECRET_ID)
    found: str | None = (secret.resource.get("annotations") or {}).get("l402-harness.lease")
    return found


def our_tags(stack: EmbeddedStack) -> list[str]:
    """Tags of ours that are left."""
    return [tag for tag in stack.cloud.service.served()[1] if tag.startswith("l402-g")]
