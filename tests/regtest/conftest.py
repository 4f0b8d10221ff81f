"""Tests on real processes: collected only when ``-m`` names them, so that nothing is built when nobody asked."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.regtest.stack import RegtestStack


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Plain ``pytest`` does not even import this folder's tests."""
    return None if "regtest" in config.option.markexpr else True


def say(line: str) -> None:
    """Progress, past pytest's capture."""
    print(line, file=sys.__stderr__, flush=True)


@pytest.fixture(scope="module")
def stack() -> Iterator[RegtestStack]:
    """One stack for a module's tests."""
    with RegtestStack(os.environ, say) as running:
        yield running
