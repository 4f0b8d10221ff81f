"""The client's messages ⇄ values: what is read of a service and a revision, and what an update sends.

Messages are read by attribute; nothing of google.* is imported here.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconcile.gateways.cloud_names import is_reserved, short
from reconcile.gateways.cloud_views import (
    Condition,
    EnvValue,
    FormerTemplate,
    RevisionView,
    SecretFile,
    ServiceTarget,
    ServiceView,
    TemplateChange,
)

# The same fields in a revision and in the template that it was made from.
_SHARED = (
    "labels",
    "scaling",
    "vpc_access",
    "timeout",
    "service_account",
    "containers",
    "volumes",
    "execution_environment",
    "encryption_key",
    "max_instance_request_concurrency",
    "service_mesh",
    "encryption_key_revocation_action",
    "encryption_key_shutdown_duration",
    "session_affinity",
    "node_selector",
    "gpu_zonal_redundancy_disabled",
)
_STATES = {4: Condition.SUCCEEDED, 3: Condition.FAILED}
LATEST, REVISION = 1, 2  # TrafficTargetAllocationType
PROBE_PERIOD_S, PROBE_THRESHOLD, SLOW_PROBE_S = 1, 30, 60
DEFAULT_PORT = 8080


def service_view(found: Any) -> ServiceView:
    """A Service message as a value."""
    condition = found.terminal_condition
    urls = [*found.urls, *([found.uri] if found.uri else [])]
    return ServiceView(
        name=str(found.name),
        generation=int(found.generation),
        etag=str(found.etag),
        urls=tuple(dict.fromkeys(str(url) for url in urls)),
        annotations=dict(found.annotations),
        template_revision=str(found.template.revision) or None,
        traffic=tuple(_target(target, None) for target in found.traffic),
        statuses=tuple(_target(status, str(status.uri)) for status in found.traffic_statuses),
        latest_ready=short(str(found.latest_ready_revision)) or None,
        latest_created=short(str(found.latest_created_revision)) or None,
        is_reconciling=bool(found.reconciling),
        condition=_STATES.get(int(condition.state), Condition.PENDING),
        message=str(condition.message),
        is_invoker_checked=not bool(found.invoker_iam_disabled),
        raw=found,
    )


def _target(target: Any, uri: str | None) -> ServiceTarget:
    is_latest = int(target.type_) == LATEST or not target.revision
    return ServiceTarget(
        None if is_latest else short(str(target.revision)), int(target.percent), str(target.tag) or None, uri or None
    )


def revision_view(found: Any) -> RevisionView:
    """A Revision message as a value; of its containers the one that takes requests."""
    container = _ingress(found.containers)
    ready = next((c for c in found.conditions if c.type_ == "Ready"), None)
    return RevisionView(
        name=short(str(found.name)),
        annotations=dict(found.annotations),
        image=str(container.image) if container is not None else "",
        arguments=tuple(str(word) for c in found.containers for word in (*c.command, *c.args)),
        environment=tuple(_environment(found)),
        files=tuple(_files(found)),
        condition=_STATES.get(int(ready.state), Condition.PENDING) if ready is not None else Condition.PENDING,
        message=str(ready.message) if ready is not None else "",
        raw=found,
    )


def template_view(service: ServiceView) -> RevisionView:
    """The service's own template as if it were a revision: of a service in which nothing serves yet."""
    raw: Any = service.raw
    template = raw.template
    container = _ingress(template.containers)
    return RevisionView(
        name=service.template_revision or "",
        annotations=dict(template.annotations),
        image=str(container.image) if container is not None else "",
        arguments=tuple(str(word) for c in template.containers for word in (*c.command, *c.args)),
        environment=tuple(_environment(template)),
        files=tuple(_files(template)),
        condition=Condition.PENDING,
        message="",
        raw=template,
    )


def _ingress(containers: Any) -> Any:
    """The container with a port; the first where none names one. None when there is no container."""
    found = list(containers)
    return next((container for container in found if container.ports), found[0] if found else None)


