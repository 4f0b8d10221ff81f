"""What a gateway shows to somebody who only looks: no lease, no write, no secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from reconcile.errors import GatewayError
from reconcile.gateways.audit import Lease, Mark
from reconcile.gateways.interface import ApplyRequest
from reconcile.models import Deployment
from reconcile.service_tuple import TrafficTarget


@dataclass(frozen=True, slots=True)
class CloudSight:
    """What only Cloud Run shows. ``traffic`` as it serves, tags included; ``revision`` serves most of it, if any does."""

    revision: str | None
    config_version: str | None  # of the config secret, mounted by the revision
    traffic: tuple[TrafficTarget, ...]
    verified: Mark | None
    failed: Mark | None
    lease: Lease | None
    lease_problem: str | None = None  # why it could not be read

    @property
    def serving(self) -> tuple[str, ...]:
        """The revisions that serve users."""
        return tuple(dict.fromkeys(target.revision for target in self.traffic if target.percent))


@dataclass(frozen=True, slots=True)
class Sight:
    """Who serves. ``deployment``: None where nothing does. ``image``: as the gateway names it, or only its digest."""

    deployment: Deployment | None
    image: str | None = None
    cloud: CloudSight | None = None


@dataclass(frozen=True, slots=True)
class ServingServices:
    """Our compiled services as they serve. ``document``: a ``services:`` document, their keys as they were deployed."""

    document: str
    written_hash: str | None  # the configHash that the file itself says it holds; None: an operator's own file


class Viewer(Protocol):
    """What may be asked of a gateway without touching it. Every method raises GatewayError, and nothing else of its own."""

    def look(self) -> Sight:
        """Who serves now, and what the gateway keeps about it."""

    def serving_services(self, sight: Sight) -> ServingServices | None:
        """Our services in the config that serves by ``sight``; None: this gateway does not show its config."""

    def objection(self, request: ApplyRequest) -> GatewayError | None:
        """Why a deploy of ``request`` would be refused before anything is changed, as far as the gateway's API tells."""
