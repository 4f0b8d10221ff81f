"""Renews the recording: ``tox -e record``. Runs every case on real Aperture, and writes only when all have run."""

from __future__ import annotations

import time

from tests.contracts.cases import CASES
from tests.contracts.real import aperture, say
from tests.contracts.recording import FIDELITY, line


def main() -> None:
    """Record."""
    with aperture() as observer:
        began_s = time.monotonic()
        lines = [line(case, observer.run(case)) + "\n" for case in CASES]
    partial = FIDELITY.with_suffix(".partial")
    partial.write_text("".join(lines))
    partial.replace(FIDELITY)
    say(f"{len(lines)} cases recorded in {time.monotonic() - began_s:.1f} s: {FIDELITY.name}")


if __name__ == "__main__":
    main()
