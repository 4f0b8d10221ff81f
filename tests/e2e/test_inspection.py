"""``python -m reconcile plan``, ``drift`` and ``status``: what they find, what they end with, and that they touch nothing."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from fixtures.embedded.ops import Deployed
from tests.e2e.harness import PREFIX, clean_environment, embedded, run_against, run_command
from tests.e2e.inspecting import (
    canaries,
    change_mounted_config,
    change_paywall,
    deployed,
    inspect,
    look_for_drift,
    state_of,
)

pytestmark = pytest.mark.e2e
both = pytest.mark.parametrize("is_cloud", [True, False], ids=["cloud-run", "ops-http"])


def ask_more(paywall: dict[str, Any]) -> None:
    """12 sat."""
    paywall["policy"]["fixedAmountMsats"] = 12_000


def add_route(paywall: dict[str, Any]) -> None:
    """One more route, of the same price."""
    paywall["routes"].append({**paywall["routes"][0], "routeId": "r_new", "pathPattern": "/new/*"})


def archive(paywall: dict[str, Any]) -> None:
    """The paywall is gone."""
    paywall["status"] = "archived"


def suspend(paywall: dict[str, Any]) -> None:
    """Its kill switch."""
    paywall["policy"]["killSwitch"] = True


@both
def test_nothing_would_change_and_nothing_drifted_after_a_run(is_cloud: bool, tmp_path: Path) -> None:
    """0 from both, and the record that they are held against is the run's own."""
    with embedded(is_cloud=is_cloud) as stack:
        run = deployed(stack, tmp_path)
        plan, drift = inspect(stack, tmp_path, "plan"), inspect(stack, tmp_path, "drift")
        assert (plan.code, drift.code) == (0, 0), plan.output + drift.output
        assert "no change" in plan.stdout
        assert f"record     same: {run.summary['requestId']} applied" in drift.stdout
        assert "result     no drift" in drift.stdout


@both
@pytest.mark.parametrize(
    ("paywall", "change", "lines"),
    [
        ("pw_exact", ask_more, ["  ~ pw_exact/r_exact: price 25 sat -> 12 sat"]),
        ("pw_exact", add_route, ["  + pw_exact/r_new: 25 sat, * /new/* -> "]),
        ("pw_exact", archive, ["  - pw_exact/r_exact: 25 sat, * /premium -> "]),
        ("pw_exact", suspend, ["  - pw_exact/r_exact: 25 sat", "pw_exact contributes no route: its kill switch is on"]),
    ],
)
def test_plan_shows_what_a_run_would_change(
    paywall: str, change: Any, lines: list[str], is_cloud: bool, tmp_path: Path
) -> None:
    """10, price by price: on Cloud Run by the config that is mounted, else by what the last run kept in its folder."""
    with embedded(is_cloud=is_cloud) as stack:
        deployed(stack, tmp_path)
        change_paywall(stack, paywall, change)
        ran = inspect(stack, tmp_path, "plan")
        assert ran.code == 10, ran.output
        assert [line for line in lines if line not in ran.stdout] == [], ran.stdout
        assert "unchanged; by " + ("the mounted config" if is_cloud else "reconcile_") in ran.stdout


def test_plan_shows_the_diagnostics_that_would_stop_a_run(tmp_path: Path) -> None:
    """All of them; what would change cannot be told then."""
    with embedded("paywall-without-price") as stack:
        ran = inspect(stack, tmp_path, "plan")
        assert ran.code == 1, ran.output
        assert "error      missing_pricing: paywall pw_staging" in ran.stdout
        assert "warn       paywall_suspended" in ran.stdout
        assert "compile_validation_failed" in ran.stdout


def test_prices_that_nobody_keeps_are_said_to_be_unknown(tmp_path: Path) -> None:
    """An ops API tells a hash: whether it changes is known, from which prices is not."""
    with embedded() as stack:
        ran = inspect(stack, tmp_path, "plan")
        assert ran.code == 10, ran.output
        assert "prices are not known" in ran.stdout
        assert "  ? pw_staging/r_staging: 10 sat, * /staging -> " in ran.stdout


def test_plan_tells_what_a_run_would_be_refused_for(tmp_path: Path) -> None:
    """The config failed before: the run's own word, beside the difference."""
    with embedded("cloud-revision-fails", is_cloud=True) as stack:
        assert run_against(stack, tmp_path).code == 1
        ran = inspect(stack, tmp_path, "plan")
        assert ran.code == 10, ran.output
        assert "refused    failed_before: " in ran.stdout
        assert "--force" in ran.stdout


