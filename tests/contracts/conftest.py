"""The live half of the suite is collected only when ``-m`` names it, so that nothing is built when nobody asked."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Plain ``pytest`` does not even import what starts Aperture."""
    is_live = collection_path.name == "test_gateway_fidelity_live.py"
    return True if is_live and "regtest" not in config.option.markexpr else None
