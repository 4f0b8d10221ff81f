"""What earlier runs left in OUTPUT_DIR about one gateway."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reconcile.inspection.records import Backlog, backlog, last_run
from reconcile.models import Stack
from tests.reconcile.inspection.looks import HASH, run

GATEWAY = "https://gateway.example"


def left(folder: Path, *, gateway: str = GATEWAY, is_ended: bool = True, **changes: Any) -> Path:
    """A run's folder as a run leaves it, as far as it is read."""
    folder.mkdir(parents=True)
    lines = [
        {"event": "intent", "gateway": gateway},
        *([{"event": "concluded", "status": "applied"}] if is_ended else []),
    ]
    (folder / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    summary = run(**changes).model_dump(mode="json", by_alias=True)
    (folder / "summary.json").write_text(json.dumps({**summary, "keyOfTomorrow": 1}))
    return folder


def test_run_that_ended_last_at_this_gateway_counts(tmp_path: Path) -> None:
    """By the time in its summary, not by its folder's name or age; ``latest`` is no run of its own."""
    left(tmp_path / "a", at_ms=2, request_id="second")
    left(tmp_path / "b", at_ms=1, request_id="first")
    left(tmp_path / "c", at_ms=3, request_id="elsewhere", gateway="https://other.example")
    left(tmp_path / "d", at_ms=4, request_id="local", stack="embedded")
    (tmp_path / "latest").symlink_to("d")
    found = last_run(tmp_path, GATEWAY, Stack.HOSTED)
    assert found is not None
    assert (found.request_id, found.serving_config_hash) == ("second", HASH)


@pytest.mark.parametrize("name", ["summary.json", "journal.jsonl"])
@pytest.mark.parametrize("text", ["", "{", "[]\n", '{"event": "apply"}\n', None])
def test_folder_that_cannot_be_read_is_no_record(name: str, text: str | None, tmp_path: Path) -> None:
    """Nor is a run that was at no gateway: it wrote nothing to Khala or to anything else."""
    folder = left(tmp_path / "a", at_ms=2)
    left(tmp_path / "b", at_ms=1, request_id="whole")
    (folder / name).unlink()
    if text is not None:
        (folder / name).write_text(text)
    found = last_run(tmp_path, GATEWAY, Stack.HOSTED)
    assert found is not None
    assert found.request_id == "whole"


def test_nothing_there_is_no_record(tmp_path: Path) -> None:
    """An OUTPUT_DIR that does not exist is not made either."""
    assert last_run(tmp_path / "gone", GATEWAY, Stack.HOSTED) is None
    assert backlog(tmp_path / "gone", GATEWAY) == Backlog({}, ())
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_undone_is_counted(tmp_path: Path) -> None:
    """Records by outbox, and runs here whose journal has no end; an outbox that cannot be read still holds something."""
    left(tmp_path / "dead", is_ended=False)
    left(tmp_path / "elsewhere", is_ended=False, gateway="http://127.0.0.1:1")
    for name, text in (("a", "{}\n{}\n"), ("b", "no json\n{}\n"), ("c", "")):
        (left(tmp_path / name) / "khala-outbox.jsonl").write_text(text)
    found = backlog(tmp_path, GATEWAY)
    assert found.waiting == {"a": 2, "b": 1}
    assert found.died == ("dead",)