@both
def test_config_that_khala_has_left_behind_is_drift(is_cloud: bool, tmp_path: Path) -> None:
    """By its config, and by the route that still asks the former price; the record is the same."""
    with embedded(is_cloud=is_cloud) as stack:
        deployed(stack, tmp_path)
        change_paywall(stack, "pw_exact", ask_more)
        ran = inspect(stack, tmp_path, "drift")
        assert ran.code == 10, ran.output
        assert "Khala      different: 0 added, 0 removed, 1 changed, 6 unchanged" in ran.stdout
        assert "record     same" in ran.stdout
        assert "~ pw_exact/r_exact: asks 25000 msat; Khala says 12 sat, its config says 25 sat" in ran.stdout


@both
def test_gateway_that_does_not_do_what_its_config_says_is_drift(is_cloud: bool, tmp_path: Path) -> None:
    """By behaviour alone: both configs are the same, and every route asks another price."""
    with embedded(is_cloud=is_cloud) as stack:
        deployed(stack, tmp_path)
        stack.break_with("challenge-amount")
        ran = inspect(stack, tmp_path, "drift")
        assert ran.code == 10, ran.output
        assert "Khala      same" in ran.stdout
        assert "record     same" in ran.stdout
        assert "asks 11000 msat; Khala says 10 sat, its config says 10 sat, the last record says 10 sat" in ran.stdout


def test_suspended_route_that_still_mints_is_drift(tmp_path: Path) -> None:
    """The checks of a run are asked, not the price alone."""
    with embedded() as stack:
        deployed(stack, tmp_path)
        stack.break_with("challenge-suspended")
        ran = inspect(stack, tmp_path, "drift")
        assert ran.code == 10, ran.output
        assert "challenge.suspended: failed, reason suspended_route_mints" in ran.stdout


def test_deployment_of_somebody_else_is_drift_from_the_record(tmp_path: Path) -> None:
    """The same config under another deployment: Khala is content, the record is not."""
    with embedded() as stack:
        run = deployed(stack, tmp_path)
        served = stack.ops.active
        assert served is not None
        asyncio.run(stack.ops.serve("other", Deployed("dep_other", served.config_hash, served.aperture_yaml)))
        ran = inspect(stack, tmp_path, "drift")
        assert ran.code == 10, ran.output
        assert "Khala      same" in ran.stdout
        assert f"~ deployment {run.summary['deploymentId']} -> dep_other" in ran.stdout


def test_config_that_was_edited_behind_its_hash_is_drift(tmp_path: Path) -> None:
    """The hash is still Khala's, the services are not; a header's value is not shown."""
    with embedded(is_cloud=True) as stack:
        deployed(stack, tmp_path)
        change_mounted_config(stack, lambda service: service.update(price=1, headers={"Authorization": "upstream-key"}))
        ran = inspect(stack, tmp_path, "drift")
        assert ran.code == 10, ran.output
        assert ran.stdout.count("price 6 sat -> 1 sat; headers differs (not shown)") == 1
        assert ran.stdout.count("price 1 sat -> 6 sat; headers differs (not shown)") == 1
        assert "upstream-key" not in ran.output


@both
def test_nothing_is_touched_and_no_secret_is_shown(is_cloud: bool, tmp_path: Path) -> None:
    """Whatever is looked at: no row, no deploy, no version, no lease, no payment, no file; invoices are minted by drift."""
    with embedded(is_cloud=is_cloud) as stack:
        deployed(stack, tmp_path)
        secret = stack.khala_secret  # pasted into a route by mistake: a plan would show it
        change_paywall(stack, "pw_exact", lambda paywall: paywall["routes"][0].update(pathPattern=f"/premium/{secret}"))
        before, output = state_of(stack, tmp_path), ""
        for look in ("plan", "status"):
            minted = stack.node.minted
            output += inspect(stack, tmp_path, look).output
            assert stack.node.minted == minted
        output += inspect(stack, tmp_path, "drift").output
        assert f"{stack.node.minted - minted} invoices minted, nothing paid" in output
        output += look_for_drift(stack, tmp_path, "-rA", "-l", "--log-cli-level=DEBUG").output
        assert state_of(stack, tmp_path) == before
        assert "path /premium -> /premium/[redacted]" in output
        assert [word for word in canaries(stack) if word in output] == []


