"""Khala in the run's words: paywalls in, a deployment's row and its events out."""

from __future__ import annotations

from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from reconcile.models import DeploymentStatus
from reconcile.paywalls import Paywall

PaywallStatus = Literal["active", "paused", "archived"]
COMPILED_STATUSES: tuple[PaywallStatus, ...] = ("active", "paused")  # what a config is made of


class Record(BaseModel):
    """Arguments of a mutation without the secret; camelCase on the wire, what is unset is left out, never null."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")

    def args(self) -> dict[str, Any]:
        """The wire form."""
        dumped = self.model_dump(mode="json", by_alias=True)
        return {name: value for name, value in dumped.items() if value is not None}


class DeploymentRecord(Record):
    """A row of ``l402GatewayDeployments`` (KHALA.md, ``recordGatewayCompileIntent``)."""

    deployment_id: str
    paywall_id: str | None = None
    owner_id: str | None = None
    config_hash: str
    image_digest: str | None = None
    status: DeploymentStatus
    diagnostics: list[dict[str, Any]] | None = None
    request_id: str
    metadata: dict[str, Any]
    rolled_back_from: str | None = None
    applied_at_ms: int | None = None


class EventRecord(Record):
    """A row of ``l402GatewayEvents`` (KHALA.md, ``recordGatewayDeploymentEvent``)."""

    paywall_id: str
    owner_id: str
    event_type: str
    level: Literal["info", "warn", "error"]
    request_id: str
    deployment_id: str
    config_hash: str | None = None
    execution_path: Literal["hosted-node"] = "hosted-node"
    metadata: dict[str, Any]


class ControlPlane(Protocol):
    """What a run asks of Khala. Every method raises ControlPlaneError, and nothing else of its own."""

    may_wait: bool  # False after a signal: what would have to be waited for goes to the outbox instead

    def list_paywalls(self, statuses: tuple[PaywallStatus, ...]) -> tuple[Paywall, ...]:
        """Paywalls of these statuses."""

    def record_deployment(self, record: DeploymentRecord) -> None:
        """Upsert the row with the record's deploymentId; the error's effect is UNKNOWN while any write of it may land."""

    def record_event(self, record: EventRecord) -> None:
        """Insert an event; readers deduplicate by its ``eventKey``."""

    def close(self) -> None:
        """Close the connections."""
