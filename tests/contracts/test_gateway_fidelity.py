"""The embedded gateway answers as real Aperture v0.5.0 does, field by field; where it does not, it is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from fixtures.embedded.faults import FaultPlan
from tests.contracts.case import RECORDING, Case
from tests.contracts.cases import CASES
from tests.contracts.configs import CONFIGS
from tests.contracts.recording import (
    NEWER_FIDELITY,
    described,
    differences,
    outcome_differences,
    read,
    read_configs,
)
from tests.contracts.sites import EmbeddedSite, embedded

RECORDED, RECORDED_CONFIGS = read(), read_configs()
CONTRACT = [json.loads(line) for line in RECORDING.read_text().splitlines()]
BY_ID = {case.id: case for case in CASES}


@pytest.fixture(scope="module")
def site() -> Iterator[EmbeddedSite]:
    """The embedded gateway."""
    with embedded() as site:
        yield site


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_embedded_gateway_answers_as_recorded(case: Case, site: EmbeddedSite) -> None:
    """Status line, headers and their order, body, challenge, end of the connection, and what reached the upstream."""
    assert differences(case, RECORDED[case.id]["answered"], site.observer.run(case)) == []


@pytest.mark.parametrize("name", CONFIGS)
def test_config_comes_to_what_was_recorded(name: str, site: EmbeddedSite) -> None:
    """Whether it starts at all; and then price, caveats, and whether anybody is charged."""
    assert outcome_differences(RECORDED_CONFIGS[name]["outcome"], site.outcome(name)) == []


def test_recording_is_of_these_configs() -> None:
    """Each config was recorded as it stands in the table. Else: tox -e record."""
    assert {name: entry["config"] for name, entry in RECORDED_CONFIGS.items()} == CONFIGS


def test_recording_is_of_these_cases() -> None:
    """Each case was recorded as it stands in the table; ids are used once. Else: tox -e record."""
    assert [described(case) for case in CASES] == [
        {name: entry[name] for name in ("id", "rule", "varies", "asked")} for entry in RECORDED.values()
    ]
    assert len(BY_ID) == len(CASES)


def test_newer_go_differs_in_what_was_recorded_of_it() -> None:
    """No other case is let off, and none of the contract's 122."""
    newer = read(NEWER_FIDELITY)
    assert sorted(newer) == ["line.20", "line.23", "lines.many"]
    for name, entry in newer.items():
        assert differences(BY_ID[name], RECORDED[name]["answered"], entry["answered"]) != []
        assert name not in {entry["id"] for entry in CONTRACT}


@pytest.mark.parametrize("entry", CONTRACT, ids=lambda entry: entry["id"])
def test_recording_agrees_with_the_contracts(entry: dict[str, Any]) -> None:
    """The contract's recording, made elsewhere, says the same of its 122 requests."""
    answer = _answer_to(entry)
    recorded = entry["response"]
    assert answer["status_line"] == recorded["status_line"]
    assert [pair for pair in answer["headers"] if pair[0] != "Date"] == [
        _header(entry, *pair) for pair in recorded["headers"]
    ]
    assert answer["body"].replace("{upstream}", "127.0.0.1:9700") == recorded["body"]
    told, expected = answer.get("challenge"), recorded.get("challenge")
    assert (told is None) == (expected is None)
    if told is not None and expected is not None:
        assert told["macaroon"] == expected["macaroon"]
        assert {name: told["invoice"][name] for name in expected["invoice"]} == expected["invoice"]


def _header(entry: dict[str, Any], name: str, value: str) -> list[str]:
    """A header of the contract's recording: its upstream's port had four digits, ours have five."""
    is_of_upstream = entry["response"]["body"].startswith("UPSTREAM") or entry["id"] == "valid.head"
    if name == "Content-Length" and is_of_upstream:
        return [name, str(int(value) + 1)]
    return [name, "<30 when asked at once>" if name == "Retry-After" else value]


def _answer_to(entry: dict[str, Any]) -> dict[str, Any]:
    """The recorded answer to a request of the contract's recording."""
    name, _, number = entry["id"].partition(".")
    if entry["id"] in RECORDED:
        return dict(RECORDED[entry["id"]]["answered"][0]["answers"][0])
    step = {"1": 0, "2": 1, "3": 2, "unpaid": 3}[number]
    return dict(RECORDED[name]["answered"][step]["answers"][0])


@pytest.mark.parametrize(
    ("fault", "case_id", "field"),
    [
        ("challenge-no-store", "challenge.plain", "headers"),
        ("challenge-status", "challenge.plain", "status_line"),
        ("challenge-no-upstream-bytes", "challenge.plain", "body"),
        ("challenge-amount", "challenge.plain", "amount_msat"),
        ("challenge-service", "challenge.plain", "caveats"),
        ("proxy-random-preimage", "token.preimage.other", "upstream"),
        ("upstream-down", "up.length", "status_line"),
    ],
)
def test_changed_answer_is_noticed(fault: str, case_id: str, field: str, site: EmbeddedSite) -> None:
    """The comparison is not blind: a gateway that is wrong in one field is caught by that field's name."""
    case = BY_ID[case_id]
    site.gateway.faults = FaultPlan(frozenset({fault}))
    try:
        found = differences(case, RECORDED[case.id]["answered"], site.observer.run(case))
    finally:
        site.gateway.faults = FaultPlan()
    assert any(field in text for text in found), found


def test_every_recorded_request_of_the_contract_is_a_case() -> None:
    """None of the 122 is left out."""
    asked = {
        step["request"] for entry in RECORDED.values() for step in entry["asked"] if isinstance(step["request"], str)
    }
    assert len(CONTRACT) == 122
    assert [entry["id"] for entry in CONTRACT if entry["request"] not in asked] == []
