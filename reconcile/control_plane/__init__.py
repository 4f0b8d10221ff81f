"""Khala, the control plane."""

from reconcile.control_plane.interface import ControlPlane, DeploymentRecord, EventRecord
from reconcile.control_plane.khala import KhalaClient
from reconcile.control_plane.outbox import Outbox, deliver

__all__ = ["ControlPlane", "DeploymentRecord", "EventRecord", "KhalaClient", "Outbox", "deliver"]
