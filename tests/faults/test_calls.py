"""The calls of a run are named by what they are: on Cloud Run by the last write before them."""

from __future__ import annotations

from tests.faults.calls import CallNames

SERVICE = "/v2/projects/p/locations/l/services/s"
SECRET = "/v1/projects/p/secrets/c"


def named(*calls: tuple[str, str, str, bytes]) -> list[str]:
    """The names of one run's calls."""
    names = CallNames()
    return [names.name(*call) for call in calls]


LEASED, FREE = b'{"annotations":{"l402-harness.lease":"{}"}}', b'{"annotations":{}}'
OPERATION = "/v2/projects/p/locations/l/operations/o"
RUN: list[tuple[tuple[str, str, str, bytes], str]] = [
    (("GET", f"{SERVICE}?$alt=json", "", b""), "start/service#1"),
    (("GET", f"{SECRET}/versions/1:access", "", b""), "start/config"),
    (("PATCH", f"{SECRET}?updateMask=annotations", "", LEASED), "lease"),
    (("POST", f"{SECRET}:addVersion", "", b"{}"), "version"),
    (("PATCH", f"{SERVICE}?updateMask=template,traffic", "", b"{}"), "deploy"),
    (("GET", OPERATION, "", b""), "deploy/operation"),
    (("GET", OPERATION, "", b""), "deploy/operation"),
    (("GET", SERVICE, "", b""), "deploy/service#1"),
    (("GET", SERVICE, "", b""), "deploy/service#2"),
    (("GET", f"{SERVICE}/revisions/r", "", b""), "deploy/revision#1"),
    (("GET", "/healthz/", "", b""), "deploy/health#1"),
    (("GET", "/staging", "", b""), "deploy/challenge#1"),
    (("GET", "/staging", "", b""), "deploy/challenge#2"),
    (("GET", "/staging", "", b""), "deploy/challenge#2"),
    (("PATCH", f"{SERVICE}?updateMask=traffic", "", b"{}"), "move"),
    (("PATCH", f"{SERVICE}?updateMask=traffic", "", b"{}"), "move#2"),
    (("GET", SERVICE, "", b""), "move#2/service#1"),
    (("PATCH", f"{SERVICE}?updateMask=annotations", "", b"{}"), "mark"),
    (("GET", f"{SERVICE}/revisions", "", b""), "mark/revisions"),
    (("POST", f"{SECRET}/versions/1:disable", "", b"{}"), "disable"),
    (("GET", SECRET, "", b""), "disable/secret#1"),
    (("PATCH", f"{SECRET}?updateMask=annotations", "", FREE), "unlease"),
]


def test_calls_to_cloud_run_are_named_by_the_last_write() -> None:
    """Reads by their place behind it, polls of an operation all alike, a write that is repeated by its number."""
    assert named(*(call for call, _ in RUN)) == [name for _, name in RUN]


def test_calls_to_the_ops_api_have_no_place() -> None:
    """There the kinds that repeat are numbered over the whole run."""
    found = named(
        ("GET", "/ops/deployment", "", b""),
        ("POST", "/ops/deploy", "", b"{}"),
        ("GET", "/ops/deployment", "", b""),
        ("GET", "/staging", "", b""),
        ("GET", "/staging", "L402 m:" + "0" * 64, b""),
        ("GET", "/staging", "L402 m:" + "1" * 64, b""),
    )
    assert found == ["active#1", "deploy", "active#2", "challenge", "zeros", "credential#1"]
