"""After a failure the service's template is the former one again: an update by hand starts from what was verified."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.embedded.cloud import seed
from fixtures.embedded.cloud.rules import Does, Rule
from reconcile.models import Rollout, Step
from tests.reconcile.gateways.cloud import FIRST, Cloud, Run, compiled, running

NAMED = "an update by hand would start from it"


def failed(cloud: Cloud, rollout: Rollout = Rollout.CANDIDATE) -> tuple[str, ...]:
    """A run whose checks fail: restored, then settled."""
    run = Run(cloud, compiled(), rollout=rollout)
    run.apply()
    run.restore()
    return run.settle(Step.CHALLENGE, "amount_mismatch")


def mounted(cloud: Cloud) -> str:
    """The config version that the service's template mounts."""
    volumes = cloud.cloud.service.spec["template"]["volumes"]
    return str(next(v["secret"]["items"][0]["version"] for v in volumes if v["name"] == "config"))


@pytest.mark.parametrize("rollout", list(Rollout))
def test_template_is_the_former_one_and_no_revision_is_made_of_it(rollout: Rollout, tmp_path: Path) -> None:
    """Byte for byte as it was found, by the name of the revision that it made: the whole tuple is back."""
    with running(tmp_path) as cloud:
        before = dict(cloud.cloud.service.spec["template"])
        assert failed(cloud, rollout) == ()
        assert cloud.cloud.service.spec["template"] == before
        assert cloud.cloud.service.latest_created == FIRST
        assert list(cloud.cloud.fleet.records) == [FIRST, f"{seed.SERVICE_ID}-g2"]
        assert cloud.percents == {FIRST: 100}
        assert cloud.mark("failed") is not None
        assert cloud.calls.count("UpdateService") == 3, "deploy, traffic, and one for mark and template"


def test_template_without_a_name_is_asked_for_by_its_revisions(tmp_path: Path) -> None:
    """Sent without one it would make another revision, that nobody checked."""
    with running(tmp_path) as cloud:
        del cloud.cloud.service.spec["template"]["revision"]
        assert failed(cloud) == ()
        assert cloud.cloud.service.spec["template"]["revision"] == FIRST
        assert len(cloud.cloud.fleet.records) == 2


def test_update_by_hand_after_a_failure_starts_from_what_served_and_gets_no_traffic(tmp_path: Path) -> None:
    """The operator's own next revision mounts the verified config; the traffic is pinned until it is sent to LATEST."""
    with running(tmp_path) as cloud:
        failed(cloud)
        api = cloud.gateway()._api
        service = api.get_service()
        raw: Any = service.raw
        found = type(raw)(raw)
        found.template.revision, found.template.timeout = f"{seed.SERVICE_ID}-by-hand", {"seconds": 100}
        api._ask("UpdateService", "services", 5.0, service=found, update_mask={"paths": ["template"]}).result()
        assert mounted(cloud) == "1"
        assert cloud.percents == {FIRST: 100}
        again = Run(cloud, compiled(), name="dep_2")
        again.through()
        template = cloud.cloud.service.spec["template"]
        assert template["timeout"] == "300s", "the next run starts from the serving revision, not from the template"


def test_template_that_is_refused_stays_and_is_named(tmp_path: Path) -> None:
    """A 409 for a known name with other content changes nothing: the mark is written without it, and that is said."""
    with running(tmp_path) as cloud:
        cloud.cloud.rules.add(
            Rule("UpdateService", Does.ANSWERS_BEFORE, status=409, touching="template", first=2, count=1)
        )
        (warning,) = failed(cloud)
        assert NAMED in warning
        assert mounted(cloud) == "2"
        assert cloud.mark("failed") is not None
        assert cloud.percents == {FIRST: 100}
        assert cloud.lease is None


def test_run_that_does_not_know_the_former_template_says_so(tmp_path: Path) -> None:
    """``recover``, in another process: traffic and mark, and a word on the template."""
    with running(tmp_path) as cloud:
        run = Run(cloud, compiled())
        run.apply()
        run.gateway = cloud.gateway()
        run.restore()
        (warning,) = run.settle(Step.ROLLOUT, "interrupted")
        assert NAMED in warning
        assert mounted(cloud) == "2"


def test_template_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    """One that was put there after our deploy is no part of what is taken back."""
    with running(tmp_path) as cloud:
        run = Run(cloud, compiled())
        run.apply()
        run.restore()
        template = cloud.cloud.service.spec["template"]
        template["revision"] = f"{seed.SERVICE_ID}-theirs"
        cloud.cloud.fleet.create(template["revision"], template, has_probe=True)
        assert run.settle(Step.CHALLENGE, "amount_mismatch") == ()
        assert cloud.cloud.service.spec["template"]["revision"] == f"{seed.SERVICE_ID}-theirs"
