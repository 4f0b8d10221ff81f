"""The deployed file: the operator's base config with its services first, then the compiled ones (COMPILE.md, "Output")."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from reconcile.compile.document import parse_strictly
from reconcile.compile.patterns import PatternError, compile_re2
from reconcile.compile.requests import candidate_paths, host_for
from reconcile.compile.schema import SchemaError, check_services
from reconcile.errors import ReconcileError
from reconcile.models import Compiled, Diagnostic, Rule, Severity


class BaseConfigError(ReconcileError):
    """The operator's base config cannot be deployed. Never quotes it: it holds secrets."""


def merge_base_config(base_yaml: str, compiled: Compiled) -> str:
    """The whole file for Aperture.

    Raises:
        BaseConfigError: not strict YAML, a duplicate key, credentials in the log, replayable payments, or an operator's
            service that Aperture would read otherwise or that shadows a compiled one.
    """
    base = load_base_config(base_yaml)
    operators = base.get("services") or []
    try:
        check_services(operators, are_compiled=False)
    except SchemaError as error:
        raise _refusal("base_config_invalid_services", f"the base config's {error}") from None
    shadows = operator_shadows(operators, compiled)
    if shadows:
        raise _refusal("first_match_shadowed", shadows[0].message)
    services = [*operators, *parse_strictly(compiled.aperture_yaml)["services"]]
    try:
        check_services(services, are_compiled=False)
    except SchemaError as error:
        raise _refusal("base_config_invalid_services", f"with the compiled ones, {error}") from None
    return yaml.safe_dump({**base, "services": services}, sort_keys=False, allow_unicode=True, width=4096)


def load_base_config(base_yaml: str) -> dict[str, Any]:
    """The base config as a mapping; see ``merge_base_config`` for what is refused."""
    try:
        root = yaml.compose(base_yaml, Loader=yaml.SafeLoader)
        if root is not None:
            _refuse_duplicates(root)
        base = yaml.safe_load(base_yaml)
    except yaml.YAMLError:
        raise _refusal("base_config_not_strict_yaml", "the base config is no strict YAML") from None
    if not isinstance(base, dict):
        raise _refusal("base_config_not_strict_yaml", "the base config is no mapping")
    if _logs_credentials(base):
        raise _refusal("base_config_debuglevel", "the base config's debuglevel logs credentials")
    authenticator = base.get("authenticator")
    if _is_on(base.get("enablempp")) or (isinstance(authenticator, Mapping) and _is_on(authenticator.get("enablempp"))):
        raise _refusal("base_config_enablempp", "the base config enables mpp, which v0.5.0 accepts any number of times")
    return base


def operator_shadows(operators: list[Any], compiled: Compiled) -> tuple[Diagnostic, ...]:
    """A diagnostic for each compiled rule whose requests an operator's service answers first."""
    return tuple(_shadow_diagnostics(operators, compiled))


def _shadow_diagnostics(operators: list[Any], compiled: Compiled) -> Iterator[Diagnostic]:
    try:
        patterns = [
            (s["name"], compile_re2(s["hostregexp"]), compile_re2(s.get("pathregexp") or "")) for s in operators
        ]
    except PatternError:
        raise _refusal("base_config_invalid_services", "an operator's expression is refused by RE2") from None
    for rule in compiled.rules:
        for name, host, path in patterns:
            if _answers_all(host, path, rule):
                yield Diagnostic(
                    code="first_match_shadowed",
                    severity=Severity.ERROR,
                    message=f"{rule.id} is never reached behind the operator's service {name}",
                    paywall_id=rule.paywall_id,
                    route_id=rule.route_id,
                )
                break


def _answers_all(host: Any, path: Any, rule: Rule) -> bool:
    """True when the operator's service takes every one of the sample requests of the rule."""
    samples = [sample for sample, _ in zip(candidate_paths(rule), range(8), strict=False)]
    is_host_taken = host.search(host_for(rule, "any.example")) is not None
    return is_host_taken and bool(samples) and all(path.search(sample) is not None for sample in samples)


def _refuse_duplicates(node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if len(set(keys)) != len(keys):
            raise _refusal("base_config_duplicate_key", "the base config has a duplicate key")
        for key, value in node.value:
            _refuse_duplicates(key)
            _refuse_duplicates(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_duplicates(value)


def _logs_credentials(base: Mapping[str, Any]) -> bool:
    """``debuglevel: debug``, or a subsystem's: ``info,LSAT=trace`` (APERTURE.md)."""
    level = str(base.get("debuglevel", "")).lower()
    return any(part.rsplit("=", 1)[-1].strip() in ("debug", "trace") for part in level.split(","))


def _is_on(value: object) -> bool:
    return value is True or str(value).lower() in ("true", "on", "yes", "1")


def _refusal(reason: str, message: str) -> BaseConfigError:
    return BaseConfigError(message, reason=reason, remedy="mend the operator's base config")
