"""``python -m bench [loop|compile|challenge …]``: figures of this machine, in one run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

from bench import challenges, compiling, processes

PARTS: dict[str, Callable[[], Iterator[str]]] = {
    "loop": processes.lines,
    "compile": compiling.lines,
    "challenge": challenges.lines,
}


def main(names: list[str]) -> int:
    """Print the parts that are named, or all."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 4
    for name in names or list(PARTS):
        for line in PARTS[name]():
            print(line, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
