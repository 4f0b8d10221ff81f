"""``python -m bench [loop|compile|challenge|regtest …]``: figures of this machine, in one run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from bench import challenges, compiling, processes, regtest

PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "loop": processes.lines,
    "compile": compiling.lines,
    "challenge": challenges.lines,
    "regtest": regtest.lines,
}


def main(names: list[str]) -> int:
    """Print the parts that are named, or all."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 4
    # In this order whatever was asked for: a child's peak memory begins with its parent's, so the loop comes first.
    for name, lines in PARTS.items():
        for line in lines() if name in names or not names else ():
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
