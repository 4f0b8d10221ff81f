"""What serves, held against the last run or the audit on the service, whichever is newer."""

from __future__ import annotations

import pytest

from reconcile.comparison import Sameness
from reconcile.inspection.looking import Served
from reconcile.inspection.recorded import against_record
from tests.reconcile.inspection.looks import HASH, OTHER_HASH, GivenLook, cloud, mark, run, sight
from tests.reconcile.inspection.test_differences import entry


def compared(given: GivenLook) -> tuple[Sameness, tuple[str, ...]]:
    """Verdict and lines."""
    found = against_record("record", given.look())
    return found.sameness, found.lines


def test_what_the_last_run_left_is_the_same() -> None:
    """Hash, deployment and image."""
    found = run(image_digest="sha256:1")
    assert compared(GivenLook(sight(digest="sha256:1"), last_run=found)) == (Sameness.SAME, ())


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (GivenLook(sight(OTHER_HASH), last_run=run()), f"~ config {HASH} -> {OTHER_HASH}"),
        (GivenLook(sight(None), last_run=run()), f"~ config {HASH} -> nothing"),
        (GivenLook(sight(deployment_id="dep_2"), last_run=run()), "~ deployment dep_1 -> dep_2"),
        (
            GivenLook(sight(digest="sha256:2"), last_run=run(image_digest="sha256:1")),
            "~ image sha256:1 -> sha256:2",
        ),
        (GivenLook(sight(cloud=cloud(mark(), "s-g3")), last_run=run()), "~ revision s-g2 -> s-g3"),
        (GivenLook(sight(cloud=cloud(mark(), "s-g2", "s-g3"))), "~ revision s-g2 -> s-g2, s-g3"),
        (GivenLook(sight(OTHER_HASH, cloud=cloud(mark(), "s-g2"))), f"~ config {HASH} -> {OTHER_HASH}"),
    ],
)
def test_whatever_was_changed_since_is_a_line(given: GivenLook, line: str) -> None:
    """Somebody deployed, moved the traffic, split it, or took the service down."""
    assert compared(given) == (Sameness.DIFFERENT, (line,))


def test_run_that_was_rolled_back_tells_the_config_that_it_left_and_no_more() -> None:
    """Its own deployment and image do not serve, and need not."""
    left = run(is_applied=False, deployment_id="dep_failed", image_digest="sha256:9")
    assert compared(GivenLook(sight(digest="sha256:1"), last_run=left)) == (Sameness.SAME, ())
    assert compared(GivenLook(sight(OTHER_HASH), last_run=left))[0] is Sameness.DIFFERENT


def test_newer_of_run_and_audit_counts() -> None:
    """A run from another machine leaves its mark on the service alone."""
    elsewhere = cloud(mark(OTHER_HASH, at_ms=901), "s-g2")
    assert compared(GivenLook(sight(OTHER_HASH, cloud=elsewhere), last_run=run())) == (Sameness.SAME, ())
    before = cloud(mark(OTHER_HASH, at_ms=899), "s-g2")
    assert compared(GivenLook(sight(OTHER_HASH, cloud=before), last_run=run()))[0] is Sameness.DIFFERENT


def test_prices_that_changed_behind_the_same_hash_are_shown() -> None:
    """Where the services of the record are kept and those that serve can be read, the hash is not taken on trust."""
    given = GivenLook(sight(), served=Served((entry("a", 1),), "the mounted config"), last_run=run())
    given.recorded = {HASH: (entry("a", 9),)}
    assert compared(given) == (Sameness.DIFFERENT, ("~ a: price 9 sat -> 1 sat",))


def test_run_that_did_not_learn_what_it_left_decides_nothing() -> None:
    """Absent is no sameness."""
    assert compared(GivenLook(sight(), last_run=run(None, is_applied=False)))[0] is Sameness.UNKNOWN


def test_without_a_record_there_is_nothing_to_compare_with() -> None:
    """The first run is still to come, or its folder is gone with its machine."""
    assert compared(GivenLook(sight()))[0] is Sameness.NOTHING
    assert compared(GivenLook(sight(cloud=cloud(None, "s-1"))))[0] is Sameness.NOTHING
