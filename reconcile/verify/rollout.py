"""Step 6: what serves is what was applied, and on Cloud Run that it is made as it must be (CLOUD_RUN.md, APERTURE.md)."""

from __future__ import annotations

import re
from collections.abc import Callable

from reconcile.models import CheckId, Finding, Problem
from reconcile.probe import RolloutEvidence
from reconcile.service_tuple import RevisionFacts
from reconcile.verify.health import GOOGLE_REMEDY
from reconcile.verify.interface import single, undecided

_PINNED = re.compile(r".+@sha256:[0-9a-f]{64}")
_LOUD = ("debug", "trace")
KEPT_DATABASES = ("postgres", "etcd")


def serving(evidence: RolloutEvidence) -> Finding:
    """The gateway names our deploymentId and our configHash; it does not charge what the former config did."""
    check, expected = CheckId.ROLLOUT_SERVING, f"{evidence.expected_deployment_id} with {evidence.expected_config_hash}"
    active = evidence.active
    if active is None:
        reason = evidence.error or "no_deployment"
        return single(check, Problem("active deployment", reason, reason, expected))
    got = f"{active.deployment_id} with {active.config_hash}"
    remedy = "find out what keeps the gateway on another deployment, and who else deploys to it"
    if active.deployment_id != evidence.expected_deployment_id or active.config_hash != evidence.expected_config_hash:
        is_ours = active.deployment_id == evidence.expected_deployment_id
        reason = "config_hash_mismatch" if is_ours else "not_serving"
        return single(check, Problem("active deployment", reason, got, expected), remedy=remedy)
    problem = _from_outside(evidence) if evidence.facts is not None else None
    return single(check, problem, detail=got, remedy=remedy if problem else None)


def _from_outside(evidence: RolloutEvidence) -> Problem | None:
    """The share of the traffic, and the price that only the former config asks."""
    facts = evidence.facts
    assert facts is not None
    if evidence.is_candidate and (facts.percent or facts.uri is None):
        return Problem(facts.revision, "candidate_serves", f"{facts.percent} % of the traffic", "0 %, and a tag's URL")
    if not evidence.is_candidate and facts.percent != 100:
        return Problem(facts.revision, "not_serving", f"{facts.percent} % of the traffic", "100 %")
    is_former = evidence.charged_sat is not None and evidence.charged_sat == facts.former_charge
    if is_former and evidence.charged_sat != evidence.expected_sat:
        got = f"the former config's {evidence.charged_sat} sat"
        return Problem("challenge URL", "not_serving", got, f"{evidence.expected_sat} sat")
    return None


def _of_revision(
    check: CheckId, judge: Callable[[RevisionFacts], Problem | None], remedy: str
) -> Callable[..., Finding]:
    """A verifier over what the API shows of the revision."""

    def verifier(evidence: RolloutEvidence) -> Finding:
        if evidence.facts is None:
            return undecided(check, evidence.error or "nothing_measured")
        problem = judge(evidence.facts)
        return single(check, problem, detail=evidence.facts.revision, remedy=remedy if problem else None)

    return verifier


def _image(facts: RevisionFacts) -> Problem | None:
    if _PINNED.fullmatch(facts.image) and facts.image == facts.expected_image:
        return None
    return Problem(facts.revision, "image_not_pinned", facts.image, facts.expected_image)


def _config(facts: RevisionFacts) -> Problem | None:
    if facts.config_version.isdigit() and facts.config_version == facts.expected_config_version:
        return None
    return Problem(
        facts.revision, "config_not_pinned", facts.config_version or "none", f"version {facts.expected_config_version}"
    )


def _credentials(facts: RevisionFacts) -> Problem | None:
    if facts.plain_credentials:
        return Problem(facts.revision, "plain_credential", ", ".join(facts.plain_credentials), "a secret's version")
    if facts.unmounted_credentials:
        got = f"no secret at {', '.join(facts.unmounted_credentials)}"
        return Problem(facts.revision, "credential_not_from_secret", got, "a mounted secret")
    return None


def _log_level(facts: RevisionFacts) -> Problem | None:
    levels = [part.rsplit("=", 1)[-1].strip() for part in facts.debug_level.split(",")]
    return Problem(facts.revision, "debug_level", facts.debug_level, "info") if set(levels) & set(_LOUD) else None


def _replay(facts: RevisionFacts) -> Problem | None:
    return Problem(facts.revision, "mpp_enabled", "enablempp", "off") if facts.is_mpp_enabled else None


def _database(facts: RevisionFacts) -> Problem | None:
    if facts.database in KEPT_DATABASES:
        return None
    return Problem(facts.revision, "ephemeral_database", facts.database, " or ".join(KEPT_DATABASES))


def _tags(facts: RevisionFacts) -> Problem | None:
    if not facts.leftover_tags:
        return None
    return Problem("service", "leftover_tags", ", ".join(facts.leftover_tags), "no tag of a former run")


def health_path(evidence: RolloutEvidence) -> Finding:
    """The health path reaches the container; Google's front end answering for it is a warning, and no failure."""
    check = CheckId.ROLLOUT_HEALTH_PATH
    if evidence.facts is None:
        return undecided(check, evidence.error or "nothing_measured")
    path = evidence.facts.health_path.partition("?")[0]
    is_googles = path == "/healthz" or path.startswith("/_ah/")
    return single(
        check,
        None,
        detail=f"{path} {'does not reach' if is_googles else 'reaches'} the container",
        remedy=GOOGLE_REMEDY if is_googles else None,
    )


VERIFIERS = {
    CheckId.ROLLOUT_SERVING: serving,
    CheckId.ROLLOUT_IMAGE_PINNED: _of_revision(
        CheckId.ROLLOUT_IMAGE_PINNED, _image, "deploy an image by its digest, and find out who changed it"
    ),
    CheckId.ROLLOUT_CONFIG_PINNED: _of_revision(
        CheckId.ROLLOUT_CONFIG_PINNED, _config, "mount the config secret by a version's number, never latest"
    ),
    CheckId.ROLLOUT_CREDENTIALS: _of_revision(
        CheckId.ROLLOUT_CREDENTIALS,
        _credentials,
        "keep LND's certificate and macaroon in Secret Manager and mount them; change those that stood in plain sight",
    ),
    CheckId.ROLLOUT_LOG_LEVEL: _of_revision(
        CheckId.ROLLOUT_LOG_LEVEL, _log_level, "take debuglevel debug and trace away: they log credentials"
    ),
    CheckId.ROLLOUT_REPLAY: _of_revision(
        CheckId.ROLLOUT_REPLAY, _replay, "take enablempp away: v0.5.0 accepts one payment any number of times"
    ),
    CheckId.ROLLOUT_DATABASE: _of_revision(
        CheckId.ROLLOUT_DATABASE,
        _database,
        "use postgres: a file in a container is lost with it, and with it every token that people paid for",
    ),
    CheckId.ROLLOUT_TAGS: _of_revision(
        CheckId.ROLLOUT_TAGS, _tags, "take the tags away, or run python -m reconcile recover"
    ),
    CheckId.ROLLOUT_HEALTH_PATH: health_path,
}
