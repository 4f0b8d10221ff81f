"""What a revision is made of, as far as the rollout checks ask: pure readings of its template and of its config file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconcile.compile.base_config import BaseConfigError, load_base_config
from reconcile.gateways.cloud_views import RevisionView

# An LND macaroon in hex or base64, or a PEM block.
_MACAROON = re.compile(r"0201036c6e64|AgEDbG5k|-----BEGIN ")
_NAMES = re.compile(r"MACAROON|TLS_?CERT|PASSPHRASE|LND_.*(SECRET|TOKEN|KEY)", re.IGNORECASE)
_PATH = re.compile(r"/[\w./-]*")
_FLAG = re.compile(r"--?(debuglevel|enablempp|dbbackend)(?:=(.*))?")
DEFAULT_DATABASE = "etcd"  # Aperture's own (v0.5.0)


@dataclass(frozen=True, slots=True)
class ConfigFacts:
    """What the config and the container's arguments say; a flag wins over the file."""

    debug_level: str
    is_mpp_enabled: bool
    database: str
    credential_files: tuple[str, ...]  # paths that the authenticator reads


def config_facts(text: str, arguments: tuple[str, ...]) -> ConfigFacts:
    """Read what the revision mounts. A config that the compile would refuse is read all the same."""
    try:
        config = load_base_config(text)
    except BaseConfigError as error:
        config = {"debuglevel": "debug"} if error.reason == "base_config_debuglevel" else {}
        config |= {"enablempp": True} if error.reason == "base_config_enablempp" else {}
    flags = dict(_flags(arguments))
    authenticator = config.get("authenticator")
    files: Mapping[str, Any] = authenticator if isinstance(authenticator, Mapping) else {}
    mpp = flags.get("enablempp", str(config.get("enablempp") or files.get("enablempp") or ""))
    return ConfigFacts(
        debug_level=flags.get("debuglevel", str(config.get("debuglevel") or "")).lower(),
        is_mpp_enabled=mpp.lower() in ("true", "on", "yes", "1"),
        database=flags.get("dbbackend", str(config.get("dbbackend") or DEFAULT_DATABASE)).lower(),
        credential_files=tuple(str(files[key]) for key in ("tlspath", "macdir") if files.get(key)),
    )


def _flags(arguments: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for number, word in enumerate(arguments):
        found = _FLAG.fullmatch(word)
        if found is None:
            continue
        following = arguments[number + 1] if number + 1 < len(arguments) else ""
        value = found[2] if found[2] is not None else following
        yield found[1], "true" if found[1] == "enablempp" and (not value or value.startswith("-")) else value


def plain_credentials(revision: RevisionView) -> tuple[str, ...]:
    """Names of variables and arguments that hold what looks like an LND credential; never the value."""
    found = [
        f"env {variable.name}"
        for variable in revision.environment
        if variable.value and (_MACAROON.search(variable.value) or _is_named_so(variable.name, variable.value))
    ]
    words = enumerate(revision.arguments)
    return (*found, *(f"argument {number + 1}" for number, word in words if _MACAROON.search(word)))


def _is_named_so(name: str, value: str) -> bool:
    """A path to a mounted file is no credential."""
    return _NAMES.search(name) is not None and _PATH.fullmatch(value) is None


def unmounted(files: tuple[str, ...], revision: RevisionView) -> tuple[str, ...]:
    """Of the files and folders that the config names, those at which no secret is mounted."""
    mounted = [(file.folder.rstrip("/"), file.path) for file in revision.files]
    return tuple(
        name
        for name in files
        if not any(
            path == name or path.startswith(name.rstrip("/") + "/") or name.startswith(folder + "/")
            for folder, path in mounted
        )
    )
