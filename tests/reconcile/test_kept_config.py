"""The services of a run, kept in its folder and found again by their hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconcile import kept_config
from reconcile.compile import hash_of

DOCUMENT = "services: []\n"


def test_what_is_kept_is_found_by_its_hash(tmp_path: Path) -> None:
    """Its owner's only; by the hash of its bytes, whatever the folder is called."""
    folder = tmp_path / "run"
    folder.mkdir()
    kept_config.keep(folder, DOCUMENT)
    assert (folder / "services.yaml").stat().st_mode & 0o777 == 0o600
    assert kept_config.find(tmp_path, hash_of(DOCUMENT)) == (folder, DOCUMENT)
    assert kept_config.find(tmp_path, hash_of("other")) is None
    assert [path.name for path in folder.iterdir()] == ["services.yaml"]


def test_file_that_was_changed_is_not_what_it_was(tmp_path: Path) -> None:
    """A kept file proves itself: one that no longer has the hash tells nothing."""
    (tmp_path / "run").mkdir()
    kept_config.keep(tmp_path / "run", DOCUMENT)
    (tmp_path / "run" / "services.yaml").write_bytes(b"\xff" + DOCUMENT.encode())
    assert kept_config.find(tmp_path, hash_of(DOCUMENT)) is None


def test_folder_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    """For the run to say: it is none of its failures."""
    with pytest.raises(OSError, match="gone"):
        kept_config.keep(tmp_path / "gone", DOCUMENT)
