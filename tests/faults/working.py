"""A worker of the matrix: a process with a warm process of its own."""

from __future__ import annotations

import time

from tests.faults.cases import Case
from tests.faults.invariants import Kind, Violation
from tests.faults.running import try_case
from tests.faults.zygote import Zygote

_zygote: list[Zygote] = []


def warm_up() -> None:
    """One warm process for each worker."""
    _zygote.append(Zygote())


def attempt(case: Case) -> tuple[Case, list[Violation], float]:
    """One case in a worker."""
    began = time.monotonic()
    try:
        found = try_case(case, _zygote[0])
    except Exception as error:  # the bench's own failure is a finding too, and no end of the matrix
        found = [Violation(Kind.OTHER, f"the bench broke: {type(error).__name__}: {error}")]
        _zygote[:] = [Zygote()]
    return case, found, time.monotonic() - began
