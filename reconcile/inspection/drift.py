"""``drift``: what serves now against Khala and against the last record, by its config and by its behaviour."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconcile.comparison import Comparison, Sameness
from reconcile.errors import ReconcileError, UsageError
from reconcile.inspection.behaviour import behaviour
from reconcile.inspection.differences import described, differences
from reconcile.inspection.looking import Look
from reconcile.inspection.recorded import against_record
from reconcile.inspection.report import Report, row, serving_words
from reconcile.inspection.services import read_services
from reconcile.models import Compiled
from reconcile.summarise import EXIT_APPLIED, EXIT_DIFFERENT, EXIT_FAILED

KHALA, RECORD, BEHAVIOUR = "Khala", "record", "behaviour"


def drift(look: Look) -> Report:
    """The three comparisons in one report; UsageError where a setting does not fit the routes."""
    lines = [row("gateway", look.settings.gateway_id), row("serving", _serving(look)), *_notes(look)]
    comparisons = [compare_with_khala(look), compare_with_record(look), compare_behaviour(look)]
    for comparison in comparisons:
        lines += comparison.message.splitlines()
    found = {comparison.sameness for comparison in comparisons}
    told = f"{look.invoices_minted} invoices minted, nothing paid"
    if Sameness.DIFFERENT in found:
        return Report((*lines, row("result", f"drift; {told}")), EXIT_DIFFERENT)
    if Sameness.UNKNOWN in found:
        return Report((*lines, row("result", f"not found out; {told}")), EXIT_FAILED)
    return Report((*lines, row("result", f"no drift; {told}")), EXIT_APPLIED)


def compare_with_khala(look: Look) -> Comparison:
    """The config that serves, held against what Khala's paywalls compile to now."""
    return _answered(KHALA, lambda: _against_khala(look))


def compare_with_record(look: Look) -> Comparison:
    """The config that serves, held against what the last run left, or Cloud Run's audit, whichever is newer."""
    return _answered(RECORD, lambda: against_record(RECORD, look))


def compare_behaviour(look: Look) -> Comparison:
    """What every route in scope asks, held against Khala, the config that serves, and the last record."""
    return _answered(BEHAVIOUR, lambda: behaviour(BEHAVIOUR, look))


def _answered(name: str, compare: Callable[[], Comparison]) -> Comparison:
    """What could not be read is said, with its reason, and is no verdict."""
    try:
        return compare()
    except UsageError:
        raise
    except ReconcileError as error:
        return Comparison(name, Sameness.UNKNOWN, f"{error.reason}: {error}", remedy=error.remedy)


def _serving(look: Look) -> str:
    try:
        return serving_words(look.sight())
    except ReconcileError as error:
        return f"not found out: {error.reason}"


def _notes(look: Look) -> Iterator[str]:
    """What makes every answer uncertain: a run that is at it, or one that died over it."""
    try:
        cloud = look.sight().cloud
    except ReconcileError:
        cloud = None
    if cloud is not None and cloud.lease is not None and cloud.lease.holds_off("", look.now_ms()):
        yield row("note", f"a run is at this service ({cloud.lease.request_id}): what serves may change")
    if look.backlog().died:
        yield row("note", f"{len(look.backlog().died)} runs died: python -m reconcile recover")


def _against_khala(look: Look) -> Comparison:
    compiled, deployment, served = look.wanted(), look.sight().deployment, look.served()
    if served.entries is None:
        return _by_hash(compiled, served.source)
    found = differences(served.entries, read_services(compiled.aperture_yaml))
    lines = list(found.lines())
    if deployment is not None and deployment.config_hash != compiled.config_hash and not found:
        lines.append(f"~ another configHash over the same services: {compiled.config_hash} is Khala's")
    if served.written_hash is not None and deployment is not None and served.written_hash != deployment.config_hash:
        lines.append(f"~ the mounted file says that it is {served.written_hash}")
    if not lines:
        return Comparison(KHALA, Sameness.SAME, f"{found.same} services, by {served.source}")
    return Comparison(KHALA, Sameness.DIFFERENT, f"{found.headline}; by {served.source}", tuple(lines))


def _by_hash(compiled: Compiled, source: str) -> Comparison:
    """Another hash, and nobody keeps what it stands for: a hash that is Khala's would have told the services."""
    wanted = tuple(f"? {described(entry)}" for entry in read_services(compiled.aperture_yaml))
    return Comparison(KHALA, Sameness.DIFFERENT, f"another configHash than {compiled.config_hash}; {source}", wanted)
