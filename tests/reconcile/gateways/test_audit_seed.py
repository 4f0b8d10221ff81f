"""The embedded cloud's seed and the audit name the same things: neither may be renamed alone.

The seed knows nothing of ``reconcile.gateways`` (import contracts), so that its names are written down twice.
"""

from __future__ import annotations

import json

from fixtures.embedded import seed as stack_seed
from fixtures.embedded.cloud import seed
from fixtures.embedded.cloud_stack import DEPLOYMENT_ID, marked
from reconcile.compile.deployed_file import operators_part, read_mark
from reconcile.gateways import audit

CONFIG_HASH = "cfg_" + "0" * 64


def test_seeded_verified_annotation_is_the_mark_that_a_run_writes() -> None:
    """Read under the audit's own key, every field where the audit looks for it, and nothing beside."""
    annotations = seed.verified(CONFIG_HASH)["service_annotations"]
    mark = audit.read_mark(annotations, audit.VERIFIED)
    assert mark == audit.Mark(seed.FIRST_REVISION, DEPLOYMENT_ID, CONFIG_HASH, "seed", seed.VERIFIED_AT_MS)
    assert {key: json.loads(text) for key, text in annotations.items()} == {
        audit.VERIFIED: json.loads(audit.write_note(mark))
    }


def test_seeded_revision_is_annotated_as_one_of_a_runs() -> None:
    """``identity_of`` knows it for ours, by the same four annotations."""
    annotations = seed.verified(CONFIG_HASH)["annotations"]
    identity = audit.identity_of(annotations, seed.FIRST_REVISION)
    assert identity == audit.Identity("seed", DEPLOYMENT_ID, CONFIG_HASH, seed.FIRST_REVISION)
    assert identity.annotations() == annotations


def test_seeded_files_first_line_is_the_mark_that_a_run_writes() -> None:
    """By it the compiled services are taken out of the file again."""
    services, config_hash = stack_seed.former_config("127.0.0.1:9")
    operators = seed.base_config("127.0.0.1:9")
    text = marked(seed.with_services(operators, services), services, config_hash)
    mark = read_mark(text)
    assert mark is not None
    assert (mark.deployment_id, mark.config_hash, mark.compiled) == (DEPLOYMENT_ID, config_hash, 1)
    assert text.startswith(mark.line())
    assert operators_part(text) == operators
