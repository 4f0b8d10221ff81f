"""``python -m reconcile deliver``: its words and exit codes (RECONCILE.md §4)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fixtures.embedded.faults import FaultPlan
from fixtures.embedded.stack import EmbeddedStack
from reconcile.__main__ import main
from reconcile.control_plane import Outbox
from tests.reconcile.control_plane.test_khala import event, row

PREFIX = "OA_LIGHTNING_OPS_"


def kept(folder: Path) -> Path:
    """A run's folder with an outbox of one row and one event."""
    folder.mkdir(parents=True)
    box = Outbox(folder / "khala-outbox.jsonl")
    box.append(row())
    box.append(event())
    return folder


def test_help_is_no_error_and_an_unknown_command_is_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """0 and 4."""
    assert main(["--help"], {}) == 0
    assert main(["nonsense"], {}) == 4
    assert "deliver" in capsys.readouterr().out


def test_nothing_to_deliver_is_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Needs no settings either."""
    assert main(["deliver"], {PREFIX + "OUTPUT_DIR": str(tmp_path)}) == 0
    assert main(["deliver", str(tmp_path)], {}) == 0
    assert "nothing to deliver" in capsys.readouterr().out


def test_folder_that_is_none_and_missing_settings_are_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Named, with a remedy."""
    assert main(["deliver", str(tmp_path / "gone")], {}) == 4
    assert main(["deliver", str(kept(tmp_path / "run"))], {}) == 4
    assert "KHALA_URL" in capsys.readouterr().out


def test_outboxes_are_delivered_oldest_first_and_only_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``latest`` counts for the run it points at; a second delivery has nothing to do."""
    first, second = kept(tmp_path / "b"), kept(tmp_path / "a")
    os.utime(first / "khala-outbox.jsonl", (1, 1))
    (tmp_path / "latest").symlink_to(second.name)
    with EmbeddedStack(faults=FaultPlan(frozenset())) as stack:
        env = {
            PREFIX + "OUTPUT_DIR": str(tmp_path),
            PREFIX + "KHALA_URL": stack.khala_url,
            PREFIX + "SECRET": stack.khala_secret,
        }
        assert main(["deliver"], env) == 0
        assert main(["deliver"], env) == 0
        assert len(stack.khala.deployments()) == 1
        assert len(stack.khala.events()) == 2
        lines = capsys.readouterr().out.splitlines()
        assert [line.split(": ", 1)[1] for line in lines[:2]] == ["2 records delivered"] * 2
        assert str(first) in lines[0]
        assert stack.khala_secret not in "".join(lines)


def test_khala_that_refuses_leaves_them_waiting(tmp_path: Path) -> None:
    """75, and the records stay."""
    run = kept(tmp_path / "run")
    with EmbeddedStack(faults=FaultPlan(frozenset())) as stack:
        env = {PREFIX + "KHALA_URL": stack.khala_url, PREFIX + "SECRET": "wrong-secret"}
        assert main(["deliver", str(run)], env) == 75
    assert (run / "khala-outbox.jsonl").exists()
