"""A look whose answers are given, for the comparisons that are made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from reconcile.errors import ReconcileError
from reconcile.gateways import CloudSight, Sight
from reconcile.gateways.audit import Mark
from reconcile.inspection import Look
from reconcile.inspection.looking import Served
from reconcile.inspection.records import Backlog, RunSummary
from reconcile.inspection.services import ServiceEntry
from reconcile.models import Deployment, DeploymentStatus, Stack
from reconcile.service_tuple import TrafficTarget

HASH, OTHER_HASH = "cfg_" + "a" * 64, "cfg_" + "b" * 64


@dataclass
class GivenLook:
    """Each answer as a value, or as the error that the read ends with."""

    sight: Any = None
    served: Any = field(default_factory=lambda: Served((), "the mounted config"))
    wanted: Any = None
    challenges: Any = None
    last_run: Any = None
    recorded: dict[str, tuple[ServiceEntry, ...]] = field(default_factory=dict)
    backlog: Any = field(default_factory=lambda: Backlog({}, ()))

    def look(self) -> Look:
        """As what the comparisons take."""
        given = {name: self._answering(getattr(self, name)) for name in self.__dataclass_fields__}
        given["recorded"] = self.recorded.get
        more = {"now_ms": lambda: 1000, "invoices_minted": 0, "settings": SimpleNamespace(gateway_id="gateway")}
        return cast(Look, SimpleNamespace(**given, **more))

    def _answering(self, answer: Any) -> Any:
        def answered() -> Any:
            if isinstance(answer, ReconcileError):
                raise answer
            return answer

        return answered


def sight(
    config_hash: str | None = HASH, deployment_id: str = "dep_1", *, digest: str | None = None, cloud: Any = None
) -> Sight:
    """What serves; None: nothing does."""
    if config_hash is None:
        return Sight(None, cloud=cloud)
    return Sight(Deployment(deployment_id=deployment_id, config_hash=config_hash, image_digest=digest), digest, cloud)


def cloud(verified: Mark | None, *serving: str) -> CloudSight:
    """Cloud Run's side: what was verified, and the revisions that share the traffic."""
    traffic = tuple(TrafficTarget(revision=name, percent=100 // len(serving)) for name in serving)
    return CloudSight(serving[0] if serving else None, "1", traffic, verified, None, None)


def mark(config_hash: str = HASH, *, at_ms: int = 500, revision: str = "s-g2") -> Mark:
    """An audit mark of a verified deployment."""
    return Mark(revision, "dep_1", config_hash, "reconcile:audit", at_ms)


def run(config_hash: str | None = HASH, *, at_ms: int = 900, is_applied: bool = True, **changes: Any) -> RunSummary:
    """A run's summary."""
    fields = {
        "request_id": "reconcile:run",
        "stack": Stack.HOSTED,
        "deployment_id": "dep_1",
        "deployment_status": DeploymentStatus.APPLIED if is_applied else DeploymentStatus.ROLLED_BACK,
        "serving_config_hash": config_hash,
        "image_digest": None,
        "failure_code": None,
        "failure_stage": None,
        "failure_reason": None,
        "finished_at_ms": at_ms,
    }
    return RunSummary.model_validate({**fields, **changes})
