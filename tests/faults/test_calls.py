"""The calls of a run are named by what they are: on Cloud Run by the last write before them."""

from __future__ import annotations

from tests.faults.calls import CallNames

SERVICE = "/v2/projects/p/locations/l/services/s"
SECRET = "/v1/projects/p/secrets/c"


def named(*calls: tuple[str, str, str, bytes]) -> list[str]:
    """The names of one run's calls."""
    names = CallNames()
    return [names.name(*call) for call in calls]


def test_calls_to_cloud_run_are_named_by_the_last_write() -> None:
    """Reads by their place behind it, polls of an operation all alike, a write that is repeated by its number."""
    found = named(
        ("GET", f"{SERVICE}?$alt=json", "", b""),
        ("GET", f"{SECRET}/versions/1:access", "", b""),
        ("PATCH", f"{SECRET}?updateMask=annotations", "", b'{"annotations":{"l402-harness.lease":"{}"}}'),
        ("POST", f"{SECRET}:addVersion", "", b"{}"),
        ("PATCH", f"{SERVICE}?updateMask=template,traffic", "", b"{}"),
        ("GET", "/v2/projects/p/locations/l/operations/o", "", b""),
        ("GET", "/v2/projects/p/locations/l/operations/o", "", b""),
        ("GET", SERVICE, "", b""),
        ("GET", SERVICE, "", b""),
        ("GET", f"{SERVICE}/revisions/r", "", b""),
        ("GET", "/healthz/", "", b""),
        ("GET", "/staging", "", b""),
        ("GET", "/staging", "", b""),
        ("GET", "/staging", "", b""),
        ("PATCH", f"{SERVICE}?updateMask=traffic", "", b"{}"),
        ("PATCH", f"{SERVICE}?updateMask=traffic", "", b"{}"),
        ("GET", SERVICE, "", b""),
        ("PATCH", f"{SERVICE}?updateMask=annotations", "", b"{}"),
        ("GET", f"{SERVICE}/revisions", "", b""),
        ("POST", f"{SECRET}/versions/1:disable", "", b"{}"),
        ("GET", SECRET, "", b""),
        ("PATCH", f"{SECRET}?updateMask=annotations", "", b'{"annotations":{}}'),
    )
    assert found == [
        "start/service#1",
        "start/config",
        "lease",
        "version",
        "deploy",
        "deploy/operation",
        "deploy/operation",
        "deploy/service#1",
        "deploy/service#2",
        "deploy/revision#1",
        "deploy/health#1",
        "deploy/challenge#1",
        "deploy/challenge#2",
        "deploy/challenge#2",
        "move",
        "move#2",
        "move#2/service#1",
        "mark",
        "mark/revisions",
        "disable",
        "disable/secret#1",
        "unlease",
    ]


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
