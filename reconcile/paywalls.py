"""Paywalls as Khala answers them (KHALA.md): foreign JSON turned into frozen values at the edge. Amounts in msat."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict
from pydantic.alias_generators import to_camel


def _whole(value: Any) -> Any:
    """Convex prints numbers as floats (CONVEX.md): 1000.0 becomes 1000; a fraction, NaN or a bool is an error."""
    if isinstance(value, bool):
        raise ValueError("must be a number, got a boolean")
    if isinstance(value, float):
        if not value.is_integer():
            raise ValueError("must be a whole number")
        return int(value)
    return value


Whole = Annotated[int, BeforeValidator(_whole)]


class WireModel(BaseModel):
    """Foreign JSON at the edge: camelCase names, unknown keys ignored, frozen."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        defer_build=True,
    )


class Policy(WireModel):
    """A paywall's price and limits. What the compiler diagnoses may be absent or odd here; amounts in msat."""

    pricing_mode: str | None = None
    fixed_amount_msats: Whole | None = None
    max_per_request_msats: Whole | None = None
    allowed_hosts: tuple[str, ...] | None = None
    blocked_hosts: tuple[str, ...] | None = None
    quota_per_minute: Whole | None = None
    quota_per_day: Whole | None = None
    kill_switch: bool = False


class Route(WireModel):
    """A route of a paywall: which requests (host, path) go to which upstream."""

    route_id: str
    paywall_id: str | None = None
    owner_id: str | None = None
    host_pattern: str
    path_pattern: str
    upstream_url: str
    protocol: str | None = None
    timeout_ms: Whole | None = None
    priority: Whole = 0


class Paywall(WireModel):
    """A paywall as ``listPaywallControlPlaneState`` answers it (KHALA.md)."""

    paywall_id: str
    owner_id: str
    name: str = ""
    status: Literal["active", "paused", "archived"]
    policy: Policy
    routes: tuple[Route, ...] = ()
