"""The staging run on Cloud Run, through Google's own clients: what serves is watched through the whole run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.embedded.cloud import seed
from fixtures.embedded.cloud.history import Call, TrafficMap
from fixtures.embedded.stack import EmbeddedStack
from tests.e2e.harness import PREFIX, Ran, embedded, run_against, run_pytest

pytestmark = pytest.mark.e2e
FIRST = seed.FIRST_REVISION


def percents(stack: EmbeddedStack) -> dict[str, int]:
    """What serves users now."""
    return {name: percent for name, percent in stack.cloud.service.served()[0].items() if percent}


def served_ever(stack: EmbeddedStack) -> set[str]:
    """Every revision that ever had users' traffic, by the traffic maps of the whole run."""
    maps = [event for event in stack.cloud.history.events if isinstance(event, TrafficMap)]
    return {name for found in maps for name, percent in found.percents.items() if percent}


def calls(stack: EmbeddedStack) -> list[str]:
    """The API's methods in the order of the calls."""
    return [event.kind for event in stack.cloud.history.events if isinstance(event, Call)]


def lease(stack: EmbeddedStack) -> str | None:
    """The lease on the config secret."""
    secret = stack.cloud.secrets.secret(seed.PROJECT, seed.CONFIG_SECRET_ID)
    found: str | None = (secret.resource.get("annotations") or {}).get("l402-harness.lease")
    return found


def mark(stack: EmbeddedStack, name: str) -> dict[str, Any]:
    """The audit's mark of that name."""
    text = (stack.cloud.service.spec.get("annotations") or {})[f"l402-harness/{name}"]
    return dict(json.loads(text))


def nothing_is_left(stack: EmbeddedStack) -> bool:
    """No lease and no tag of ours."""
    return lease(stack) is None and not [tag for tag in stack.cloud.service.served()[1] if tag.startswith("l402-g")]


def verdict_of(ran: Ran) -> tuple[str, str | None, str | None, str | None]:
    """Status, code, reason, stage."""
    summary = ran.summary
    return (
        summary["deploymentStatus"],
        summary["failureCode"],
        summary["failureReason"],
        summary["failureStage"],
    )


def test_candidate_is_checked_before_any_user_meets_it_and_then_confirmed(tmp_path: Path) -> None:
    """Steps 10 and 11 passed; one payment; the operator's service is still there; audit, no tag, no lease."""
    with embedded(is_cloud=True) as stack:
        ran = run_against(stack, tmp_path)
        summary = ran.summary
        assert ran.code == 0, ran.output
        assert "warning" not in ran.output.lower()
        assert ran.folder is not None
        page = (ran.folder / "report.html").read_text().partition("On the public URLs, after the traffic moved")[2]
        assert "proxy.reused" in page
        statuses = {step["name"]: step["status"] for step in summary["steps"]}
        assert (statuses["promote"], statuses["confirm"], statuses["rollback"]) == ("passed", "passed", "skipped")
        (serving,) = percents(stack)
        assert serving != FIRST
        assert len(stack.wallet.payments) == 1
        assert summary["servingConfigHash"] == summary["configHash"]
        assert summary["imageDigest"] == seed.IMAGE_DIGEST
        verified = mark(stack, "verified")
        assert (verified["revision"], verified["config_hash"]) == (serving, summary["configHash"])
        assert verified["request_id"] == summary["requestId"]
        assert seed.OPERATOR_SERVICE in stack.cloud.served_config
        assert nothing_is_left(stack)
        assert [row["status"] for row in stack.khala.deployments()] == ["applied"]
        assert stack.khala.deployments()[0]["imageDigest"] == seed.IMAGE_DIGEST
        record = stack.cloud.fleet.records[serving]
        probe = record.template["containers"][0]["startupProbe"]
        assert probe["tcpSocket"]["port"] == 8080
        assert probe["periodSeconds"] * probe["failureThreshold"] <= 60
        versions = [v["secret"]["items"][0]["version"] for v in record.template["volumes"] if v["name"] == "config"]
        assert versions == ["2"]


@pytest.mark.parametrize("rollout", ["candidate", "direct"])
def test_candidate_that_fails_moves_nothing(rollout: str, tmp_path: Path) -> None:
    """With ``candidate`` the former revision served throughout; with ``direct`` it serves again."""
    with embedded("challenge-amount", is_cloud=True) as stack:
        ran = run_against(stack, tmp_path, ROLLOUT=rollout)
        assert verdict_of(ran) == ("rolled_back", "challenge_check_failed", "amount_mismatch", "challenge")
        assert ran.code == 1
        assert percents(stack) == {FIRST: 100}
        assert (served_ever(stack) == {FIRST}) is (rollout == "candidate")
        assert nothing_is_left(stack)
        assert stack.wallet.payments == []
        failed = mark(stack, "failed")
        assert (failed["step"], failed["reason"]) == ("challenge", "amount_mismatch")
        stack.break_with()
        again = run_against(stack, tmp_path, ROLLOUT=rollout)
        assert again.code == 0, "a failed check may have been the node's fault: it is tried again"


def test_direct_deploy_skips_promote_and_confirm(tmp_path: Path) -> None:
    """The revision serves at once, and is checked where users ask."""
    with embedded(is_cloud=True) as stack:
        ran = run_against(stack, tmp_path, ROLLOUT="direct")
        assert ran.code == 0, ran.output
        statuses = {step["name"]: step["status"] for step in ran.summary["steps"]}
        assert (statuses["promote"], statuses["confirm"]) == ("skipped", "skipped")
        assert FIRST not in percents(stack)
        assert mark(stack, "verified")["config_hash"] == ran.summary["configHash"]
        assert nothing_is_left(stack)


