"""``python -m tests.faults``: the fault matrix, in processes side by side; prints every violation, and the sums.

--deployer: ops-http, cloud-run or all. --sample N: so many of the cases, chosen by --seed. --only TEXT: those whose name
holds TEXT. --list: their names.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence

from reconcile.models import Deployer
from tests.faults.cases import generate, sample
from tests.faults.invariants import Kind
from tests.faults.running import record
from tests.faults.scenarios import scenarios_of
from tests.faults.working import attempt, warm_up
from tests.faults.zygote import Zygote

TOLD_EVERY = 250  # cases: all of them take an hour on two cores
SHOWN = (Kind.LOST_RECORD, Kind.UNRESTORED, Kind.DOUBLE_DEPLOY, Kind.LEAK)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str]) -> int:
    """Run what the arguments ask for; 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--deployer", choices=("all", *Deployer), default="all")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=402)
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--only", default="")
    parser.add_argument("--list", action="store_true")
    return run(parser.parse_args(arguments))


def run(options: argparse.Namespace) -> int:
    """Choose the cases, try each of them, and tell."""
    zygote = Zygote()
    calls = {scenario.name: record(scenario.name, zygote) for scenario in scenarios_of(options.deployer)}
    zygote.close()
    everything = list(generate(calls))
    cases = [case for case in everything if options.only in case.name]
    if options.sample:
        cases = sample(cases, options.sample, options.seed)
    if options.list:
        _say("\n".join(case.name for case in cases))
        return 0
    began = time.monotonic()
    context = multiprocessing.get_context("spawn")
    found: Counter[Kind] = Counter()
    with context.Pool(options.jobs, warm_up) as pool:
        for number, (case, wrong, seconds) in enumerate(pool.imap_unordered(attempt, cases), 1):
            found.update(violation.kind for violation in wrong)
            for violation in wrong:
                _say(f"{case.name}: {violation.kind}: {violation.text} ({seconds:.1f} s)")
            if number % TOLD_EVERY == 0:
                _say(f"{number} of {len(cases)} cases after {time.monotonic() - began:.0f} s")
    sums = ", ".join(f"{kind} {found[kind]}" for kind in SHOWN)
    others = sum(number for kind, number in found.items() if kind not in SHOWN)
    _say(f"cases {len(cases)} of {len(everything)}, {sums}; anything else {others}; {time.monotonic() - began:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
