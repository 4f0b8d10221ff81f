"""Khala, the control plane."""

from reconcile.control_plane.interface import COMPILED_STATUSES, ControlPlane, DeploymentRecord, EventRecord
from reconcile.control_plane.khala import KhalaClient
from reconcile.control_plane.outbox import Outbox, deliver

__all__ = ["COMPILED_STATUSES", "ControlPlane", "DeploymentRecord", "EventRecord", "KhalaClient", "Outbox", "deliver"]
