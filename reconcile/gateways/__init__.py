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
from reconcile.models import ActiveDeployment

__all__ = [
    "ActiveDeployment",
    "Applied",
    "ApplyRequest",
    "Describer",
    "Gateway",
    "OpsHttpGateway",
    "PromoteRequest",
    "RestoreRequest",
    "Settlement",
    "confirm_apply",
    "poll_active",
]
