"""Which step each call of a run on Cloud Run belongs to, and which faults at it must stop the run.

The conclusion's own calls (from the mark on) stand in none.
"""

from __future__ import annotations

from reconcile.models import Step
from tests.faults.proxy import GARBLED, WITHOUT_EFFECT, Fault

_BY_STEP = {
    Step.READ: "start/service#1 start/secret#1",
    Step.SNAPSHOT: "intent/service#1 intent/revision#1",
    Step.APPLY: "intent/service#2 intent/config intent/secret#1 lease lease/service#1 version deploy deploy/operation "
    "deploy/service#1 deploy/revision#1",
    Step.ROLLOUT: "deploy/service#2 deploy/revision#2 deploy/challenge#1",
    Step.HEALTH: "deploy/health#1",
    Step.CHALLENGE: "deploy/challenge#2",
    Step.PROXY: "deploy/zeros deploy/credential#1 pay/credential#1 pay/credential#2 pay/credential#3 pay/credential#4",
    Step.PROMOTE: "pay/secret#1 pay/service#1 move move/operation move/service#1",
    Step.CONFIRM: "move/challenge#1 move/health#1 move/challenge#2 move/zeros move/credential#1 move/credential#2 "
    "move/credential#3 move/credential#4",
}
CLOUD_STEPS = {call: step for step, calls in _BY_STEP.items() for call in calls.split()}
# What is read once: without an answer the step has not passed.
_ONCE = frozenset(
    {
        *("intent/service#1", "intent/revision#1"),
        *("intent/service#2", "intent/config", "intent/secret#1", "lease/service#1", "version", "deploy/revision#1"),
        *("deploy/service#2", "deploy/revision#2"),
        *("pay/secret#1", "pay/service#1"),
    }
)
# Writes whose effect is read back.
_READ_BACK = frozenset({"deploy", "move"})
# What is asked of the gateway itself, and of LND: the checks say what they make of it.
_PROBES = frozenset({"challenge", "health", "zeros", "credential", "send"})


def is_cloud_fatal(call: str, fault: Fault, *, is_candidate: bool) -> bool | None:
    """Whether the fault alone must stop the run; None where either is right."""
    if call.rpartition("/")[2].partition("#")[0] in _PROBES:
        return None
    if call == "pay/service#1" and not is_candidate:
        return False  # the mark's own look at the service is tried again
    if call in _ONCE:
        return True
    if call == "lease":
        return fault in WITHOUT_EFFECT
    return call in _READ_BACK and (fault in GARBLED or fault in WITHOUT_EFFECT)
