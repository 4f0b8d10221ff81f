"""The answers of real Aperture to the suite's cases, a line a case, and what a run differs from them in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.contracts.case import DATA, Case, Field, Part, Reached, Seen, Step
from tests.contracts.configs import CONFIGS
from tests.contracts.observe import Observed

CONFIG_FIDELITY = DATA / "config-fidelity.jsonl"
FIDELITY = DATA / "gateway-fidelity.jsonl"
# What Aperture answers otherwise when Go 1.27 or newer built it: the embedded gateway answers as it did before.
NEWER_GO, NEWER_FIDELITY = (1, 27), DATA / "gateway-fidelity-go1.27.jsonl"
MOST_DIFFERENCES = 8


def described(case: Case) -> dict[str, Any]:
    """What a case asks, as the recording says it."""
    steps = [_step(step) for step in case.steps]
    return {"id": case.id, "rule": case.rule, "varies": sorted(case.varies), "asked": steps}


def _step(step: Step) -> dict[str, Any]:
    requests = [request if isinstance(request, str) else [_part(part) for part in request] for request in step.requests]
    told: dict[str, Any] = {"request": requests[0] if len(requests) == 1 else requests}
    if step.script != ("echo",):
        script = [_part(part) for part in step.script]
        told["upstream"] = [part if len(part) < 2000 else f"{part[:200]}… ({len(part)} bytes)" for part in script]
    if step.copies > 1:
        told["copies"] = step.copies
    if step.is_pipelined:
        told["is_pipelined"] = True
    return told


def _part(part: Part) -> str:
    return f"<until {part.text!r} came through>" if isinstance(part, (Reached, Seen)) else str(part)


def line(case: Case, observed: list[Observed]) -> str:
    """A line of the recording."""
    return json.dumps({**described(case), "answered": observed}, ensure_ascii=True, sort_keys=False)


def read(path: Path = FIDELITY) -> dict[str, dict[str, Any]]:
    """Case id → its line."""
    entries = [json.loads(text) for text in path.read_text().splitlines()]
    return {entry["id"]: entry for entry in entries}


def config_line(name: str, outcome: Any) -> str:
    """A line of the configs' recording."""
    return json.dumps({"id": name, "config": CONFIGS[name], "outcome": outcome})


def read_newer(go: tuple[int, int]) -> dict[str, dict[str, Any]]:
    """Case id → its line, of the cases that an Aperture built with this Go answers otherwise."""
    return read(NEWER_FIDELITY) if go >= NEWER_GO else {}


def read_configs() -> dict[str, dict[str, Any]]:
    """Config name → its line."""
    return read(CONFIG_FIDELITY)


def outcome_differences(expected: Any, got: Any) -> list[str]:
    """What differs between two outcomes of one config."""
    return _differences("", json.loads(json.dumps(expected)), json.loads(json.dumps(got)))[:MOST_DIFFERENCES]


def differences(case: Case, expected: list[Observed], got: list[Observed]) -> list[str]:
    """Every field that differs, with both values; at most a handful. What the case says to vary is left out."""
    kept = [[_kept(case, step) for step in steps] for steps in (expected, got)]
    return _differences("", *kept)[:MOST_DIFFERENCES]


def _kept(case: Case, step: Observed) -> Observed:
    told: Observed = json.loads(json.dumps(step))
    if Field.UPSTREAM in case.varies:
        told.pop("upstream", None)
    answers = [
        answer for connection in (told, *told.get("connections", ())) for answer in connection.get("answers", ())
    ]
    for answer in answers:
        if Field.BODY in case.varies:
            answer.pop("body")
        if Field.CONTENT_TYPE in case.varies:
            answer["headers"] = [pair for pair in answer["headers"] if pair[0] != "Content-Type"]
    return told


def _differences(where: str, expected: Any, got: Any) -> list[str]:
    if isinstance(expected, dict) and isinstance(got, dict):
        names = sorted({*expected, *got})
        absent = "(absent)"
        return [
            text
            for name in names
            for text in _differences(f"{where}.{name}", expected.get(name, absent), got.get(name, absent))
        ]
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        pairs = enumerate(zip(expected, got, strict=True))
        return [text for number, (a, b) in pairs for text in _differences(f"{where}[{number}]", a, b)]
    return [] if expected == got else [f"{where.lstrip('.')}: expected {expected!r}, got {got!r}"]
