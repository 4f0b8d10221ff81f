"""The embedded cloud on a loop of its own, and gateways of runs that deploy to it through Google's own clients."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from fixtures.embedded.cloud import seed
from fixtures.embedded.cloud.history import Call, TrafficMap
from fixtures.embedded.cloud_run import EmbeddedCloudRun
from fixtures.embedded.faults import FaultPlan
from fixtures.embedded.invoices import Node
from fixtures.embedded.revisions import EmbeddedRunner
from fixtures.embedded.tokens import TokenStore
from reconcile.clock import SystemClock
from reconcile.compile import CompileOptions, compile_paywalls
from reconcile.gateways.audit import LEASE
from reconcile.gateways.cloud_preparing import CloudRunTarget
from reconcile.gateways.cloud_run import CloudRunApi
from reconcile.gateways.cloud_run_gateway import CloudRunGateway
from reconcile.gateways.interface import ApplyRequest, PromoteRequest, RestoreRequest, Settlement
from reconcile.models import Compiled, Rollout, Step
from tests.reconcile.compile.paywalls import paywall, route

Found = TypeVar("Found")
FIRST = f"{seed.SERVICE_ID}-00001-abc"
UPSTREAM = "127.0.0.1:9"
DEADLINE_S = 30.0


def compiled(*paths: str, price_sat: int = 10) -> Compiled:
    """Priced routes on any host."""
    routes = [route(path, host="*") for path in paths or ("/staging",)]
    options = CompileOptions(challenge_url="http://127.0.0.1:9/staging")
    return compile_paywalls([paywall(*routes, fixedAmountMsats=price_sat * 1000.0)], options)


class Cloud:
    """The running cloud, and what happened there."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._tokens = TokenStore(str(folder / "tokens.db"))
        self.cloud = EmbeddedCloudRun(EmbeddedRunner(Node(), self._tokens, FaultPlan()))

    def do(self, work: Coroutine[Any, Any, Found]) -> Found:
        """Run in the cloud's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_S)

    def start(self, config: str | None = None, **options: Any) -> None:
        """Let an operator's own revision serve."""
        self.do(self.cloud.start(config or seed.base_config(UPSTREAM), **options))

    def stop(self) -> None:
        """Stop everything."""
        self.do(self.cloud.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)
        self._loop.close()
        self._tokens.close()

    def gateway(
        self, *, rollout: Rollout = Rollout.CANDIDATE, image: str | None = None, keep: int = 5
    ) -> CloudRunGateway:
        """A run's gateway."""
        api = CloudRunApi(
            seed.SERVICE, seed.CONFIG_SECRET, self.cloud.run_endpoint, self.cloud.secret_manager_endpoint, "run-1"
        )
        target = CloudRunTarget(
            seed.SERVICE, seed.CONFIG_SECRET, rollout, image, keep, "http://127.0.0.1:9/staging", "/healthz"
        )
        return CloudRunGateway(api, target, SystemClock(), 0.3)

    @property
    def percents(self) -> dict[str, int]:
        """What serves users now."""
        return {name: percent for name, percent in self.cloud.service.served()[0].items() if percent}

    @property
    def tags(self) -> dict[str, str]:
        """Revisions by tag."""
        return self.cloud.service.served()[1]

    @property
    def lease(self) -> str | None:
        """The lease's annotation."""
        secret = self.cloud.secrets.secret(seed.PROJECT, seed.CONFIG_SECRET_ID)
        found: str | None = (secret.resource.get("annotations") or {}).get(LEASE)
        return found

    @property
    def states(self) -> dict[int, str]:
        """The config secret's versions."""
        secret = self.cloud.secrets.secret(seed.PROJECT, seed.CONFIG_SECRET_ID)
        return {number: version.state for number, version in secret.versions.items()}

    def mark(self, name: str) -> dict[str, Any] | None:
        """The service's audit mark of that name."""
        text = (self.cloud.service.spec.get("annotations") or {}).get(f"l402-harness/{name}")
        return None if text is None else dict(json.loads(text))

    @property
    def calls(self) -> list[str]:
        """Methods called, in order."""
        return [event.kind for event in self.cloud.history.events if isinstance(event, Call)]

    @property
    def served_ever(self) -> set[str]:
        """Every revision that ever had users' traffic."""
        maps = [event for event in self.cloud.history.events if isinstance(event, TrafficMap)]
        return {name for found in maps for name, percent in found.percents.items() if percent}


@contextmanager
def running(folder: Path, config: str | None = None, **options: Any) -> Iterator[Cloud]:
    """A cloud in which an operator's own revision serves."""
    cloud = Cloud(folder)
    try:
        cloud.start(config, **options)
        yield cloud
    finally:
        cloud.stop()


class Run:
    """One run's calls of the port, in order."""

    def __init__(
        self, cloud: Cloud, what: Compiled, *, name: str = "dep_1", is_forced: bool = False, **options: Any
    ) -> None:
        self.gateway = cloud.gateway(**options)
        self.what = what
        self.name = name
        self.is_forced = is_forced
        self.active = self.gateway.active()

    def apply(self) -> Any:
        """Step 5."""
        return self.gateway.apply(
            ApplyRequest(
                f"request-{self.name}", self.name, self.what, self.active.etag, self.active.saved, (), self.is_forced
            )
        )

    def promote(self) -> None:
        """Step 10."""
        self.gateway.promote(PromoteRequest(f"request-{self.name}", self.name))

    def restore(self) -> None:
        """Step 12."""
        assert self.active.deployment is not None
        self.gateway.restore(
            RestoreRequest(
                f"request-{self.name}", self.name, self.active.deployment.config_hash, saved=self.active.saved
            )
        )

    def settle(self, step: Step | None = None, reason: str | None = None) -> tuple[str, ...]:
        """The end."""
        return self.gateway.settle(
            Settlement(f"request-{self.name}", self.name, str(self.what.config_hash), step, reason)
        )

    def through(self) -> tuple[str, ...]:
        """All of it, going well."""
        if self.apply().candidate_url is not None:
            self.promote()
        return self.settle()
