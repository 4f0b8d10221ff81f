"""What a run that died without a journal left on a service, brought back to the last verified deployment by the audit there.

Nothing is done while a lease is held: its run may live. Somebody else's revisions and tags are left alone.
"""

from __future__ import annotations

from reconcile.clock import Clock
from reconcile.errors import GatewayError
from reconcile.gateways.audit import VERIFIED, identity_of, read_lease, read_mark
from reconcile.gateways.cloud_lease import LeaseKeeper
from reconcile.gateways.cloud_names import is_our_tag
from reconcile.gateways.cloud_run import CloudRunApi
from reconcile.gateways.cloud_views import ServiceTarget, ServiceView
from reconcile.gateways.cloud_waiting import Writer


def heal(api: CloudRunApi, clock: Clock, owner: str, request_id: str) -> str | None:
    """Put the last verified revision back if an unverified one of ours serves, and take tags of ours away.

    Args:
        owner: whose lease it is done under.
    Returns:
        What was done, for people; None when there was nothing to do, or a run holds the lease.
    Raises:
        GatewayError: the service could not be read or put back.
    """
    service = api.get_service()
    target = _target(api, service)
    if target is None and not service.our_tags:
        _forget_lease(api, clock)
        return None
    lease = read_lease(api.get_secret().annotations)
    if lease is not None and lease.holds_off(owner, clock.now_ms()):
        return None
    keeper = LeaseKeeper(api, clock)
    keeper.take(owner, request_id)
    try:
        service = api.get_service()
        traffic = _traffic(service, _target(api, service))
        wanted = service.resolve(traffic, service.latest_created)
        Writer(api, clock, 0).update(
            service, lambda s: s.served == wanted, is_landed=lambda s: s.wanted == wanted, traffic=traffic
        )
    finally:
        keeper.release(owner)
    done = f"revision {target} serves again" if target is not None else "no other revision had to be put back"
    return f"a run died here: {done}; tags of ours are gone"


def _target(api: CloudRunApi, service: ServiceView) -> str | None:
    """The last verified revision, when an unverified one of ours serves; None: what serves is to stay."""
    mark = read_mark(service.annotations, VERIFIED)
    if mark is None or not mark.revision or mark.revision in service.serving:
        return None
    for name in service.serving:
        if identity_of(api.get_revision(name).annotations, name) is None:
            return None  # an operator's own
    try:
        api.get_revision(mark.revision)
    except GatewayError as error:
        if error.status == 404:
            return None
        raise
    return mark.revision


def _traffic(service: ServiceView, target: str | None) -> list[ServiceTarget]:
    """The traffic without tags of ours; all of it for ``target`` if there is one. Tags of others stay."""
    others = [t for t in service.served if t.tag and not is_our_tag(t.tag)]
    if target is not None:
        kept = [ServiceTarget(t.revision, 0, t.tag) for t in others]
        return [*kept, ServiceTarget(target, 100)]
    untagged = [ServiceTarget(t.revision, t.percent) for t in service.served if t.percent and t not in others]
    return [*untagged, *(ServiceTarget(t.revision, t.percent, t.tag) for t in others)]


def _forget_lease(api: CloudRunApi, clock: Clock) -> None:
    """A lease that has expired is nobody's."""
    lease = read_lease(api.get_secret().annotations)
    if lease is not None and lease.expires_at_ms <= clock.now_ms():
        LeaseKeeper(api, clock).release(lease.deployment_id)
