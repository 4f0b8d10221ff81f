"""Gateways: the port, and the adapters behind it."""

from reconcile.gateways.interface import (
    ApplyRequest,
    Gateway,
    RestoreRequest,
    confirm_apply,
    poll_active,
)
from reconcile.gateways.ops_http import OpsHttpGateway
from reconcile.models import ActiveDeployment

__all__ = [
    "ActiveDeployment",
    "ApplyRequest",
    "Gateway",
    "OpsHttpGateway",
    "RestoreRequest",
    "confirm_apply",
    "poll_active",
]
