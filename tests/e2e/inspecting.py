"""Looking at an embedded stack by the real commands, and what of it must be as it was afterwards."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from fixtures.embedded.cloud import seed as cloud_seed
from fixtures.embedded.stack import EmbeddedStack
from tests.e2e.harness import PREFIX, Ran, hosted_environment, run_against, run_command, run_pytest

READS = {"GetService", "GetRevision", "GetSecret", "AccessSecretVersion"}
KHALA_READ = "lightning/ops:listPaywallControlPlaneState"


def inspect(stack: EmbeddedStack, output: Path, command: str, **env: str) -> Ran:
    """``python -m reconcile <command>``; ``env`` names settings without their prefix."""
    changes = {PREFIX + name: value for name, value in env.items()}
    return run_command([sys.executable, "-m", "reconcile", command], output, {**hosted_environment(stack), **changes})


def look_for_drift(stack: EmbeddedStack, output: Path, *args: str, **env: str) -> Ran:
    """``pytest -m drift``."""
    changes = {PREFIX + name: value for name, value in env.items()}
    return run_pytest(output, {**hosted_environment(stack), **changes}, "-m", "drift", *args, staging=False)


def deployed(stack: EmbeddedStack, output: Path) -> Ran:
    """A staging run that is applied."""
    ran = run_against(stack, output)
    assert ran.code == 0, ran.output
    return ran


def change_paywall(stack: EmbeddedStack, paywall_id: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Let somebody edit a paywall in Khala."""
    (found,) = [paywall for paywall in stack.khala._rows("paywalls") if paywall["paywallId"] == paywall_id]
    change(found)
    stack.khala.put_paywall(found)


def change_mounted_config(stack: EmbeddedStack, change: Callable[[dict[str, Any]], object]) -> None:
    """Let somebody edit our last service in the newest config version behind its hash."""
    secret = stack.cloud.secrets.secret(cloud_seed.PROJECT, cloud_seed.CONFIG_SECRET_ID)
    version = secret.versions[max(secret.versions)]
    first, _, rest = version.payload.decode().partition("\n")
    config = yaml.safe_load(rest)
    change(config["services"][-1])
    version.payload = f"{first}\n{yaml.safe_dump(config, sort_keys=False)}".encode()


def canaries(stack: EmbeddedStack) -> set[str]:
    """What must stand in no output."""
    own = {stack.khala_secret, stack.ops_token, stack.wallet_token, cloud_seed.DATABASE_PASSWORD}
    rows = stack.tokens._db.execute("SELECT root_key FROM root_keys").fetchall()
    preimages = {preimage for preimage, _ in stack.node._preimages.values()}
    return own | preimages | {root_key.hex() for (root_key,) in rows}


def state_of(stack: EmbeddedStack, output: Path) -> dict[str, object]:
    """Everything that a look must leave as it is: Khala's rows, what was deployed, what was paid, files."""
    found: dict[str, object] = {
        "rows": (stack.khala.deployments(), stack.khala.events(), stack.khala._rows("paywalls")),
        "written": [call for call in stack.khala.calls if call[0] != KHALA_READ],
        "history": list(stack.ops.history),
        "posts": [call for call in stack.ops.calls if not call.startswith("GET ")],
        "paid": list(stack.wallet.payments),
        "files": {path: path.stat().st_mtime_ns for path in output.rglob("*")},
    }
    if stack.has_cloud:
        secret = stack.cloud.secrets.secret(cloud_seed.PROJECT, cloud_seed.CONFIG_SECRET_ID)
        found |= {
            "writes": [call for call in stack.cloud.history.calls if call.kind not in READS],
            "maps": list(stack.cloud.history.maps),
            "versions": [(version.number, version.state, version.payload) for version in secret.versions.values()],
            "secret": (secret.etag, dict(secret.resource)),
            "service": repr(stack.cloud.service.spec),
        }
    return found