def test_status_is_ten_lines_on_cloud_run(tmp_path: Path) -> None:
    """Gateway, deployer, revision, config, image, traffic, verified, failed, lease, records."""
    with embedded(is_cloud=True) as stack:
        run = deployed(stack, tmp_path)
        stack.break_with("challenge-amount")
        failed = run_against(stack, tmp_path)
        assert failed.code == 1
        ran = inspect(stack, tmp_path, "status")
        assert ran.code == 0, ran.output
        told = {line.split()[0]: line.split(maxsplit=1)[1] for line in ran.stdout.splitlines()}
        words = "gateway deployer serving config image traffic verified failed lease records"
        assert list(told) == words.split()
        assert told["serving"] == f"revision l402-aperture-g2, {run.summary['deploymentId']}"
        assert told["config"] == f"{run.summary['configHash']}, version 2 of the secret"
        assert told["traffic"] == "l402-aperture-g2 100 %"
        assert told["failed"].endswith("at challenge: amount_mismatch")
        assert told["lease"] == "held by nobody"
        assert told["records"].startswith(f"{failed.summary['requestId']} failed ")


def test_status_of_an_ops_api_gateway_tells_what_there_is(tmp_path: Path) -> None:
    """Six lines, and the records that wait."""
    with embedded("khala-down-after-intent") as stack:
        assert run_against(stack, tmp_path).code == 75
        ran = inspect(stack, tmp_path, "status")
        assert ran.code == 0, ran.output
        lines = ran.stdout.splitlines()
        assert [line.split()[0] for line in lines] == ["gateway", "deployer", "serving", "config", "image", "records"]
        assert lines[-1].endswith("5 records wait in 1 outboxes")


@pytest.mark.parametrize(
    ("fault", "look", "reason"),
    [
        ("khala-read-forbidden", "plan", "control_plane_forbidden"),
        ("khala-read-forbidden", "drift", "control_plane_forbidden"),
        ("snapshot-401", "plan", "unauthorized"),
        ("snapshot-401", "drift", "unauthorized"),
        ("snapshot-401", "status", "unauthorized"),
    ],
)
def test_what_does_not_answer_is_named_and_no_verdict(fault: str, look: str, reason: str, tmp_path: Path) -> None:
    """1, never 0 and never a difference."""
    with embedded() as stack:
        deployed(stack, tmp_path)
        stack.ops.calls.clear()
        stack.break_with(fault)
        ran = inspect(stack, tmp_path, look)
        assert ran.code == 1, ran.output
        assert f"not found out: {reason}: " in ran.stdout
        assert stack.khala_secret not in ran.output


@pytest.mark.parametrize(
    ("look", "env", "named"),
    [
        ("plan", {"SECRET": ""}, "SECRET"),
        ("status", {"GATEWAY_BASE_URL": "nonsense"}, "GATEWAY_BASE_URL"),
        ("plan", {"MAX_INVOICES": "3"}, "MAX_INVOICES"),
        ("drift", {"MAX_INVOICES": "3"}, "MAX_INVOICES"),
        ("drift", {"PROXY_URL": None}, "PROXY_URL"),
    ],
)
def test_setting_that_is_wrong_is_one_line_and_exit_4(
    look: str, env: dict[str, str | None], named: str, tmp_path: Path
) -> None:
    """As in a run; no invoice is minted."""
    with embedded() as stack:
        full = {name: f"{stack.gateway_url}/nowhere" if value is None else value for name, value in env.items()}
        ran = inspect(stack, tmp_path, look, **full)
        assert ran.code == 4, ran.output
        assert ran.stdout.startswith(f"error: {PREFIX}{named}: ")
        assert len(ran.stdout.splitlines()) == 1
        assert stack.node.minted == 0


def test_drift_asks_the_routes_in_scope_and_no_more(tmp_path: Path) -> None:
    """CHALLENGE_SCOPE counts: the probe route twice, and what it must be told apart from."""
    with embedded() as stack:
        deployed(stack, tmp_path)
        minted = stack.node.minted
        ran = inspect(stack, tmp_path, "drift", CHALLENGE_SCOPE="probe")
        assert ran.code == 0, ran.output
        assert "1 routes asked" in ran.stdout
        assert stack.node.minted == minted + 2


def test_help_names_every_command_and_exit_code(tmp_path: Path) -> None:
    """What a person reads first; no setting is needed for it."""
    ran = run_command([sys.executable, "-m", "reconcile", "--help"], tmp_path, clean_environment())
    assert ran.code == 0
    assert [word for word in ("plan", "drift", "status", "deliver", "recover", " 10 ") if word not in ran.stdout] == []
