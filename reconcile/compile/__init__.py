"""Paywalls → rules → Aperture services → configHash, with diagnostics; pure."""

from reconcile.compile.base_config import BaseConfigError, load_base_config, merge_base_config, operator_shadows
from reconcile.compile.compiler import CompileOptions, compile_paywalls
from reconcile.compile.document import hash_of
from reconcile.compile.requests import RouteRequest, request_for, request_for_suspended
from reconcile.compile.routing import RouteTable

__all__ = [
    "BaseConfigError",
    "CompileOptions",
    "RouteRequest",
    "RouteTable",
    "compile_paywalls",
    "hash_of",
    "load_base_config",
    "merge_base_config",
    "operator_shadows",
    "request_for",
    "request_for_suspended",
]
