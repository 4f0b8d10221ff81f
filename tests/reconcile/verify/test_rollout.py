"""What Cloud Run's API shows of the new revision: each thing that is wrong is named, and nothing unknown passes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconcile.models import CheckId, Deployer, Deployment, Outcome, Step, expected_checks
from reconcile.probe import RolloutEvidence
from reconcile.service_tuple import RevisionFacts
from reconcile.verify import verify
from tests.reconcile.verify.evidence import PASSED, verdict

IMAGE = "eu.example/aperture@sha256:" + "a" * 64
FACTS = RevisionFacts(
    revision="svc-g2",
    deployment_id="dep_1",
    config_hash="cfg_1",
    image=IMAGE,
    expected_image=IMAGE,
    config_version="7",
    expected_config_version="7",
    plain_credentials=(),
    unmounted_credentials=(),
    debug_level="info",
    is_mpp_enabled=False,
    database="postgres",
    leftover_tags=(),
    uri="https://l402-g2---svc.a.run.app",
    percent=0,
    health_path="/healthz/",
    former_charge=9,
)
OURS = Deployment(deployment_id="dep_1", config_hash="cfg_1")


def rollout(**facts: Any) -> RolloutEvidence:
    """A candidate that is right unless changed."""
    return RolloutEvidence(
        "dep_1", "cfg_1", OURS, facts=replace(FACTS, **facts), is_candidate=True, charged_sat=10, expected_sat=10
    )


@pytest.mark.parametrize(
    ("check", "facts", "reason"),
    [
        (CheckId.ROLLOUT_IMAGE_PINNED, {"image": "eu.example/aperture:latest"}, "image_not_pinned"),
        (CheckId.ROLLOUT_IMAGE_PINNED, {"image": IMAGE.replace("a" * 64, "b" * 64)}, "image_not_pinned"),
        (CheckId.ROLLOUT_CONFIG_PINNED, {"config_version": "latest"}, "config_not_pinned"),
        (CheckId.ROLLOUT_CONFIG_PINNED, {"config_version": "6"}, "config_not_pinned"),
        (CheckId.ROLLOUT_CONFIG_PINNED, {"config_version": ""}, "config_not_pinned"),
        (CheckId.ROLLOUT_CREDENTIALS, {"plain_credentials": ("env LND_MACAROON",)}, "plain_credential"),
        (CheckId.ROLLOUT_CREDENTIALS, {"unmounted_credentials": ("/lnd/tls.cert",)}, "credential_not_from_secret"),
        (CheckId.ROLLOUT_LOG_LEVEL, {"debug_level": "debug"}, "debug_level"),
        (CheckId.ROLLOUT_LOG_LEVEL, {"debug_level": "info,lsat=trace"}, "debug_level"),
        (CheckId.ROLLOUT_REPLAY, {"is_mpp_enabled": True}, "mpp_enabled"),
        (CheckId.ROLLOUT_DATABASE, {"database": "sqlite"}, "ephemeral_database"),
        (CheckId.ROLLOUT_DATABASE, {"database": ""}, "ephemeral_database"),
        (CheckId.ROLLOUT_TAGS, {"leftover_tags": ("l402-g1",)}, "leftover_tags"),
        (CheckId.ROLLOUT_SERVING, {"percent": 5}, "candidate_serves"),
        (CheckId.ROLLOUT_SERVING, {"uri": None}, "candidate_serves"),
    ],
)
def test_what_is_wrong_is_named(check: CheckId, facts: dict[str, Any], reason: str) -> None:
    """Each check fails for its own thing, with a remedy; the others pass."""
    evidence = rollout(**facts)
    assert verdict(check, evidence) == (Outcome.FAILED, reason)
    assert verify(check, evidence).remedy
    others = [other for other in expected_checks(Deployer.CLOUD_RUN) if other.step is Step.ROLLOUT and other != check]
    assert {verdict(other, evidence) for other in others} == {PASSED}


@pytest.mark.parametrize("check", [check for check in CheckId if check.step is Step.ROLLOUT][1:])
def test_what_the_api_did_not_show_is_no_pass(check: CheckId) -> None:
    """Not measured is a third verdict."""
    evidence = RolloutEvidence("dep_1", "cfg_1", None, "status_503")
    assert verdict(check, evidence) == (Outcome.INCONCLUSIVE, "status_503")


def test_price_of_the_former_config_is_not_serving() -> None:
    """From outside, what it charges tells whose answer it is; any other price is the challenge checks' to judge."""
    former = replace(rollout(), charged_sat=9)
    assert verdict(CheckId.ROLLOUT_SERVING, former) == (Outcome.FAILED, "not_serving")
    for charged in (None, 11):
        assert verdict(CheckId.ROLLOUT_SERVING, replace(rollout(), charged_sat=charged)) == PASSED
    same = replace(rollout(former_charge=10), charged_sat=10)
    assert verdict(CheckId.ROLLOUT_SERVING, same) == PASSED


def test_direct_deploy_has_all_of_the_traffic() -> None:
    """A pin that keeps it from serving is a failure."""
    direct = replace(rollout(percent=100, uri=None), is_candidate=False)
    assert verdict(CheckId.ROLLOUT_SERVING, direct) == PASSED
    assert verdict(CheckId.ROLLOUT_SERVING, replace(rollout(), is_candidate=False)) == (Outcome.FAILED, "not_serving")


@pytest.mark.parametrize("path", ["/healthz", "/_ah/warmup"])
def test_path_that_google_answers_is_a_warning_that_names_others(path: str) -> None:
    """The challenge URL decides (RECONCILE.md §3)."""
    finding = verify(CheckId.ROLLOUT_HEALTH_PATH, rollout(health_path=path))
    assert finding.outcome is Outcome.PASSED
    assert "/readyz" in (finding.remedy or "")
    assert verify(CheckId.ROLLOUT_HEALTH_PATH, rollout(health_path="/readyz")).remedy is None


def test_ops_gateways_are_asked_for_what_they_can_show() -> None:
    """The plan fixes the expected checks: those of Cloud Run's API are expected on Cloud Run alone."""
    of_ops = expected_checks(Deployer.OPS_HTTP)
    assert [check for check in of_ops if check.step is Step.ROLLOUT] == [CheckId.ROLLOUT_SERVING]
    assert set(expected_checks(Deployer.CLOUD_RUN)) == set(CheckId)
    assert {check for check in CheckId if check.step is not Step.ROLLOUT} < set(of_ops)
