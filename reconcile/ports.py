"""The ports a run is driven over, in one value."""

from __future__ import annotations

from dataclasses import dataclass

from reconcile.control_plane import ControlPlane
from reconcile.control_plane.outbox import Outbox
from reconcile.gateways import Gateway
from reconcile.journal import Journal
from reconcile.payers import Payer
from reconcile.probe import Prober


@dataclass(frozen=True, slots=True)
class Ports:
    """Khala, the gateway, who pays (None: nobody), who asks, and where it is written down."""

    control_plane: ControlPlane
    gateway: Gateway
    payer: Payer | None
    prober: Prober
    journal: Journal
    outbox: Outbox

    def close(self) -> None:
        """Close every connection; safe to call twice."""
        self.control_plane.close()
        self.gateway.close()
        if self.payer is not None:
            self.payer.close()
