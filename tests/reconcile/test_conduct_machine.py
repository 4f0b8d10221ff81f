"""conduct.py and conclusion.py against ports that fail in any order, driven by hypothesis."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fixtures.embedded import seed
from fixtures.signals import RunInterrupted
from reconcile.conclusion import bring_back_early, conclude
from reconcile.conduct import Conduct
from reconcile.control_plane import DeploymentRecord, EventRecord
from reconcile.errors import ControlPlaneError, Effect, GatewayError, JournalError, ReconcileError
from reconcile.gateways.interface import Applied, ApplyRequest, RestoreRequest, Settlement
from reconcile.judge import Attempt, SessionEnd
from reconcile.machine import Phase, is_terminal
from reconcile.models import ActiveDeployment, CheckId, Deployer, Deployment, Finding, Outcome, Stack, expected_checks
from reconcile.paywalls import Paywall
from reconcile.ports import Ports
from reconcile.settings import PREFIX, read_settings
from reconcile.state import RunState
from tests.clocks import FakeClock

OLD = Deployment(deployment_id="dep_0", config_hash="cfg_" + "0" * 64)
OTHER = Deployment(deployment_id="dep_9", config_hash="cfg_" + "9" * 64)
PAYWALLS = tuple(Paywall.model_validate(entry) for entry in seed.paywalls("http://127.0.0.1:9"))
ENVIRONMENT = {
    PREFIX + name: value
    for name, value in {
        "KHALA_URL": "http://127.0.0.1:1",
        "SECRET": "ops-secret",
        "GATEWAY_BASE_URL": "http://127.0.0.1:1",
        "CHALLENGE_URL": "http://127.0.0.1:1/staging",
        "PROXY_URL": "http://127.0.0.1:1/staging",
        "ALLOW_PRIVATE_UPSTREAMS": "true",
    }.items()
}
# How a port may fail: before its effect, after it, refused, or by a signal in the middle (with and without the effect).
FAILURES = st.sampled_from([None, None, "before", "after", "refused", "signal", "signal-after"])


class World:
    """Everything outside the run. ``log``: every write in order, and every journal line before it."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.serving: Deployment | None = OLD
        self.fails: dict[str, str | None] = {}
        self.may_wait = True
        self.invoices_minted = 0

    def strike(self, what: str, effect: Any = None) -> None:
        """Do it, or fail as was told."""
        how = self.fails.get(what)
        if how in (None, "after", "signal-after") and effect is not None:
            effect()
        if how is None:
            return
        if how.startswith("signal"):
            self.fails[what] = None
            raise RunInterrupted
        effects = {"before": Effect.UNKNOWN, "after": Effect.UNKNOWN, "refused": Effect.REFUSED}
        raise self.error(what, effects[how])

    def error(self, what: str, effect: Effect) -> ReconcileError:
        """The error that the port's contract names."""
        if what.startswith("khala"):
            return ControlPlaneError("x", reason="control_plane_timeout", effect=effect)
        if what == "journal":
            return JournalError("x", reason="journal_unwritable")
        return GatewayError("x", reason="timeout", effect=effect)


EXPECTED = expected_checks(Deployer.OPS_HTTP)


class FakeKhala(World):
    """Control plane, gateway, prober, journal and outbox in one: they share the world's log."""

    def list_paywalls(self, statuses: object) -> tuple[Paywall, ...]:
        """The seed."""
        self.strike("khala-read")
        return PAYWALLS

    def record_deployment(self, record: DeploymentRecord) -> None:
        """A row."""
        self.log.append(f"khala:{record.status}")
        self.strike("khala-write")

    def record_event(self, record: EventRecord) -> None:
        """An event."""
        self.strike("khala-write")

    def active(self, timeout_s: float | None = None) -> ActiveDeployment:
        """What serves."""
        self.strike("gateway-read")
        return ActiveDeployment(self.serving, None)

    def apply(self, request: ApplyRequest) -> Applied:
        """A deploy, with or without its effect."""
        self.log.append("gateway:deploy")
        new = Deployment(deployment_id=request.deployment_id, config_hash=request.config_hash)
        self.strike("gateway-deploy", lambda: setattr(self, "serving", new))
        return Applied(new)

    def settle(self, settlement: Settlement) -> tuple[str, ...]:
        """This gateway keeps no marks."""
        return ()

    def restore(self, request: RestoreRequest) -> None:
        """A rollback, with or without its effect."""
        self.log.append("gateway:restore")
        self.strike("gateway-restore", lambda: setattr(self, "serving", OLD))

    def write(self, event: str, **fields: object) -> None:
        """A journal line; those that only remember a step never fail here."""
        self.log.append(f"journal:{event}")
        if event != "step":
            self.strike("journal")

    def append(self, record: object, abandoned_at_ms: int | None) -> None:
        """The outbox takes it."""
        self.log.append("outbox")

    def set_ready_deadline(self, monotonic_s: float) -> None:
        """Nothing waits here."""

    def aim(self, base_url: str, challenge_url: str, proxy_url: str) -> None:
        """Nothing is asked here."""

    def hurry(self) -> None:
        """Nothing waits here."""

    def health(self) -> Any:
        """What an observation stumbles over changes no verdict."""
        raise OSError("nothing can be observed")

    def close(self) -> None:
        """Nothing is open."""


