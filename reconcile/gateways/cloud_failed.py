"""What a failed deployment leaves on a service: its mark. Its traffic, its tag and its template are taken back.

The template is what an operator's own update starts from, and what serves when somebody sends the traffic to LATEST.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconcile.errors import Effect, GatewayError
from reconcile.gateways.audit import FAILED, VERIFIED, Mark, identity_of, read_mark, write_note
from reconcile.gateways.cloud_errors import TRANSIENT
from reconcile.gateways.cloud_names import is_our_tag
from reconcile.gateways.cloud_run import CloudRunApi
from reconcile.gateways.cloud_views import FormerTemplate, ServiceTarget, ServiceView
from reconcile.gateways.cloud_waiting import Writer


class FailedDeployment:
    """Marks it, and takes the rest of it back."""

    def __init__(self, api: CloudRunApi, writer: Writer) -> None:
        self._api = api
        self._writer = writer

    def leave(self, service: ServiceView, mark: Mark, former: FormerTemplate | None) -> tuple[str, ...]:
        """One update, or another without the template where that is refused; warnings.

        Args:
            former: the template that the deploy found; None: not known any more.
        Raises:
            GatewayError: the mark could not be written.
        """
        if not service.serving:
            self._leave_unserved(service, self._marked(service, mark), mark.deployment_id)
            return ()
        if not self._is_of(service.template_revision, mark.deployment_id):
            write_mark(self._writer, service, self._marked(service, mark))
            return ()
        why = "the former one is not known"
        if former is not None:
            try:
                write_mark(self._writer, service, self._marked(service, mark), former)
            except GatewayError as error:
                if error.reason in TRANSIENT:
                    raise
                why, service = error.reason, self._api.get_service()
            else:
                return ()
        write_mark(self._writer, service, self._marked(service, mark))
        return (
            f"the service's template still is the failed revision's ({why}): an update by hand would start from it",
        )

    def _marked(self, service: ServiceView, mark: Mark) -> dict[str, str]:
        """The service's annotations with the mark. A run that died over its own mark as verified is rolled back: what
        serves again is what was verified last.
        """
        annotations = {**service.annotations, FAILED: write_note(mark)}
        verified = read_mark(annotations, VERIFIED)
        if verified is None or verified.deployment_id != mark.deployment_id:
            return annotations
        del annotations[VERIFIED]
        for name in service.serving:
            former = identity_of(self._api.get_revision(name).annotations, name)
            if former is not None and former.deployment_id != mark.deployment_id:
                again = Mark(name, former.deployment_id, former.config_hash, former.request_id, mark.at_ms)
                annotations[VERIFIED] = write_note(again)
        return annotations

    def _leave_unserved(self, service: ServiceView, annotations: dict[str, str], deployment_id: str) -> None:
        """Mark a first deployment that never became ready; traffic that is pinned to it follows LATEST again, so that
        the next healthy revision serves, whoever deploys it (CLOUD_RUN.md §2).

        The operation ends in the error of what is not ready; that the change was taken is enough.
        """
        is_pinned = any(t.percent and self._is_of(t.revision, deployment_id) for t in service.traffic)
        tagged = [t for t in _untagged(service) if t.tag]
        traffic = [ServiceTarget(None, 100), *(ServiceTarget(t.revision, 0, t.tag) for t in tagged)]

        def is_taken(now: ServiceView) -> bool:
            return now.annotations == annotations and (not is_pinned or ServiceTarget(None, 100) in now.traffic)

        try:
            self._writer.update(
                service,
                is_taken,
                is_landed=is_taken,
                traffic=traffic if is_pinned else None,
                annotations=annotations,
            )
        except GatewayError as error:
            if error.effect is not Effect.CHANGED or not is_taken(self._api.get_service()):
                raise

    def _is_of(self, revision: str | None, deployment_id: str) -> bool:
        """True for a revision that this deployment made."""
        if revision is None:
            return False
        try:
            identity = identity_of(self._api.get_revision(revision).annotations, revision)
        except GatewayError as error:
            if error.status == 404:
                return False
            raise
        return identity is not None and identity.deployment_id == deployment_id


def write_mark(
    writer: Writer, service: ServiceView, annotations: Mapping[str, str], template: FormerTemplate | None = None
) -> None:
    """One update: the annotations, no tag of ours any more, and the template if one is given."""
    traffic = _untagged(service)
    wanted = service.resolve(traffic, service.latest_created)

    def is_landed(now: ServiceView) -> bool:
        is_back = template is None or now.template_revision == template.revision
        return now.annotations == annotations and is_back

    writer.update(
        service,
        lambda now: now.served == wanted and is_landed(now),
        is_landed=is_landed,
        template=template,
        traffic=traffic if service.our_tags else None,
        annotations=annotations,
    )


def _untagged(service: ServiceView) -> list[ServiceTarget]:
    """The traffic that is asked for, without tags of ours."""
    return [
        ServiceTarget(t.revision, t.percent, None if t.tag and is_our_tag(t.tag) else t.tag)
        for t in service.wanted
        if t.percent or not (t.tag and is_our_tag(t.tag))
    ]