def break_after_the_move(stack: EmbeddedStack, *faults: str) -> None:
    """Let the gateway go wrong as soon as the candidate has all the traffic."""
    former = stack.cloud.front_end.follow

    def follow(percents: dict[str, int], tags: dict[str, str]) -> None:
        former(percents, tags)
        if FIRST not in percents:
            stack.runner.faults = type(stack.runner.faults)(frozenset(faults))
        elif stack.runner.faults.names:
            stack.runner.faults = type(stack.runner.faults)(frozenset())

    stack.cloud.front_end.follow = follow  # type: ignore[method-assign]  # the moment that matters


@pytest.mark.parametrize(
    ("fault", "code", "reason"),
    [
        ("health-answers", "health_check_failed", "status_500"),
        ("challenge-amount", "challenge_check_failed", "amount_mismatch"),
        ("proxy-reused", "proxy_check_failed", "paid_credential_refused"),
        ("proxy-random-preimage", "proxy_check_failed", "unpaid_credential_accepted"),
    ],
)
def test_failure_after_the_move_brings_the_saved_tuple_back(fault: str, code: str, reason: str, tmp_path: Path) -> None:
    """Confirm has the check's own code; nothing is paid a second time."""
    with embedded(is_cloud=True) as stack:
        break_after_the_move(stack, fault)
        ran = run_against(stack, tmp_path)
        assert verdict_of(ran) == ("rolled_back", code, reason, "confirm"), ran.output
        assert percents(stack) == {FIRST: 100}
        assert len(stack.wallet.payments) == 1
        assert nothing_is_left(stack)
        assert ran.summary["rollbackVerified"] is True
        assert ran.folder is not None
        page = (ran.folder / "report.html").read_text().partition("After the rollback, by the restored config")[2]
        assert "challenge.amount" in page, "the saved tuple is verified with the same check ids"
        assert ran.verdict_failure is not None
        assert f"{code}: {reason}" in ran.verdict_failure
        events = [event["eventType"] for event in stack.khala.events()]
        assert events[-1] == "gateway_reconcile_rolled_back"


def with_database(kind: str) -> Callable[[str], str]:
    """The operator's config with that database."""
    return lambda upstream: seed.base_config(upstream, database=kind)


def test_sqlite_is_named_as_the_token_loss_that_it_is_and_refused_the_next_time(tmp_path: Path) -> None:
    """A rollout check that fails would fail again: the same config needs ``--force``."""
    with EmbeddedStack(is_cloud=True, base_config=with_database("sqlite")) as stack:
        ran = run_against(stack, tmp_path)
        assert verdict_of(ran) == ("rolled_back", "deploy_apply_failed", "ephemeral_database", "rollout")
        assert "token" in ran.summary["remedy"]
        before = calls(stack).count("UpdateService")
        again = run_against(stack, tmp_path)
        assert verdict_of(again) == ("failed", "deploy_apply_failed", "failed_before", "apply")
        assert "--force" in again.summary["remedy"]
        assert calls(stack).count("UpdateService") == before
        forced = run_against(stack, tmp_path, "--force")
        assert forced.summary["failureReason"] == "ephemeral_database"
        assert nothing_is_left(stack)


def test_config_above_what_a_secret_holds_is_refused_before_anything_is_changed(tmp_path: Path) -> None:
    """With the size, the limit, and how many routes fit."""
    with embedded(is_cloud=True) as stack:
        paywall = next(p for p in stack.khala._rows("paywalls") if p["paywallId"] == "pw_exact")
        for number in range(400):
            route = {**paywall["routes"][0], "routeId": f"r_{number}", "pathPattern": f"/many/{number}"}
            paywall["routes"].append(route)
        stack.khala.put_paywall(paywall)
        ran = run_against(stack, tmp_path, CHALLENGE_SCOPE="probe")
        assert verdict_of(ran) == ("failed", "deploy_apply_failed", "config_too_large", "apply")
        assert "65536" in ran.summary["remedy"]
        assert "routes fit" in ran.summary["remedy"]
        assert {kind for kind in calls(stack) if not kind.startswith(("Get", "Access"))} == set()


def test_secrets_of_the_operators_config_reach_no_output(tmp_path: Path) -> None:
    """Neither the base config nor a password in it, on success and on each kind of failure."""
    canaries = (seed.DATABASE_PASSWORD, "lnd.internal")
    for fault in (None, "challenge-amount", "cloud-deploy-500-after", "cloud-add-version-503", "cloud-deploy-garbage"):
        with embedded(*([fault] if fault else []), is_cloud=True) as stack:
            ran = run_against(stack, tmp_path, "-l", "-rA", "--log-cli-level=DEBUG", "--tb=long", "--full-trace")
            assert ran.folder is not None
            texts = [ran.output, *(path.read_text() for path in ran.folder.rglob("*") if path.is_file())]
            assert [canary for canary in canaries for text in texts if canary in text] == []


def test_local_stacks_deploy_to_cloud_run_unless_told_otherwise(tmp_path: Path) -> None:
    """``--deployer=ops-http`` is the other; beside a hosted run the option is refused."""
    ran = run_pytest(tmp_path, {}, "--stack=embedded")
    assert ran.code == 0, ran.output
    assert {step["name"]: step["status"] for step in ran.summary["steps"]}["promote"] == "passed"
    ran = run_pytest(tmp_path, {}, "--stack=embedded", "--deployer=ops-http")
    assert ran.code == 0, ran.output
    assert {step["name"]: step["status"] for step in ran.summary["steps"]}["promote"] == "skipped"
    with embedded() as stack:
        ran = run_against(stack, tmp_path, "--deployer=cloud-run")
        assert (ran.code, PREFIX + "GATEWAY_DEPLOYER" in ran.output) == (4, True)
