"""Everything that an inspection reads: each once, on demand. Nothing is written anywhere: no lease, no record, no version.

The challenges mint invoices, as many as there are routes in scope; nothing is paid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from reconcile import kept_config
from reconcile.clock import Clock
from reconcile.compile import compile_paywalls
from reconcile.control_plane import COMPILED_STATUSES, ControlPlane
from reconcile.errors import GatewayError, ReconcileError
from reconcile.gateways import ApplyRequest, Sight, Viewer
from reconcile.inspection.records import Backlog, RunSummary, backlog, last_run
from reconcile.inspection.services import ServiceEntry, read_services
from reconcile.models import Compiled, Stack
from reconcile.names import deployment_id
from reconcile.planning import RunPlan, compile_options, plan_look, plan_run, refuse_errors
from reconcile.ports import make_control_plane, make_gateway, make_prober
from reconcile.probe import ChallengeEvidence, Prober
from reconcile.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Served:
    """Our services as they serve. ``entries``: None where nobody can tell them, only the hash; ``source``: who told."""

    entries: tuple[ServiceEntry, ...] | None
    source: str
    written_hash: str | None = None  # the configHash in the mounted file itself, where there is one


class Look:
    """One inspection. A read that failed fails in the same way each time it is asked for."""

    def __init__(self, settings: Settings, stack: Stack, clock: Clock, learn: Callable[[str], None]) -> None:
        """``learn`` is told each secret that is met."""
        self.settings = settings
        self.stack = stack
        self._clock = clock
        self._output_dir = Path(settings.output_dir)
        gateway = make_gateway(settings, clock, learn)
        self._gateway: Viewer = gateway
        self._control_plane: ControlPlane = make_control_plane(settings, clock)
        self._prober: Prober = make_prober(settings, stack, clock, gateway)
        self._close = gateway.close
        self._answers: dict[str, object] = {}

    def close(self) -> None:
        """Close the connections; safe to call twice."""
        self._close()
        self._control_plane.close()

    # --- what serves

    def sight(self) -> Sight:
        """Who serves; GatewayError when the gateway does not say."""
        return self._once("sight", self._gateway.look)

    def served(self) -> Served:
        """Our services in what serves."""
        return self._once("served", self._read_served)

    def challenges(self) -> ChallengeEvidence:
        """Every route in scope, asked for its challenge as a run asks; UsageError when MAX_INVOICES is too low."""
        plan = self.scope()
        return self._once("challenges", lambda: self._prober.challenges(plan.targets, plan.suspended, plan.probe.id))

    def now_ms(self) -> int:
        """Unix time in ms."""
        return self._clock.now_ms()

    @property
    def invoices_minted(self) -> int:
        """How many invoices the looking cost."""
        return self._prober.invoices_minted

    # --- what should

    def compiled(self) -> Compiled:
        """What Khala's paywalls compile to, with diagnostics; not valid where one of them is an error."""
        return self._once("compiled", self._compile)

    def wanted(self) -> Compiled:
        """The same, or StepError where nothing would be deployed."""
        refuse_errors(self.compiled())
        return self.compiled()

    def scope(self) -> RunPlan:
        """The routes that are asked."""
        return self._once("scope", lambda: plan_look(self.wanted(), self.settings))

    def objection(self) -> GatewayError | None:
        """What would keep a run from deploying, as far as it can be told before; UsageError where it is a setting."""
        compiled, settings = self.wanted(), self.settings
        plan = plan_run(compiled, settings)
        request = ApplyRequest(
            request_id=settings.request_id,
            deployment_id=deployment_id("reconcile", settings.request_id),
            compiled=compiled,
            wanted=plan.wanted(settings),
        )
        return self._gateway.objection(request)

    # --- what earlier runs left

    def last_run(self) -> RunSummary | None:
        """The last terminal record of this gateway in OUTPUT_DIR; a local stack has none, it has just begun."""
        if self.stack is not Stack.HOSTED:
            return None
        return self._once("last run", lambda: last_run(self._output_dir, self.settings.gateway_id, self.stack))

    def backlog(self) -> Backlog:
        """What is left undone in OUTPUT_DIR."""
        return self._once("backlog", lambda: backlog(self._output_dir, self.settings.gateway_id))

    def recorded(self, config_hash: str | None) -> tuple[ServiceEntry, ...] | None:
        """The services of that configHash, from the run folder that keeps them; None: none does."""
        found = self._kept(config_hash) if config_hash is not None else None
        return read_services(found[1]) if found is not None else None

    # --- inside

    def _once(self, name: str, ask: Callable[[], T]) -> T:
        if name not in self._answers:
            try:
                self._answers[name] = ask()
            except ReconcileError as error:
                self._answers[name] = error
        found = self._answers[name]
        if isinstance(found, ReconcileError):
            raise found
        return found  # type: ignore[return-value]  # one question a name: what was kept is its T

    def _compile(self) -> Compiled:
        paywalls = self._control_plane.list_paywalls(COMPILED_STATUSES)
        return compile_paywalls(paywalls, compile_options(self.settings))

    def _kept(self, config_hash: str) -> tuple[Path, str] | None:
        """The run folder that keeps the services of that hash, and the document."""
        return self._once(f"kept {config_hash}", lambda: kept_config.find(self._output_dir, config_hash))

    def _read_served(self) -> Served:
        sight = self.sight()
        if sight.deployment is None:
            return Served((), "nothing serves")
        shown = self._gateway.serving_services(sight)
        if shown is not None:
            return Served(read_services(shown.document), "the mounted config", shown.written_hash)
        return self._told_by_hash(sight.deployment.config_hash)

    def _told_by_hash(self, config_hash: str) -> Served:
        """Khala's own services if their hash serves, else those that a run folder keeps."""
        try:
            compiled = self.compiled()
        except ReconcileError:
            compiled = None
        if compiled is not None and compiled.config_hash == config_hash:
            return Served(read_services(compiled.aperture_yaml), "Khala's paywalls, which have its hash")
        found = self._kept(config_hash)
        if found is None:
            return Served(None, "no run folder in OUTPUT_DIR keeps the services of its hash: prices are not known")
        return Served(read_services(found[1]), f"{found[0].name}/{kept_config.FILE_NAME}")
