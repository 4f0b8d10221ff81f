"""What Cloud Run and Secret Manager answer, as far as a deploy reads it. Pure; ``raw`` is the client's own message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlsplit

from reconcile.gateways.cloud_names import is_our_tag
from reconcile.service_tuple import TrafficTarget


class Condition(StrEnum):
    """How far what was asked for has come."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ServiceTarget:
    """One entry of a service's traffic. ``revision``: short name, None for LATEST."""

    revision: str | None
    percent: int
    tag: str | None = None
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service as GET shows it. Revisions by their short names."""

    name: str
    generation: int
    etag: str
    urls: tuple[str, ...]
    annotations: Mapping[str, str]
    template_revision: str | None
    traffic: tuple[ServiceTarget, ...]  # desired
    statuses: tuple[ServiceTarget, ...]  # what serves
    latest_ready: str | None
    latest_created: str | None
    is_reconciling: bool
    condition: Condition
    message: str  # of the condition
    is_invoker_checked: bool
    raw: object = field(repr=False, compare=False)

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """The hosts of the service's own URLs, without ports."""
        return tuple(sorted({urlsplit(url).hostname or "" for url in self.urls} - {""}))

    def resolve(self, targets: Sequence[ServiceTarget], latest: str | None) -> tuple[TrafficTarget, ...]:
        """Targets by revision, in an order of their own: what LATEST means is what ``latest`` names, if anything."""
        found: dict[tuple[str, str | None], int] = {}
        for target in targets:
            key = (target.revision or latest or "", target.tag or None)
            found[key] = found.get(key, 0) + target.percent
        return tuple(
            TrafficTarget(revision=revision, percent=percent, tag=tag)
            for (revision, tag), percent in sorted(found.items(), key=lambda item: (item[0][0], item[0][1] or ""))
            if revision and (percent or tag)
        )

    @property
    def served(self) -> tuple[TrafficTarget, ...]:
        """What serves now, by the statuses."""
        return self.resolve(self.statuses, self.latest_ready)

    @property
    def wanted(self) -> tuple[TrafficTarget, ...]:
        """What is asked for."""
        return self.resolve(self.traffic or (ServiceTarget(None, 100),), self.latest_created)

    @property
    def serving(self) -> tuple[str, ...]:
        """The revisions that serve users."""
        return tuple(dict.fromkeys(target.revision for target in self.served if target.percent))

    @property
    def leading(self) -> str | None:
        """The revision that serves most of the users' traffic; None: none serves."""
        shares = {name: sum(t.percent for t in self.served if t.revision == name) for name in self.serving}
        return max(shares, key=shares.__getitem__) if shares else None

    @property
    def our_tags(self) -> dict[str, str]:
        """Tags of ours, and the revisions that they name."""
        named = (*self.wanted, *self.served)
        return {target.tag: target.revision for target in named if target.tag and is_our_tag(target.tag)}

    def uri_of(self, tag: str) -> str | None:
        """A tag's URL, as the API tells it: never built."""
        return next((status.uri for status in self.statuses if status.tag == tag and status.uri), None)


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A file that a revision mounts from a secret."""

    folder: str
    path: str
    secret: str
    version: str


@dataclass(frozen=True, slots=True)
class EnvValue:
    """An environment variable: a plain value, or a secret's version."""

    name: str
    value: str | None = field(repr=False)
    secret: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class RevisionView:
    """A revision as GET shows it."""

    name: str  # short
    annotations: Mapping[str, str]
    image: str
    arguments: tuple[str, ...] = field(repr=False)
    environment: tuple[EnvValue, ...]
    files: tuple[SecretFile, ...]
    condition: Condition
    message: str
    raw: object = field(repr=False, compare=False)

    def config_file(self, secret: str) -> SecretFile | None:
        """Where the config secret is mounted; ``secret``: ``projects/P/secrets/N``."""
        wanted = {secret, secret.rsplit("/", 1)[-1]}
        return next((file for file in self.files if file.secret in wanted), None)


@dataclass(frozen=True, slots=True)
class SecretView:
    """The config secret, without its payload."""

    name: str
    etag: str
    annotations: Mapping[str, str]
    raw: object = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class OperationView:
    """A long-running operation."""

    is_done: bool
    code: int = 0  # gRPC's, 0 for none
    message: str = ""


@dataclass(frozen=True, slots=True)
class TemplateChange:
    """The next revision: ``base`` with another name, image and config version."""

    base: RevisionView
    name: str
    image: str
    config_secret: str
    config_version: str
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class FormerTemplate:
    """The template as a deploy found it. ``revision``: the one that it made, by which it is asked for again: one that is
    there, with the same content, so that nothing new is made.
    """

    revision: str
    raw: object = field(repr=False, compare=False)


def template_of(service: ServiceView) -> FormerTemplate | None:
    """Of a service that no deploy has touched yet; None where nothing was made of it."""
    name = service.template_revision or service.latest_created
    template = getattr(service.raw, "template", None)
    return FormerTemplate(name, template) if name and template is not None else None
