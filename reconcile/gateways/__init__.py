"""Gateways: the port, and the adapters behind it."""

from reconcile.gateways.interface import (
    Applied,
    ApplyRequest,
    Describer,
    Gateway,
    PromoteRequest,
    RestoreRequest,
    Settlement,
    confirm_apply,
    poll_active,
)
from reconcile.gateways.ops_http import OpsHttpGateway
from reconcile.gateways.sight import CloudSight, ServingServices, Sight, Viewer
from reconcile.models import ActiveDeployment

__all__ = [
    "ActiveDeployment",
    "Applied",
    "ApplyRequest",
    "CloudSight",
    "Describer",
    "Gateway",
    "OpsHttpGateway",
    "PromoteRequest",
    "RestoreRequest",
    "ServingServices",
    "Settlement",
    "Sight",
    "Viewer",
    "confirm_apply",
    "poll_active",
]
