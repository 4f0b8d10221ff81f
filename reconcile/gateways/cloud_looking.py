"""Looking at a service without touching it: who serves, the audit, the lease, our services in the config that serves."""

from __future__ import annotations

from reconcile.compile.base_config import BaseConfigError
from reconcile.compile.deployed_file import compiled_part, read_mark
from reconcile.errors import GatewayError
from reconcile.gateways import audit
from reconcile.gateways.audit import FAILED, VERIFIED, Lease
from reconcile.gateways.cloud_reading import ServiceReader
from reconcile.gateways.cloud_run import CloudRunApi
from reconcile.gateways.sight import CloudSight, ServingServices, Sight


def look(api: CloudRunApi, reader: ServiceReader) -> Sight:
    """The service as it is; a lease that cannot be read is said, and stops nothing. Raises GatewayError."""
    service = api.get_service()
    revision = reader.revision(service.leading) if service.leading is not None else None
    lease, problem = _lease(api)
    cloud = CloudSight(
        revision=revision.name if revision is not None else None,
        config_version=reader.version_of(revision) if revision is not None else None,
        traffic=service.served,
        verified=audit.read_mark(service.annotations, VERIFIED),
        failed=audit.read_mark(service.annotations, FAILED),
        lease=lease,
        lease_problem=problem,
    )
    if revision is None:
        return Sight(None, cloud=cloud)
    return Sight(reader.deployment(revision), revision.image, cloud)


def serving_services(reader: ServiceReader, sight: Sight) -> ServingServices:
    """Our services in the file that is mounted by ``sight``; none of them where none is.

    Raises:
        GatewayError: the file cannot be read, or its services are not those that its first line records.
    """
    version = sight.cloud.config_version if sight.cloud is not None else None
    text = reader.config(version).get_secret_value() if version is not None else ""
    try:
        mark = read_mark(text)
        return ServingServices(compiled_part(text), mark.config_hash if mark is not None else None)
    except BaseConfigError as error:
        raise GatewayError(str(error), reason=error.reason, remedy=error.remedy) from None


def _lease(api: CloudRunApi) -> tuple[Lease | None, str | None]:
    try:
        return audit.read_lease(api.get_secret().annotations), None
    except GatewayError as error:
        return None, error.reason
