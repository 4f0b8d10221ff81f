"""Reading a service: its revisions and config versions never change, so each is asked for once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from pydantic import SecretStr

from reconcile.compile.deployed_file import passwords_in
from reconcile.gateways.audit import VERIFIED, identity_of, read_mark
from reconcile.gateways.cloud_names import is_our_tag
from reconcile.gateways.cloud_run import CloudRunApi
from reconcile.gateways.cloud_views import RevisionView, ServiceView
from reconcile.models import Deployment
from reconcile.service_tuple import ServiceTuple, TrafficTarget


class ServiceReader:
    """Revisions, configs, and who they are. ``configs`` by version; their text never leaves a SecretStr."""

    def __init__(self, api: CloudRunApi, config_secret: str, learn: Callable[[str], None]) -> None:
        """``learn`` is told each password of a config that is read."""
        self.configs: dict[str, SecretStr] = {}
        self._learn = learn
        self._api = api
        self._config_secret = config_secret
        self._revisions: dict[str, RevisionView] = {}

    def revision(self, name: str) -> RevisionView:
        """A revision by its short name."""
        if name not in self._revisions:
            self._revisions[name] = self._api.get_revision(name)
        return self._revisions[name]

    def version_of(self, revision: RevisionView) -> str | None:
        """The version of the config secret that a revision mounts; None: none."""
        file = revision.config_file(self._config_secret)
        return file.version if file is not None else None

    def config(self, version: str) -> SecretStr:
        """The config secret's payload."""
        if version not in self.configs:
            self.configs[version] = self._api.access_version(version)
            for password in passwords_in(self.configs[version].get_secret_value()):
                self._learn(password)
        return self.configs[version]

    def deployment(self, revision: RevisionView) -> Deployment:
        """Who a revision is: ours by its annotations, or an operator's own, named by its config's hash."""
        digest = revision.image.rpartition("@")[2] if "@sha256:" in revision.image else None
        identity = identity_of(revision.annotations, revision.name)
        if identity is not None:
            return Deployment(
                deployment_id=identity.deployment_id, config_hash=identity.config_hash, image_digest=digest
            )
        version = self.version_of(revision)
        text = self.config(version).get_secret_value() if version is not None else ""
        config_hash = "cfg_" + hashlib.sha256(text.encode()).hexdigest()
        return Deployment(deployment_id=revision.name, config_hash=config_hash, image_digest=digest)

    def saved(self, service: ServiceView, revision: RevisionView) -> ServiceTuple:
        """The whole of what serves, to go back to."""
        mark = read_mark(service.annotations, VERIFIED)
        return ServiceTuple(
            service=service.name,
            generation=service.generation,
            template_revision=service.template_revision,
            revision=revision.name,
            image=revision.image,
            config_version=self.version_of(revision) or "",
            traffic=without_ours(service.served),
            is_verified=mark is not None and mark.revision == revision.name,
        )


def without_ours(traffic: Sequence[TrafficTarget]) -> tuple[TrafficTarget, ...]:
    """Traffic without tags of ours: they are no part of what anybody wants back."""
    merged: dict[tuple[str, str | None], int] = {}
    for target in traffic:
        key = (target.revision, None if target.tag and is_our_tag(target.tag) else target.tag)
        merged[key] = merged.get(key, 0) + target.percent
    return tuple(
        TrafficTarget(revision=revision, percent=percent, tag=tag)
        for (revision, tag), percent in merged.items()
        if percent or tag
    )
