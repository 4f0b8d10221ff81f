"""A paying LND node over REST, in miniature: pays the embedded node's invoices, and tells of a payment by its hash."""

from __future__ import annotations

import base64
import json
from typing import Any

from bolt11 import decode

from fixtures.embedded.http import Request, Response
from fixtures.embedded.wallet import Wallet

MACAROON_HEX = "0201036c6e64" + "ab" * 40


class LndTwin:
    """``POST /v2/router/send`` and ``GET /v2/router/track``; what it pays stands in the wallet's ledger."""

    def __init__(self, wallet: Wallet) -> None:
        self._wallet = wallet
        self._paid: dict[str, dict[str, Any]] = {}

    async def answer(self, request: Request) -> Response:
        """The answer to a request."""
        if request.header("grpc-metadata-macaroon") != MACAROON_HEX:
            return _json(401, {"code": 16, "message": "verification failed"})
        if request.path == "/v2/router/send":
            return self._send(json.loads(request.body))
        name = request.target.partition("/v2/router/track/")[2].partition("?")[0]
        payment = self._paid.get(base64.urlsafe_b64decode(name).hex()) if name else None
        if payment is None:
            return _json(404, {"code": 5, "message": "payment isn't initiated"})
        return _json(200, {"result": payment})

    def _send(self, body: dict[str, Any]) -> Response:
        payment_hash = decode(body["payment_request"]).payment_hash
        settled = self._wallet.node.settle(payment_hash)
        if settled is None:
            return _json(200, {"result": {"status": "FAILED", "failure_reason": "FAILURE_REASON_NO_ROUTE"}})
        preimage, amount = settled
        if payment_hash not in self._paid:
            self._wallet.payments.append((payment_hash, amount))
        self._paid[payment_hash] = {
            "status": "SUCCEEDED",
            "payment_preimage": preimage,
            "value_msat": str(amount),
            "fee_msat": "0",
        }
        return _json(200, {"result": self._paid[payment_hash]})


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(status, [("Content-Type", "application/json")], json.dumps(body).encode() + b"\n", "")
