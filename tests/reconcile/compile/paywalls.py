"""Builders of paywalls for the compiler's tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reconcile.compile import CompileOptions, compile_paywalls
from reconcile.models import Compiled
from reconcile.paywalls import Paywall

OPTIONS = CompileOptions(challenge_url="https://l402.example.com/staging")


def route(
    path: str, *, host: str = "l402.example.com", upstream: str = "https://up.example.net", **more: Any
) -> dict[str, Any]:
    """A route's wire form; its id is made from host and path unless given."""
    made = "".join(c if c.isascii() and c.isalnum() else "-" for c in f"{host}{path}")[:60]
    return {
        "routeId": made,
        "hostPattern": host,
        "pathPattern": path,
        "upstreamUrl": upstream,
        "protocol": "https",
        **more,
    }


def paywall(*routes: dict[str, Any], name: str = "pw_1", status: str = "active", **policy: Any) -> Paywall:
    """A paywall of 10 sat whose policy is changed by ``policy``."""
    full = {"pricingMode": "fixed", "fixedAmountMsats": 10_000.0, "killSwitch": False, **policy}
    return Paywall.model_validate(
        {"paywallId": name, "ownerId": "own_1", "status": status, "policy": full, "routes": list(routes)}
    )


def staging() -> Paywall:
    """The paywall behind the challenge URL."""
    return paywall(route("/staging"), name="pw_staging")


def compiled(*paywalls: Paywall, options: CompileOptions = OPTIONS) -> Compiled:
    """The compile of ``paywalls`` beside the staging one."""
    return compile_paywalls([*paywalls, staging()], options)


def codes(result: Compiled) -> list[str]:
    """The diagnostics' codes, in their order."""
    return [diagnostic.code for diagnostic in result.diagnostics]


def patterns(rules: Sequence[Any]) -> list[str]:
    """Host and path pattern of each rule."""
    return [rule.host_pattern + rule.path_pattern for rule in rules]