def _environment(found: Any) -> Iterator[EnvValue]:
    for container in found.containers:
        for variable in container.env:
            reference = variable.value_source.secret_key_ref
            if reference.secret:
                yield EnvValue(str(variable.name), None, str(reference.secret), str(reference.version))
            else:
                yield EnvValue(str(variable.name), str(variable.value))


def _files(found: Any) -> Iterator[SecretFile]:
    folders = {str(m.name): str(m.mount_path) for c in found.containers for m in c.volume_mounts}
    for volume in found.volumes:
        source, folder = volume.secret, folders.get(str(volume.name))
        if not source.secret or folder is None:
            continue
        items = [(str(item.path), str(item.version)) for item in source.items]
        for path, version in items or [(short(str(source.secret)), "latest")]:
            yield SecretFile(folder, posixpath.join(folder, path), str(source.secret), version)


def service_update(
    service: ServiceView,
    template: TemplateChange | FormerTemplate | None,
    traffic: Sequence[ServiceTarget] | None,
    annotations: Mapping[str, str] | None,
) -> tuple[Any, dict[str, list[str]]]:
    """The Service message and the mask of an update; only what is given is in it."""
    paths: list[str] = []
    body: dict[str, Any] = {"name": service.name, "etag": service.etag}
    if template is not None:
        paths.append("template")
        if isinstance(template, FormerTemplate):
            body["template"] = _again(template)
        else:
            body["template"] = _template(service, template)
    if traffic is not None:
        paths.append("traffic")
        body["traffic"] = [_target_body(target) for target in traffic]
    if annotations is not None:
        paths.append("annotations")
        body["annotations"] = {key: value for key, value in annotations.items() if not is_reserved(key)}
    return type(service.raw)(**body), {"paths": paths}


def _target_body(target: ServiceTarget) -> dict[str, Any]:
    kind = {"type_": LATEST} if target.revision is None else {"type_": REVISION, "revision": target.revision}
    return {**kind, "percent": target.percent, **({"tag": target.tag} if target.tag else {})}


def _again(former: FormerTemplate) -> Any:
    """A template as it was, by the name of the revision that it made."""
    raw: Any = former.raw
    made = type(raw)(raw)
    made.revision = former.revision
    made.annotations = {key: value for key, value in raw.annotations.items() if not is_reserved(key)}
    return made


def _template(service: ServiceView, change: TemplateChange) -> Any:
    """The template of the base revision with what changes: name, image, config version, annotations, startup probe."""
    raw: Any = service.raw
    made = type(raw.template)()
    if (service.template_revision or "") == change.base.name:
        made = type(raw.template)(raw.template)  # whole, with what a revision does not show
    else:
        base: Any = change.base.raw
        for name in _SHARED:
            if name in base:  # what is set: an empty message would be sent as one
                setattr(made, name, getattr(base, name))
    made.revision = change.name
    kept = {key: value for key, value in change.base.annotations.items() if not is_reserved(key)}
    made.annotations = {**kept, **change.annotations}
    container = _ingress(made.containers)
    container.image = change.image
    _probe_in_seconds(container)
    _mount(made, change)
    return made


def _probe_in_seconds(container: Any) -> None:
    """An explicit TCP startup probe; without one a dead container takes four minutes (CLOUD_RUN.md §1)."""
    probe = container.startup_probe
    is_own = bool(probe.http_get.path or probe.grpc.port or probe.tcp_socket.port)
    if is_own and 0 < int(probe.period_seconds) < SLOW_PROBE_S:
        return
    port = int(container.ports[0].container_port) if container.ports else DEFAULT_PORT
    container.startup_probe = {
        "tcp_socket": {"port": port or DEFAULT_PORT},
        "period_seconds": PROBE_PERIOD_S,
        "timeout_seconds": PROBE_PERIOD_S,
        "failure_threshold": PROBE_THRESHOLD,
    }


def _mount(made: Any, change: TemplateChange) -> None:
    """The config's volume mounts that very version: ``latest`` would be read anew behind a rollback's back."""
    names = {change.config_secret, short(change.config_secret)}
    for volume in made.volumes:
        if volume.secret.secret not in names:
            continue
        if not volume.secret.items:
            volume.secret.items = [{"path": short(change.config_secret), "version": change.config_version}]
        for item in volume.secret.items:
            item.version = change.config_version
