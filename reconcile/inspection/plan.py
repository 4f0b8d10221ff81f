"""``plan``: what a run would change at the gateway now, service by service, with the compiler's diagnostics."""

from __future__ import annotations

from collections.abc import Iterator

from reconcile.inspection.differences import described, differences
from reconcile.inspection.looking import Look
from reconcile.inspection.report import Report, row, serving_words
from reconcile.inspection.services import read_services
from reconcile.models import Compiled
from reconcile.summarise import EXIT_APPLIED, EXIT_DIFFERENT, EXIT_FAILED


def plan(look: Look) -> Report:
    """The report.

    Raises:
        UsageError: a setting does not fit the routes: a run would end with exit 4.
        ReconcileError: Khala or the gateway does not answer.
    """
    compiled, sight = look.compiled(), look.sight()
    lines = [
        row("gateway", look.settings.gateway_id),
        row("serving", serving_words(sight)),
        row("Khala", f"{len(compiled.rules)} routes, {compiled.config_hash or 'no config'}"),
        *(row(str(d.severity), f"{d.code}: {d.message}") for d in compiled.diagnostics),
    ]
    if not compiled.is_valid:
        told = "a run would end with compile_validation_failed, and deploy nothing"
        return Report((*lines, row("result", f"not found out: {told}")), EXIT_FAILED)
    objection = look.objection()
    changes = [*_config_changes(look, compiled), *_image_change(look)]
    lines += changes
    if objection is not None:
        lines.append(row("refused", f"{objection.reason}: {objection}"))
        lines += [row("remedy", objection.remedy)] if objection.remedy else []
    told = "a run would change this" if changes else "no change: a run would deploy the same services, and check them"
    return Report((*lines, row("result", told)), EXIT_DIFFERENT if changes else EXIT_APPLIED)


def _config_changes(look: Look, compiled: Compiled) -> Iterator[str]:
    """Nothing where the very services serve, under the very hash."""
    deployment, served = look.sight().deployment, look.served()
    wanted = read_services(compiled.aperture_yaml)
    is_same_hash = deployment is not None and deployment.config_hash == compiled.config_hash
    if served.entries is None:
        yield row("change", f"another config; {served.source}")
        yield from (f"  ? {described(entry)}" for entry in wanted)
        return
    found = differences(served.entries, wanted)
    if found:
        yield row("change", f"{found.headline}; by {served.source}")
        yield from (f"  {line}" for line in found.lines())
    elif not is_same_hash:
        yield row("change", f"another configHash over the same {found.same} services")


def _image_change(look: Look) -> Iterator[str]:
    wanted, image = look.settings.aperture_image, look.sight().image
    if look.sight().cloud is not None and wanted is not None and wanted != image:
        yield row("image", f"{image or 'none'} -> {wanted}")
