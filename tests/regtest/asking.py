"""What the regtest tests ask of Aperture, of the ops API and of the nodes."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import httpx

from fixtures.regtest.paying import pay
from fixtures.regtest.stack import RegtestStack


def get(stack: RegtestStack, path: str = "/staging", authorization: str | None = None) -> httpx.Response:
    """One request to the gateway."""
    headers = {"authorization": authorization} if authorization else {}
    return httpx.get(stack.gateway_url + path, headers=headers, trust_env=False, timeout=30)


def challenge(answer: httpx.Response) -> tuple[str, str]:
    """Macaroon and invoice of a 402."""
    found = re.search(r'L402 macaroon="([^"]+)", invoice="([^"]+)"', answer.headers["www-authenticate"])
    assert found is not None
    return found[1], found[2]


def buy(stack: RegtestStack, path: str = "/staging") -> tuple[str, str]:
    """A paid credential, and the payment hash that the preimage belongs to."""
    macaroon, invoice = challenge(get(stack, path))
    assert stack.network is not None
    preimage = stack.call(pay(stack.network.buyer, invoice))
    return f"L402 {macaroon}:{preimage}", hashlib.sha256(bytes.fromhex(preimage)).hexdigest()


def deploy(stack: RegtestStack, text: str, deployment_id: str = "dep_test") -> httpx.Response:
    """POST /ops/deploy of a ``services:`` document."""
    config_hash = "cfg_" + hashlib.sha256(text.encode()).hexdigest()
    body = {"requestId": "r", "deploymentId": deployment_id, "configHash": config_hash, "apertureYaml": text}
    return ops(stack, "/ops/deploy", body)


def rollback(stack: RegtestStack, config_hash: str) -> httpx.Response:
    """POST /ops/rollback."""
    return ops(stack, "/ops/rollback", {"requestId": "r", "deploymentId": "dep_test", "targetConfigHash": config_hash})


def ops(stack: RegtestStack, path: str, body: dict[str, Any]) -> httpx.Response:
    """One call of the ops API."""
    headers = {"authorization": f"Bearer {stack.ops_token}"}
    return httpx.post(stack.gateway_url + path, json=body, headers=headers, trust_env=False, timeout=60)
