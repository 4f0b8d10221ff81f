"""What the matrix runs: a deployer, a payer, a good or a wrong gateway; and which of its calls each scenario is hit at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconcile.models import Deployer, Rollout

GOOD_CODE, WRONG_CODE = 0, 1


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of run. ``spans``: its own calls are those behind the one and up to the other, or the last; of a scenario

    without spans, those that no earlier one of its deployer made.
    """

    name: str
    deployer: Deployer
    rollout: Rollout = Rollout.DIRECT
    is_lnd: bool = False
    is_wrong: bool = False  # every challenge asks for another amount
    is_late: bool = False  # and only once users meet it
    spans: tuple[tuple[str, str], ...] = ()

    @property
    def code(self) -> int:
        """The exit code of a run that nothing happens to."""
        return WRONG_CODE if self.is_wrong else GOOD_CODE

    @property
    def is_candidate(self) -> bool:
        """True when no user may meet a revision that was not checked."""
        return self.rollout is Rollout.CANDIDATE


_OPS, _CLOUD, _CANDIDATE = Deployer.OPS_HTTP, Deployer.CLOUD_RUN, Rollout.CANDIDATE
_ALL = (
    Scenario("wallet", _OPS),
    Scenario("lnd", _OPS, is_lnd=True),
    Scenario("wrong", _OPS, is_wrong=True, spans=(("challenge", ""),)),
    Scenario("cloud", _CLOUD, _CANDIDATE),
    Scenario("cloud-lnd", _CLOUD, _CANDIDATE, is_lnd=True, spans=(("deploy/credential#1", "send"),)),
    Scenario("cloud-wrong", _CLOUD, _CANDIDATE, is_wrong=True, spans=(("deploy/challenge#2", ""),)),
    # Behind the mark both end as the one before.
    Scenario(
        "cloud-late", _CLOUD, _CANDIDATE, is_wrong=True, is_late=True, spans=(("move/health#1", "mark/service#1"),)
    ),
    Scenario("direct-wrong", _CLOUD, is_wrong=True, spans=(("deploy/challenge#2", "mark/service#1"),)),
    # From the update that makes the revision serve at once; and its end, which has no move before it.
    Scenario("direct", _CLOUD, spans=(("version", "deploy/challenge#1"), ("pay/credential#4", "mark/service#1"))),
)
SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ALL}


def scenarios_of(deployer: str) -> list[Scenario]:
    """Those of a deployer; ``all``: every one."""
    return [scenario for scenario in _ALL if deployer in ("all", scenario.deployer)]


def own_calls(scenario: Scenario, names: Sequence[str], known: set[str]) -> list[str]:
    """The calls at which the scenario is hit, in their order, each once; adds them to ``known``."""
    fresh = list(dict.fromkeys(names))
    if not scenario.spans:
        found = [name for name in fresh if name not in known]
        known.update(found)
        return found
    ends = [(fresh.index(first) + 1, fresh.index(last) + 1 if last else len(fresh)) for first, last in scenario.spans]
    return [name for begin, end in ends for name in fresh[begin:end]]
