"""The whole file that a revision mounts: the operator's base config, and behind its services the compiled ones.

The operator's scalars are carried over as they are written, so that no reader of YAML finds another meaning in them. The
first line says which services are ours: they are taken out again by that record, never by a guess.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from reconcile.compile.base_config import BaseConfigError, load_base_config, merge_base_config
from reconcile.models import Compiled, Rule

_SECRET_KEY = re.compile(r"pass(word|wd|phrase)?$|secret|token|macaroon|mnemonic|dsn|apikey", re.IGNORECASE)
MARK = "# l402-harness "
MAX_FILE_BYTES = 64 * 1024  # what a secret version holds (CLOUD_RUN.md §3)
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


@dataclass(frozen=True, slots=True)
class FileMark:
    """What the first line of our file records: whose it is, and that the last ``compiled`` services are ours."""

    deployment_id: str
    config_hash: str
    compiled: int
    names: str  # sha256 of their names, a line each

    def line(self) -> str:
        """The comment."""
        fields = {
            "deploymentId": self.deployment_id,
            "configHash": self.config_hash,
            "compiled": self.compiled,
            "names": self.names,
        }
        return MARK + json.dumps(fields, separators=(",", ":")) + "\n"


def read_mark(text: str) -> FileMark | None:
    """The mark of a file of ours; None for an operator's own.

    Raises:
        BaseConfigError: a line that looks like our mark, and is none.
    """
    if not text.startswith(MARK):
        return None
    try:
        fields = json.loads(text.partition("\n")[0].removeprefix(MARK))
        return FileMark(
            str(fields["deploymentId"]), str(fields["configHash"]), int(fields["compiled"]), str(fields["names"])
        )
    except (ValueError, KeyError, TypeError):
        raise _mark_error() from None


def operators_part(text: str) -> str:
    """The file without the compiled services that its mark records.

    Raises:
        BaseConfigError: the file is no YAML, or its last services are not those that the mark records.
    """
    mark = read_mark(text)
    if mark is None:
        return text
    root = _compose(text)
    services, ours = _services(root), _recorded(root, mark)
    if services is not None:
        services.value = services.value[: len(services.value) - len(ours)]
        services.flow_style = services.flow_style if services.value else True
    return _serialize(root)


def compiled_part(text: str) -> str:
    """The compiled services that the file's mark records, as a ``services:`` document; empty for an operator's own.

    Raises:
        BaseConfigError: see ``operators_part``.
    """
    mark = read_mark(text)
    ours = _recorded(_compose(text), mark) if mark is not None else []
    listed = yaml.SequenceNode("tag:yaml.org,2002:seq", ours, flow_style=not ours)
    return _serialize(yaml.MappingNode("tag:yaml.org,2002:map", [(_text_node("services"), listed)]))


def _recorded(root: Any, mark: FileMark) -> list[Any]:
    """The last services, if they are those that the mark records."""
    services = _services(root)
    items = services.value if services is not None else []
    ours = items[len(items) - mark.compiled :] if mark.compiled else []
    if len(items) < mark.compiled or _names_hash([_name_of(item) for item in ours]) != mark.names:
        raise _mark_error()
    return list(ours)


def assemble_file(base_yaml: str, compiled: Compiled, rules: Sequence[Rule], deployment_id: str) -> str:
    """The file to mount.

    Args:
        base_yaml: the operator's part, without compiled services.
        rules: the compiled rules in match order, with the host expressions that are to be deployed.
    Raises:
        BaseConfigError: see ``merge_base_config``.
    """
    merge_base_config(base_yaml, compiled)
    root, ours = _compose(base_yaml), _services(_compose(compiled.aperture_yaml))
    assert ours is not None
    for node, rule in zip(ours.value, rules, strict=True):
        _set(node, "hostregexp", rule.host_regexp)
    theirs = _services(root)
    if theirs is None:
        kept = [(key, value) for key, value in root.value if key.value != "services"]
        root.value = [*kept, (_text_node("services"), ours)]
    else:
        theirs.value, theirs.flow_style = [*theirs.value, *ours.value], False
    mark = FileMark(
        deployment_id, str(compiled.config_hash), len(rules), _names_hash([rule.service_name for rule in rules])
    )
    text = mark.line() + _serialize(root)
    _check(text, base_yaml, rules)
    return text


def routes_that_fit(text: str, rules: Sequence[Rule]) -> int:
    """How many of the compiled routes fit into a secret version together with the operator's part."""
    root = _compose(text)
    services = _services(root)
    count = len(rules)
    while services is not None and count > 0 and len(_serialize(root).encode()) + len(MARK) + 512 > MAX_FILE_BYTES:
        excess = max(1, (len(_serialize(root).encode()) - MAX_FILE_BYTES) // 400)
        step = min(count, excess)
        services.value, count = services.value[:-step], count - step
    return count


def passwords_in(text: str) -> tuple[str, ...]:
    """What a config keeps secret, by the names of its keys: for the redactor. Nothing of one that cannot be read."""
    try:
        root = _compose(text)
    except BaseConfigError:
        return ()
    return tuple(_secret_scalars(root, is_secret=False))


def _secret_scalars(node: Any, *, is_secret: bool) -> Iterator[str]:
    if isinstance(node, yaml.ScalarNode) and is_secret:
        yield str(node.value)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _secret_scalars(value, is_secret=is_secret or _SECRET_KEY.search(str(key.value)) is not None)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _secret_scalars(value, is_secret=is_secret)


def _check(text: str, base_yaml: str, rules: Sequence[Rule]) -> None:
    """The file read back: the operator's part as it was, then ours and no other."""
    base, whole = load_base_config(base_yaml), load_base_config(text)
    operators = base.pop("services", None) or []
    services = whole.pop("services")
    names = [service["name"] for service in services[len(operators) :]]
    if base != whole or services[: len(operators)] != operators or names != [rule.service_name for rule in rules]:
        raise BaseConfigError("the assembled file does not read back", reason="base_config_not_strict_yaml")


def _compose(text: str) -> Any:
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.YAMLError:
        root = None
    if not isinstance(root, yaml.MappingNode):
        raise BaseConfigError(
            "the base config is no strict YAML mapping",
            reason="base_config_not_strict_yaml",
            remedy="mend the operator's base config",
        )
    return root


def _serialize(root: Any) -> str:
    text: str = yaml.serialize(root, Dumper=_DUMPER, width=1_000_000, allow_unicode=True)
    return text


def _text_node(text: str) -> Any:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text)


def _services(root: Any) -> Any:
    """The sequence under ``services``; None when there is none."""
    for key, value in root.value:
        if key.value == "services" and isinstance(value, yaml.SequenceNode):
            return value
    return None


def _name_of(service: Any) -> str:
    found = [value.value for key, value in service.value if key.value == "name"] if service.id == "mapping" else []
    return str(found[0]) if found else ""


def _set(service: Any, name: str, text: str) -> None:
    for key, value in service.value:
        if key.value == name:
            value.value = text


def _names_hash(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def _mark_error() -> BaseConfigError:
    message = "the services that the mounted config records as compiled are not there as they were written"
    remedy = "take the compiled services and the first line out of the config by hand, deploy it, then run again"
    return BaseConfigError(message, reason="base_config_mark_mismatch", remedy=remedy)
