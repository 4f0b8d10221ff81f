"""A gateway on Cloud Run: a deployment is a revision that mounts one version of the config secret, and the traffic to it.

Source: CLOUD_RUN.md, ARCHITECTURE.md ("Gateways"). Every write is guarded by a look before and a read-back after it:
what is neither the snapshot's nor ours is somebody else's, and is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from reconcile.clock import Clock
from reconcile.compile.charges import Charge, charges_of
from reconcile.compile.deployed_file import read_mark
from reconcile.errors import Effect, GatewayError
from reconcile.gateways import cloud_looking
from reconcile.gateways.audit import Identity, identity_of
from reconcile.gateways.cloud_errors import CONFLICT_REMEDY
from reconcile.gateways.cloud_facts import config_facts, plain_credentials, unmounted
from reconcile.gateways.cloud_lease import LeaseKeeper
from reconcile.gateways.cloud_names import revision_name, short, tag_name
from reconcile.gateways.cloud_preparing import CloudRunTarget, Prepared, prepare
from reconcile.gateways.cloud_reading import ServiceReader, without_ours
from reconcile.gateways.cloud_run import CloudRunApi
from reconcile.gateways.cloud_settling import Settler
from reconcile.gateways.cloud_views import (
    Condition,
    FormerTemplate,
    ServiceTarget,
    ServiceView,
    TemplateChange,
    template_of,
)
from reconcile.gateways.cloud_waiting import Writer
from reconcile.gateways.interface import Applied, ApplyRequest, PromoteRequest, RestoreRequest, Settlement
from reconcile.gateways.sight import ServingServices, Sight
from reconcile.models import ActiveDeployment, Deployment, Rollout
from reconcile.service_tuple import RevisionFacts, ServiceTuple, TrafficTarget


@dataclass(slots=True)
class _Pushed:
    """A deploy under way: what is ours now. ``traffic`` is what was last asked for."""

    identity: Identity
    tag: str | None
    image: str
    version: str
    traffic: tuple[TrafficTarget, ...]
    former_charge: int | None


class CloudRunGateway:
    """Drives one service. One object serves one run."""

    def __init__(
        self,
        api: CloudRunApi,
        target: CloudRunTarget,
        clock: Clock,
        patience_s: float,
        learn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._api = api
        self._learn = learn
        self._target = target
        self._reader = ServiceReader(api, target.config_secret, learn)
        self._clock = clock
        self._writer = Writer(api, clock, patience_s)
        self._lease = LeaseKeeper(api, clock)
        self._settler = Settler(api, self._writer, self._lease, clock, target.keep_deployments)
        self._pushed: _Pushed | None = None
        self._former: FormerTemplate | None = None  # what the service's template was before the deploy
        self._added: str | None = None  # a config version that nothing mounts yet

    # --- the port

    def active(self, timeout_s: float | None = None) -> ActiveDeployment:
        """The serving revision: ours by its annotations, or an operator's own, named by its config's hash."""
        service = self._api.get_service(timeout_s)
        if service.leading is None:
            return ActiveDeployment(None, service.etag)
        revision = self._reader.revision(service.leading)
        return ActiveDeployment(self._reader.deployment(revision), service.etag, self._reader.saved(service, revision))

    def apply(self, request: ApplyRequest) -> Applied:
        """Refuse first; then lease, config version, revision, read-back."""
        prepared = prepare(self._api.get_service(), self._reader, self._target, request)
        self._lease.take(request.deployment_id, request.request_id)
        try:
            service = self._unchanged(request)
            self._former = template_of(service)
            version = self._added = self._api.add_version(prepared.file)
            self._reader.configs[version] = prepared.file
            return self._push(service, prepared, request, version)
        except GatewayError as error:
            if self._pushed is None or error.effect in (Effect.NONE, Effect.REFUSED):
                self._pushed = None
                error.effect = Effect.REFUSED if error.effect is Effect.REFUSED else Effect.NONE
                self._settler.withdraw(self._added, request.deployment_id)
            raise

    def promote(self, request: PromoteRequest) -> None:
        """All of the traffic for the candidate; its tag stays until the run is settled."""
        pushed = self._ours()
        self._lease.renew(request.deployment_id, request.request_id)
        service = self._api.get_service()
        self._refuse_changes(service, pushed)
        name = pushed.identity.revision
        others = [t for t in pushed.traffic if t.tag and t.revision != name]
        traffic = [
            *_targets([t.model_copy(update={"percent": 0}) for t in others]),
            ServiceTarget(name, 100, pushed.tag),
        ]
        wanted = service.resolve(traffic, None)
        pushed.traffic = wanted
        self._writer.update(
            service, lambda s: s.served == wanted, is_landed=lambda s: s.wanted == wanted, traffic=traffic
        )

    def restore(self, request: RestoreRequest) -> None:
        """The saved traffic again, ours and its tag gone; somebody else's is left alone."""
        assert request.saved is not None, "a snapshot of Cloud Run is whole"
        saved = request.saved
        self._settler.put_back(saved, lambda service: self._refuse_strangers(service, request, saved))

    def settle(self, settlement: Settlement) -> tuple[str, ...]:
        """Marks, tags, old versions, the lease."""
        if self._pushed is None:
            self._settler.withdraw(self._added, settlement.deployment_id)
        revision = self._pushed.identity.revision if self._pushed else None
        return self._settler.settle(settlement, revision, self._former)

    def describe(self) -> RevisionFacts | None:
        """Our revision as the API shows it; before a deploy, the serving one."""
        service = self._api.get_service()
        pushed = self._pushed
        name = pushed.identity.revision if pushed else next(iter(service.serving), None)
        if name is None:
            return None
        revision = self._api.get_revision(name)
        version = self._reader.version_of(revision) or ""
        config = self._reader.config(version).get_secret_value() if version else ""
        facts = config_facts(config, revision.arguments)
        identity = identity_of(revision.annotations, name)
        mark = read_mark(config)
        is_named = mark is not None and identity is not None and mark.config_hash == identity.config_hash
        tag = pushed.tag if pushed else None
        return RevisionFacts(
            revision=name,
            deployment_id=identity.deployment_id if identity else None,
            config_hash=identity.config_hash if identity and is_named else None,
            image=revision.image,
            expected_image=pushed.image if pushed else revision.image,
            config_version=version,
            expected_config_version=pushed.version if pushed else version,
            plain_credentials=plain_credentials(revision),
            unmounted_credentials=unmounted(facts.credential_files, revision),
            debug_level=facts.debug_level,
            is_mpp_enabled=facts.is_mpp_enabled,
            database=facts.database,
            leftover_tags=tuple(sorted(set(service.our_tags) - {tag})),
            uri=service.uri_of(tag) if tag else None,
            percent=sum(t.percent for t in service.served if t.revision == name),
            health_path=self._target.health_path,
            former_charge=pushed.former_charge if pushed else None,
        )

    def look(self) -> Sight:
        """Who serves, the audit and the lease."""
        return cloud_looking.look(self._api, self._reader)

    def serving_services(self, sight: Sight) -> ServingServices | None:
        """Our services in the config that serves."""
        return cloud_looking.serving_services(self._reader, sight)

    def objection(self, request: ApplyRequest) -> GatewayError | None:
        """What a deploy would be refused for; None: nothing speaks against it, or it cannot be told now."""
        try:
            prepare(self._api.get_service(), self._reader, self._target, request)
        except GatewayError as error:
            return error
        return None

    def charges(self, saved: ServiceTuple | None, requests: Sequence[tuple[str, str]]) -> tuple[Charge | None, ...]:
        """By the config version that the snapshot's revision mounts."""
        try:
            text = self._reader.config(saved.config_version).get_secret_value() if saved is not None else ""
        except GatewayError:
            text = ""
        return charges_of(text, requests)

    def identify(self) -> SecretStr | None:
        """An ID token of the deployer's for the service's own URL; None when there is none to be had."""
        try:
            service = self._api.get_service()
            token = self._api.id_token(service.urls[-1] if service.urls else "")
        except GatewayError:
            return None  # the checks say that callers are refused
        self._learn(token.get_secret_value())
        return token

    def close(self) -> None:
        """Close the connections."""
        self._api.close()

    # --- the deploy

    def _unchanged(self, request: ApplyRequest) -> ServiceView:
        """The service as the snapshot saw it, or ``concurrent_modification``."""
        service = self._api.get_service()
        saved = request.saved
        is_same = (
            not service.serving
            if saved is None
            else (service.generation == saved.generation and without_ours(service.served) == saved.traffic)
        )
        if not is_same:
            raise _changed("the service changed since the snapshot")
        return service

    def _push(self, service: ServiceView, prepared: Prepared, request: ApplyRequest, version: str) -> Applied:
        """One update: the new revision, and the traffic beside it; then its read-back."""
        name = revision_name(short(service.name), service.generation)
        identity = Identity(request.request_id, request.deployment_id, request.config_hash, name)
        is_candidate = self._target.rollout is Rollout.CANDIDATE and bool(service.serving)
        tag = tag_name(service.generation) if is_candidate else None
        former = without_ours(service.served)
        kept = former if is_candidate else [t.model_copy(update={"percent": 0}) for t in former if t.tag]
        traffic = [*_targets(kept), ServiceTarget(name, 0 if is_candidate else 100, tag)]
        wanted = service.resolve(traffic, None)
        change = TemplateChange(
            prepared.base, name, prepared.image, self._target.config_secret, version, identity.annotations()
        )
        pushed = _Pushed(identity, tag, prepared.image, version, wanted, prepared.former_charge)
        self._pushed = pushed
        found = self._writer.update(
            service,
            lambda s: s.served == wanted and (tag is None or s.uri_of(tag) is not None),
            is_landed=lambda s: s.template_revision == name and s.wanted == wanted,
            template=change,
            traffic=traffic,
        )
        try:
            deployment = self._read_back(found, pushed)
        except GatewayError as error:
            error.effect = Effect.CHANGED  # whatever became of the reading, the write was made
            raise
        return Applied(deployment, found.uri_of(tag) if tag else None, prepared.rules)

    def _read_back(self, service: ServiceView, pushed: _Pushed) -> Deployment:
        """What was deployed, by the API's own word."""
        self._refuse_changes(service, pushed)
        name = pushed.identity.revision
        revision = self._api.get_revision(name)
        if revision.condition is Condition.FAILED or identity_of(revision.annotations, name) != pushed.identity:
            message = f"revision {name} is not what was asked for: {revision.message[:200]}"
            raise GatewayError(message, reason="revision_not_ready")
        return self._reader.deployment(revision)

    def _ours(self) -> _Pushed:
        if self._pushed is None:
            raise GatewayError("nothing was deployed by this run", reason="not_deployed")
        return self._pushed

    def _refuse_changes(self, service: ServiceView, pushed: _Pushed) -> None:
        """After our write the service is as we asked, or somebody changed it."""
        if service.template_revision != pushed.identity.revision or service.wanted != pushed.traffic:
            raise _changed("somebody changed the service during the run", Effect.CHANGED)

    def _refuse_strangers(self, service: ServiceView, request: RestoreRequest, saved: ServiceTuple) -> None:
        """What is there is the snapshot's or ours; else hands off."""
        template = service.template_revision
        is_known = template == saved.template_revision or (template is not None and self._is_of(template, request))
        named = {t.revision for t in service.wanted if t.percent} - {t.revision for t in saved.traffic}
        if not is_known or any(not self._is_of(name, request) for name in named):
            raise _changed("somebody changed the service during the run")

    def _is_of(self, revision: str, request: RestoreRequest) -> bool:
        """True for a revision of the run that is rolled back."""
        if self._pushed is not None and self._pushed.identity.revision == revision:
            return True
        try:
            identity = identity_of(self._reader.revision(revision).annotations, revision)
        except GatewayError as error:
            if error.status == 404:
                return False
            raise
        return identity is not None and identity.deployment_id == request.deployment_id


def _targets(traffic: Sequence[TrafficTarget]) -> list[ServiceTarget]:
    return [ServiceTarget(target.revision, target.percent, target.tag) for target in traffic]


def _changed(message: str, effect: Effect = Effect.REFUSED) -> GatewayError:
    return GatewayError(message, reason="concurrent_modification", remedy=CONFLICT_REMEDY, effect=effect)
