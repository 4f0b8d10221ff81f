"""The journal: a line on disk before each write; torn ends are survived, other damage is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconcile.errors import JournalError
from reconcile.journal import FileLock, Journal, append_line, read_lines
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


@pytest.mark.parametrize(
    ("torn", "kept"), [('{"b"', [{"a": 1}, {"c": 3}]), ('{"b": 2}', [{"a": 1}, {"b": 2}, {"c": 3}])]
)
def test_torn_end_is_mended_before_the_next_line(torn: str, kept: list[dict[str, int]], tmp_path: Path) -> None:
    """What recover appends after a kill must not make a corrupt middle; a whole line without its end is kept."""
    path = tmp_path / "journal.jsonl"
    path.write_text('{"a": 1}\n' + torn)
    append_line(path, {"c": 3})
    assert read_lines(path) == kept


def test_disk_that_fills_up_takes_no_part_of_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write may take a part without an error: the rest follows, or the line is taken back."""
    path = tmp_path / "journal.jsonl"
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:5]))
    append_line(path, {"a": "whole"})
    assert read_lines(path) == [{"a": "whole"}]

    def fill(descriptor: int, data: bytes) -> int:
        if len(data) < 12:
            raise OSError(28, "No space left on device")
        return real(descriptor, bytes(data)[:5])

    monkeypatch.setattr(os, "write", fill)
    with pytest.raises(JournalError, match="No space"):
        append_line(path, {"b": "torn and taken back"})
    assert path.read_bytes() == b'{"a":"whole"}\n'


def test_journal_that_another_process_holds_is_not_written(tmp_path: Path) -> None:
    """The lock comes before the first line: two never conduct one run."""
    path = tmp_path / "journal.jsonl"
    held = FileLock(path)
    assert held.take()
    with pytest.raises(JournalError) as caught:
        Journal(path, FakeClock()).write("apply")
    assert (caught.value.reason, path.read_bytes()) == ("journal_held", b"")
    held.release()
