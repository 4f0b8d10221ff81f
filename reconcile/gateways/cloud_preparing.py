"""What is decided before anything is changed: from which revision, with which image and file; and what is refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from reconcile.compile.base_config import BaseConfigError
from reconcile.compile.charges import charges_of
from reconcile.compile.deployed_file import (
    MAX_FILE_BYTES,
    assemble_file,
    operators_part,
    routes_that_fit,
)
from reconcile.compile.tag_hosts import admit_tags
from reconcile.errors import GatewayError
from reconcile.gateways.audit import FAILED, read_mark
from reconcile.gateways.cloud_errors import CONFLICT_REMEDY
from reconcile.gateways.cloud_messages import template_view
from reconcile.gateways.cloud_reading import ServiceReader
from reconcile.gateways.cloud_views import RevisionView, ServiceView
from reconcile.gateways.interface import ApplyRequest
from reconcile.models import Rollout, Rule


@dataclass(frozen=True, slots=True)
class CloudRunTarget:
    """What is deployed to, and how. ``image``: None keeps the active revision's."""

    service: str
    config_secret: str
    rollout: Rollout
    image: str | None
    keep_deployments: int
    challenge_url: str
    health_path: str


@dataclass(frozen=True, slots=True)
class Prepared:
    """A deploy that nothing speaks against. ``former_charge``: sat that the former file asks for the challenge URL."""

    base: RevisionView
    rules: tuple[Rule, ...]
    image: str
    file: SecretStr = field(repr=False)
    former_charge: int | None


def prepare(service: ServiceView, reader: ServiceReader, target: CloudRunTarget, request: ApplyRequest) -> Prepared:
    """Decide.

    Raises:
        GatewayError: refused, or something could not be read; nothing was changed.
    """
    _refuse_repetition(service, request)
    base = _base(service, reader)
    rules = admit_tags(request.compiled.rules, service.own_hosts, request.wanted)
    image = target.image or base.image
    if "@sha256:" not in image:
        remedy = "set APERTURE_IMAGE to …@sha256:<64 hex>"
        raise GatewayError("the active revision's image is not pinned", reason="image_not_pinned", remedy=remedy)
    version = reader.version_of(base)
    if version is None:
        remedy = "mount CLOUD_RUN_CONFIG_SECRET as a volume, and pass its path with --configfile"
        raise GatewayError("the config secret is mounted nowhere", reason="config_not_mounted", remedy=remedy)
    former = reader.config(version).get_secret_value()
    text = _file(former, request, rules)
    parts = urlsplit(target.challenge_url)
    (charge,) = charges_of(former, [(parts.netloc, unquote(parts.path) or "/")])
    return Prepared(base, rules, image, SecretStr(text), charge.price_sat if charge else None)


def _base(service: ServiceView, reader: ServiceReader) -> RevisionView:
    """The revision that the next one is made from: the serving one; the template where nothing serves yet."""
    serving = service.serving
    if len(serving) > 1:
        message = f"the traffic is split between {', '.join(serving)}: somebody's own rollout is under way"
        raise GatewayError(message, reason="traffic_split", remedy="end it, then run again")
    if service.is_reconciling:
        message = "the service is being changed by somebody else"
        raise GatewayError(message, reason="concurrent_modification", remedy=CONFLICT_REMEDY)
    return reader.revision(serving[0]) if serving else template_view(service)


def _refuse_repetition(service: ServiceView, request: ApplyRequest) -> None:
    """What could not be rolled out the last time cannot be this time either."""
    mark = read_mark(service.annotations, FAILED)
    if mark is None or request.is_forced or not mark.is_lasting or mark.config_hash != request.config_hash:
        return
    message = f"this config failed at {mark.step} the last time ({mark.reason}, {mark.request_id})"
    raise GatewayError(message, reason="failed_before", remedy="mend what failed, then run with --force")


def _file(former: str, request: ApplyRequest, rules: Sequence[Rule]) -> str:
    """The file to mount, not larger than a secret version holds."""
    try:
        text = assemble_file(operators_part(former), request.compiled, rules, request.deployment_id)
    except BaseConfigError as error:
        raise GatewayError(str(error), reason=error.reason, remedy=error.remedy) from None
    size = len(text.encode())
    if size > MAX_FILE_BYTES:
        fits = routes_that_fit(text, rules)
        message = f"the config has {size} bytes, a secret holds {MAX_FILE_BYTES}: {fits} of {len(rules)} routes fit"
        raise GatewayError(message, reason="config_too_large", remedy=f"{message}; archive routes, or split them")
    return text
