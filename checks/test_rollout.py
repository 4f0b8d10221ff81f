"""Step 6: what serves is what was applied, and on Cloud Run that it is made as it must be. (RECONCILE.md §3)

The checks behind the first are asked on Cloud Run alone: the ops API shows none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from checks.requirement import require
from reconcile.findings import CheckId
from reconcile.verify import verify

if TYPE_CHECKING:
    from reconcile.verify import RolloutEvidence

pytestmark = pytest.mark.staging


@pytest.mark.check(CheckId.ROLLOUT_SERVING)
def test_serving(rollout_evidence: RolloutEvidence) -> None:
    """What serves is what was applied: our deploymentId, our configHash, and not what the former config charges."""
    require(verify(CheckId.ROLLOUT_SERVING, rollout_evidence))


@pytest.mark.check(CheckId.ROLLOUT_IMAGE_PINNED)
def test_image_pinned(rollout_evidence: RolloutEvidence) -> None:
    """The revision runs the image that was asked for, by its digest."""
    require(verify(CheckId.ROLLOUT_IMAGE_PINNED, rollout_evidence))


@pytest.mark.check(CheckId.ROLLOUT_CONFIG_PINNED)
def test_config_pinned(rollout_evidence: RolloutEvidence) -> None:
    """The revision mounts the config secret's version by its number, the one that was written for it."""
    require(verify(CheckId.ROLLOUT_CONFIG_PINNED, rollout_evidence))


@pytest.mark.check(CheckId.ROLLOUT_CREDENTIALS)
def test_credentials(rollout_evidence: RolloutEvidence) -> None:
    """LND's credentials come from Secret Manager by reference; none stands as a plain value."""
    require(verify(CheckId.ROLLOUT_CREDENTIALS, rollout_evidence))


@pytest.mark.check(CheckId.ROLLOUT_LOG_LEVEL)
def test_log_level(rollout_evidence: RolloutEvidence) -> None:
    """No debuglevel of debug or trace: Aperture would log credentials."""
    require(verify(CheckId.ROLLOUT_LOG_LEVEL, rollout_evidence))


@pytest.mark.check(CheckId.ROLLOUT_REPLAY)
def test_replay(rollout_evidence: RolloutEvidence) -> None:
    """No enablempp: v0.5.0 accepts one payment any number of times with it."""
    require(verify(CheckId.ROLLOUT_REPLAY, rollout_evidence))


@pytest.mark.check(CheckId.ROLLOUT_DATABASE)
def test_database(rollout_evidence: RolloutEvidence) -> None:
    """Tokens outlive the container: on Cloud Run a sqlite file, and every paid token with it, is lost with each one."""
    require(verify(CheckId.ROLLOUT_DATABASE, rollout_evidence))


@pytest.mark.check(CheckId.ROLLOUT_TAGS)
def test_tags(rollout_evidence: RolloutEvidence) -> None:
    """No tag of a former run is left."""
    require(verify(CheckId.ROLLOUT_TAGS, rollout_evidence))


@pytest.mark.check(CheckId.ROLLOUT_HEALTH_PATH)
def test_health_path(rollout_evidence: RolloutEvidence) -> None:
    """The health path reaches the container; one that Google's front end answers itself is named, with those that do."""
    require(verify(CheckId.ROLLOUT_HEALTH_PATH, rollout_evidence))
