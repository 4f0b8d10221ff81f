"""The audit's marks and the lease: what is written is read back, what somebody else wrote is no mark."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.gateways.audit import (
    FAILED,
    LEASE,
    VERIFIED,
    Identity,
    Lease,
    Mark,
    identity_of,
    read_lease,
    read_mark,
    write_note,
)
from reconcile.gateways.cloud_names import is_our_tag, is_reserved, revision_name, short, tag_name

MARK = Mark("svc-g2", "dep_1", "cfg_1", "reconcile:1", 5, "rollout", "ephemeral_database")


def test_marks_and_lease_are_read_as_they_were_written() -> None:
    """Verified ones have no step."""
    for mark in (MARK, replace(MARK, step=None, reason=None)):
        assert read_mark({VERIFIED: write_note(mark)}, VERIFIED) == mark
    lease = Lease("dep_1", "reconcile:1", 9)
    assert read_lease({LEASE: write_note(lease)}) == lease
    assert read_mark({}, FAILED) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"revision":1}', '{"x":"y"}'])
def test_what_is_no_note_is_none(text: str) -> None:
    """An annotation that somebody else wrote is not trusted."""
    assert read_mark({FAILED: text}, FAILED) is None
    assert read_lease({LEASE: text}) is None


def test_note_with_odd_types_is_none() -> None:
    """Times are whole numbers, the rest is text."""
    assert read_lease({LEASE: '{"deployment_id":"a","request_id":"b","expires_at_ms":"9"}'}) is None
    assert read_lease({LEASE: '{"deployment_id":"a","request_id":1,"expires_at_ms":9}'}) is None


def test_revision_is_ours_only_under_its_own_name() -> None:
    """One that an operator derives from ours copies the annotations."""
    identity = Identity("reconcile:1", "dep_1", "cfg_1", "svc-g2")
    assert identity_of(identity.annotations(), "svc-g2") == identity
    assert identity_of(identity.annotations(), "svc-00003-abc") is None
    assert identity_of({}, "svc-g2") is None
    assert not any(is_reserved(key) for key in identity.annotations())


def test_lease_holds_others_off_until_it_expires() -> None:
    """Its own run may take it again."""
    lease = Lease("dep_1", "r", 100)
    assert lease.holds_off("dep_2", 99)
    assert not lease.holds_off("dep_2", 100)
    assert not lease.holds_off("dep_1", 99)


@pytest.mark.parametrize(
    ("step", "reason", "is_lasting"),
    [
        ("apply", "revision_not_ready", True),
        ("apply", "status_503", False),
        ("apply", "timeout", False),
        ("rollout", "ephemeral_database", True),
        ("rollout", "interrupted", False),
        ("challenge", "amount_mismatch", False),
        (None, None, False),
    ],
)
def test_only_what_would_fail_again_is_held_against_a_config(
    step: str | None, reason: str | None, is_lasting: bool
) -> None:
    """A failed check may have been the node's fault, a lost answer the network's."""
    assert replace(MARK, step=step, reason=reason).is_lasting is is_lasting


def test_names_come_from_the_generation() -> None:
    """Of two runs that read the same one, only one can create the next revision."""
    assert (revision_name("svc", 4), tag_name(4)) == ("svc-g5", "l402-g5")
    assert is_our_tag("l402-g5")
    assert not any(map(is_our_tag, ("l402-g", "l402-gx", "canary", "xl402-g5", "l402-g5x")))
    assert short("projects/p/secrets/s") == "s"
    assert is_reserved("run.googleapis.com/ingress")
    assert is_reserved("autoscaling.knative.dev/minScale")
    assert not is_reserved("l402-harness/verified")
