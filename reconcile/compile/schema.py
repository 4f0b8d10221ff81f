"""A strict model of Aperture's ``services:`` (APERTURE.md, "Config"): Aperture ignores unknown keys in silence, we do not."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

# 100,000 BTC in satoshis: more stops Aperture's start (APERTURE.md).
MAX_PRICE_SAT = 100_000 * 100_000_000

Name = Annotated[str, Field(min_length=1, pattern=r"^[^:,]+$")]


class SchemaError(ValueError):
    """A document that Aperture would take for something else than it says. Names the place, never the value."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class RateLimit(_Strict):
    """Requests per duration, with a burst; counted per token."""

    pathregexp: str | None = None
    requests: Annotated[int, Field(gt=0)]
    per: Annotated[str, Field(pattern=r"^\d+(ms|s|m|h)$")]
    burst: Annotated[int, Field(gt=0)]


class Rewrite(_Strict):
    """A path put before the request's."""

    prefix: Annotated[str, Field(pattern=r"^/")]


class Service(_Strict):
    """One service; every key that Aperture v0.5.0 reads, and no other."""

    name: Name
    hostregexp: str
    pathregexp: str | None = None
    address: Annotated[str, Field(pattern=r"^.+:\d+$")]
    protocol: Literal["http", "https"]
    auth: Annotated[str, Field(pattern=r"^(on|off|true|false|freebie \d+|)$")]
    price: Annotated[int, Field(gt=0, le=MAX_PRICE_SAT)] | None = None
    timeout: Annotated[int, Field(gt=0)] | None = None
    rewrite: Rewrite | None = None
    ratelimits: list[RateLimit] | None = None
    authscheme: Literal["l402", "mpp", "l402+mpp"] | None = None
    capabilities: str | None = None
    constraints: dict[str, str] | None = None
    headers: dict[str, str] | None = None
    authwhitelistpaths: list[str] | None = None
    authskipinvoicecreationpaths: list[str] | None = None
    tlscertpath: str | None = None
    dynamicprice: dict[str, Any] | None = None


class CompiledService(Service):
    """A service as the compiler writes it: charged, and explicit about it (a mistyped level leaves a route open)."""

    auth: Literal["on"]
    price: Annotated[int, Field(gt=0, le=MAX_PRICE_SAT)]
    pathregexp: str


_SERVICES = TypeAdapter(list[Service])
_COMPILED = TypeAdapter(list[CompiledService])


def check_services(services: object, *, are_compiled: bool) -> None:
    """Raise SchemaError unless ``services`` is a list that Aperture reads as it is written, names unique."""
    try:
        parsed = (_COMPILED if are_compiled else _SERVICES).validate_python(services)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise SchemaError(f"services.{place}: {first['msg']}") from None
    names = [service.name for service in parsed]
    if len(set(names)) != len(names):
        raise SchemaError("services: a name stands twice")
