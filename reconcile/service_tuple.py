"""A Cloud Run deployment as one value: what a snapshot captures and a rollback puts back (ARCHITECTURE.md, "Gateways")."""

from __future__ import annotations

from dataclasses import dataclass

from reconcile.paywalls import WireModel


class TrafficTarget(WireModel):
    """A revision's share of a service's traffic in percent, and the tag that names it, if any."""

    revision: str
    percent: int
    tag: str | None = None


class ServiceTuple(WireModel):
    """Image, config version, revision, traffic map with its tags. Revisions by their short names."""

    service: str
    generation: int
    template_revision: str | None
    revision: str  # the one that serves most
    image: str
    config_version: str
    traffic: tuple[TrafficTarget, ...]
    is_verified: bool = False  # by the audit on the service

    @property
    def image_digest(self) -> str | None:
        """``sha256:…``; None when the image is not pinned."""
        return self.image.rpartition("@")[2] if "@sha256:" in self.image else None


@dataclass(frozen=True, slots=True)
class RevisionFacts:
    """What a revision is made of, by the API's own word; what the rollout checks read. Holds no secret.

    ``plain_credentials``: where something that looks like an LND credential stands as a plain value.
    ``unmounted_credentials``: files of LND that the config names and no secret is mounted at.
    """

    revision: str
    deployment_id: str | None
    config_hash: str | None
    image: str
    expected_image: str
    config_version: str
    expected_config_version: str
    plain_credentials: tuple[str, ...]
    unmounted_credentials: tuple[str, ...]
    debug_level: str
    is_mpp_enabled: bool
    database: str
    leftover_tags: tuple[str, ...]  # of ours, but the one that is being checked
    uri: str | None  # where it answers: its tag's URL, or None for the service's own
    percent: int  # of the users' traffic
    health_path: str
    former_charge: int | None = None  # what the former config asks for the challenge URL, in sat