class ConductMachine(RuleBasedStateMachine):
    """Steps in any order, failures anywhere, tests that pass or not; the conclusion at the end, at the latest."""

    def __init__(self) -> None:
        super().__init__()
        self.world = FakeKhala()
        clock = FakeClock()
        fake: Any = self.world  # one for all ports
        ports = Ports(fake, fake, fake, None, fake, fake, fake)
        state = RunState(read_settings(ENVIRONMENT, clock), Stack.HOSTED, "/dev/null", clock.now_ms())
        self.conduct = Conduct(state, ports, clock, lambda _: None)
        self.is_interrupted = False
        self.phases: list[Phase] = [state.phase]
        self.ends = self.broken_restores = 0

    def _do(self, action: Any) -> None:
        if self.is_interrupted:
            return
        try:
            action()
        except ReconcileError:
            pass
        except RunInterrupted:
            self.is_interrupted = True

    @rule(
        what=st.sampled_from(
            ["khala-read", "khala-write", "gateway-read", "gateway-deploy", "gateway-restore", "journal"]
        ),
        how=FAILURES,
    )
    def break_port(self, what: str, how: str | None) -> None:
        """From here on a port fails so, or is well again."""
        is_read_or_file = what in ("gateway-read", "journal", "khala-read")
        self.world.fails[what] = "before" if is_read_or_file and how == "refused" else how

    @rule(who=st.sampled_from([OLD, OTHER, None]))
    @precondition(lambda self: "gateway:deploy" not in self.world.log)
    def somebody_deploys(self, who: Deployment | None) -> None:
        """What serves changes before our deploy."""
        self.world.serving = who

    @rule(step=st.sampled_from(["read", "compile", "plan", "intent", "snapshot", "apply"]))
    @precondition(lambda self: not self.ends)
    def take_step(self, step: str) -> None:
        """Ask for a step; one that ran answers the same."""
        self._do(getattr(self.conduct, step))

    @rule(bad=st.sampled_from([None, None, None, *EXPECTED]))
    @precondition(lambda self: not self.ends and self.conduct.state.phase is Phase.OPEN)
    def check_everything(self, bad: CheckId | None) -> None:
        """The tests ran over their evidence; one may have failed."""
        for check in EXPECTED:
            outcome = Outcome.FAILED if check is bad else Outcome.PASSED
            self.conduct.state.findings[check] = Finding(check, outcome, "wrong" if check is bad else None)
            self.conduct.note_attempt(check, Attempt.FAILED if check is bad else Attempt.PASSED)
        was_interrupted = self.is_interrupted
        self._do(lambda: bring_back_early(self.conduct))
        self.broken_restores += self.is_interrupted and not was_interrupted

    @rule(end=st.sampled_from(SessionEnd))
    def end_session(self, end: SessionEnd) -> None:
        """The conclusion, once; its ports raise no signals: it is shielded."""
        if self.ends:
            return
        self.ends += 1
        for what, how in self.world.fails.items():
            self.world.fails[what] = None if str(how).startswith("signal") else how
        if self.is_interrupted:
            end = SessionEnd.INTERRUPTED
        record = conclude(self.conduct, end, "SIGINT" if self.is_interrupted else None, None)
        state = self.conduct.state
        assert is_terminal(state.phase)
        if state.phase is Phase.APPLIED:
            assert end is SessionEnd.COMPLETE
            assert all(state.findings[check].outcome is Outcome.PASSED for check in EXPECTED)
            assert all(set(state.attempts[check]) == {Attempt.PASSED} for check in EXPECTED)
            assert record.summary.failure_code is None
        else:
            assert record.summary.failure_code is not None
            assert record.exit_code != 0
        if state.phase is Phase.ROLLED_BACK:
            assert self.world.serving == state.snapshot
        if self.world.serving is not None and self.world.serving.deployment_id == state.deployment_id:
            is_said = state.phase is Phase.RESTORE_FAILED or state.snapshot is None or state.is_already_active
            assert state.phase is Phase.APPLIED or is_said, "an unverified config serves, and nothing says so"

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        """One deploy, one restore, whatever is asked for again; a restore that was broken off is sent once more."""
        assert self.world.log.count("gateway:deploy") <= 1
        assert self.world.log.count("gateway:restore") <= 1 + self.broken_restores

    @invariant()
    def a_journal_line_stands_before_each_write(self) -> None:
        """In the log's own order."""
        before = {
            "gateway:deploy": "journal:apply",
            "gateway:restore": "journal:rollback",
            "khala:pending": "journal:intent",
        }
        for write, line in before.items():
            if write in self.world.log:
                assert line in self.world.log[: self.world.log.index(write)]

    @invariant()
    def terminal_phase_is_reached_once(self) -> None:
        """It has no way out."""
        phase = self.conduct.state.phase
        if phase is not self.phases[-1]:
            assert not is_terminal(self.phases[-1])
            self.phases.append(phase)

    def teardown(self) -> None:
        """Every run is concluded."""
        self.end_session(SessionEnd.COMPLETE)
        self.nothing_is_sent_twice()
        self.a_journal_line_stands_before_each_write()


ConductMachine.TestCase.settings = settings(
    max_examples=150, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
test_run_keeps_its_word_whatever_fails = ConductMachine.TestCase


def test_restore_that_was_broken_off_is_done_again() -> None:
    """Before anything was sent, or in the midst of it."""
    for broken in ("gateway-read", "gateway-restore"):
        machine = ConductMachine()
        machine.take_step("apply")
        machine.break_port(broken, "signal")
        machine.check_everything(CheckId.ROLLOUT_SERVING)
        phases = [machine.conduct.state.phase]
        machine.end_session(SessionEnd.COMPLETE)
        assert [*phases, machine.conduct.state.phase] == [Phase.RESTORING, Phase.ROLLED_BACK]
        machine.nothing_is_sent_twice()
