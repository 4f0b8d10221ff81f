"""The journal: a line on disk before each write; torn ends are survived, other damage is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconcile.errors import JournalError
from reconcile.journal import Journal, read_lines
from tests.clocks import FakeClock


def test_line_is_whole_and_its_owners_only(tmp_path: Path) -> None:
    """Schema version, time, event, fields; mode 0600."""
    path = tmp_path / "journal.jsonl"
    Journal(path, FakeClock()).write("apply", requestId="r")
    assert [(line["schemaVersion"], line["event"], line["requestId"]) for line in read_lines(path)] == [
        (1, "apply", "r")
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_torn_end_is_left_out_and_damage_in_the_middle_is_named(tmp_path: Path) -> None:
    """A kill tears the last line only."""
    path = tmp_path / "journal.jsonl"
    path.write_text('{"a": 1}\n{"b"')
    assert read_lines(path) == [{"a": 1}]
    path.write_text('{"a": 1}\nrubbish\n{"b": 2}\n')
    with pytest.raises(JournalError, match="line 2"):
        read_lines(path)


def test_journal_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    """Nothing is sent that is not on disk."""
    with pytest.raises(JournalError) as caught:
        Journal(tmp_path / "gone" / "j", FakeClock()).write("apply")
    assert caught.value.reason == "journal_unwritable"
