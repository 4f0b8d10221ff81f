"""The compiled services of a run, kept in its folder: an ops API tells what serves by its hash alone.

A file's hash over its bytes is the configHash, so that a kept file proves itself.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from reconcile.compile.document import hash_of
from reconcile.journal import FILE_MODE

FILE_NAME = "services.yaml"
MAX_FILE_BYTES = 16 * 1024 * 1024  # a larger one is none of ours


def keep(folder: Path, document: str) -> None:
    """Write ``document`` (a ``services:`` document) to the run folder, its owner's only; OSError when it cannot be."""
    path, part = folder / FILE_NAME, folder / f"{FILE_NAME}.part"
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
        with open(descriptor, "wb") as file:
            file.write(document.encode())
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def find(output_dir: Path, config_hash: str) -> tuple[Path, str] | None:
    """The run folder below ``output_dir`` that keeps the services of that configHash, and the document; None: none does."""
    for path in sorted(output_dir.glob(f"*/{FILE_NAME}")):
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                continue
            document = path.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            continue
        if hash_of(document) == config_hash:
            return path.parent.resolve(), document
    return None
