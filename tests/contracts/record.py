"""Renews the recording: ``tox -e record``. Runs every case on real Aperture, and writes only when all have run."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.contracts.cases import CASES
from tests.contracts.configs import CONFIGS
from tests.contracts.real import aperture, say
from tests.contracts.recording import (
    CONFIG_FIDELITY,
    FIDELITY,
    NEWER_FIDELITY,
    config_line,
    line,
    read,
    read_newer,
)


def main() -> None:
    """Record."""
    with aperture() as site:
        began_s = time.monotonic()
        lines, kept = {case.id: line(case, site.observer.run(case)) for case in CASES}, read()
        if newer := read_newer(site.go):
            _write(NEWER_FIDELITY, [lines[name] for name in newer])
            lines |= {name: json.dumps(kept[name]) for name in newer}
        _write(FIDELITY, list(lines.values()))
        _write(CONFIG_FIDELITY, [config_line(name, site.outcome(name)) for name in CONFIGS])
    say(f"{len(CASES)} cases and {len(CONFIGS)} configs recorded in {time.monotonic() - began_s:.1f} s")


def _write(path: Path, lines: list[str]) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text("".join(f"{text}\n" for text in lines))
    partial.replace(path)


if __name__ == "__main__":
    main()
