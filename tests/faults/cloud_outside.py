"""What a run left on Cloud Run, by the embedded service's own word: traffic, revisions, versions, lease, audit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fixtures.embedded.cloud import seed
from fixtures.embedded.cloud.history import SecretChange, Served, TrafficMap
from fixtures.embedded.cloud.secrets import ENABLED
from fixtures.embedded.cloud_run import EmbeddedCloudRun

OURS = f"{seed.ANNOTATIONS}/"
LEASE = f"{seed.ANNOTATIONS}.lease"
OUR_TAG = "l402-g"


@dataclass(frozen=True, slots=True)
class CloudOutside:
    """``percents``: what serves users. ``unchecked``: revisions that users met before they were asked for anything at

    their tag's URL with a credential; empty where the rollout was direct. ``versions``: config versions that were added.
    """

    percents: Mapping[str, int]
    tags: Sequence[str]
    lease: str | None
    verified: str | None  # the revision that the audit names
    unchecked: Sequence[str]
    versions: int
    is_config_enabled: bool  # of every revision that serves


def look_at_cloud(cloud: EmbeddedCloudRun, added_before: int, *, is_candidate: bool) -> CloudOutside:
    """Everything that a run may leave there. ``added_before``: config versions that were there before the run."""
    percents, tags = cloud.service.served()
    serving = {name: percent for name, percent in percents.items() if percent}
    secret = cloud.secrets.secrets[seed.CONFIG_SECRET_ID]
    changes = [event for event in cloud.history.events if isinstance(event, SecretChange)]
    added = {event.version for event in changes if event.secret == secret.name}
    mark = (cloud.service.spec.get("annotations") or {}).get(f"{OURS}verified")
    desired = {str(target["tag"]) for target in cloud.service.traffic if target.get("tag")}
    return CloudOutside(
        percents=serving,
        tags=sorted(tag for tag in {*tags, *desired} if tag.startswith(OUR_TAG)),
        lease=(secret.resource.get("annotations") or {}).get(LEASE),
        verified=None if mark is None else json.loads(mark)["revision"],
        unchecked=list(_unchecked(cloud)) if is_candidate else [],
        versions=len(added) - added_before,
        is_config_enabled=all(secret.versions[int(_version(cloud, name))].state == ENABLED for name in serving),
    )


def cloud_history(cloud: EmbeddedCloudRun) -> list[tuple[str, str, str]]:
    """(what, deploymentId, configHash): the former deployment, each revision of a run's, and what serves now."""
    made = list(cloud.fleet.records)
    percents = cloud.service.served()[0]
    most = max(percents, key=lambda name: percents[name], default=made[0])
    found = [("seed" if number == 0 else "deploy", *_identity(cloud, name)) for number, name in enumerate(made)]
    return [*found, ("serving", *_identity(cloud, most))]


def _identity(cloud: EmbeddedCloudRun, name: str) -> tuple[str, str]:
    annotations: Mapping[str, Any] = cloud.fleet.records[name].template.get("annotations") or {}
    return str(annotations.get(f"{OURS}deployment-id")), str(annotations.get(f"{OURS}config-hash"))


def _version(cloud: EmbeddedCloudRun, name: str) -> str:
    """The config version that a revision mounts."""
    volumes = cloud.fleet.records[name].template["volumes"]
    items = next(volume["secret"]["items"] for volume in volumes if volume["name"] == "config")
    return str(items[0]["version"])


def _unchecked(cloud: EmbeddedCloudRun) -> Iterator[str]:
    """Revisions that users met before anybody asked at their tag's URL with a credential."""
    checked = {next(iter(cloud.fleet.records))}
    for event in list(cloud.history.events):
        if isinstance(event, Served) and event.tag is not None and event.has_credential:
            checked.add(event.revision)
        elif isinstance(event, TrafficMap):
            yield from (name for name, percent in event.percents.items() if percent and name not in checked)
