"""The summary's scalar fields as properties of the junit suite (RECONCILE.md §4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from _pytest.junitxml import xml_key  # private: the one way to the suite's properties from outside a test


def scalar_properties(summary: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """``true`` and ``false``; nulls and lists are left out."""
    for name, value in summary.items():
        if isinstance(value, bool):
            yield name, "true" if value else "false"
        elif isinstance(value, (str, int)):
            yield name, str(value)


def add_properties(config: pytest.Config, summary: dict[str, Any]) -> None:
    """Put them into the suite; before junit's own ``pytest_sessionfinish``."""
    xml = config.stash.get(xml_key, None)
    if xml is not None:
        for name, value in scalar_properties(summary):
            xml.add_global_property(name, value)
