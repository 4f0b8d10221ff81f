"""Looking without touching: what a run would change, what drifted, how the service stands."""

from reconcile.inspection.drift import compare_behaviour, compare_with_khala, compare_with_record, drift
from reconcile.inspection.looking import Look
from reconcile.inspection.plan import plan
from reconcile.inspection.report import Report
from reconcile.inspection.status import status

__all__ = [
    "Look",
    "Report",
    "compare_behaviour",
    "compare_with_khala",
    "compare_with_record",
    "drift",
    "plan",
    "status",
]
