"""The one door through which time and randomness come in."""

from __future__ import annotations

import secrets
import time
from typing import Protocol


class Clock(Protocol):
    """Wall time for records, monotonic time for deadlines, sleep, and randomness."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""

    def monotonic_s(self) -> float:
        """Seconds from an arbitrary start; never goes back."""

    def sleep(self, seconds: float) -> None:
        """Block for so long."""

    def random_bytes(self, count: int) -> bytes:
        """So many unpredictable bytes."""


def left_s(clock: Clock, since_ms: int, seconds: float) -> float:
    """How long until ``since_ms`` is ``seconds`` ago; at most so long, though the clock was set back."""
    return max(0.0, min(seconds, since_ms / 1000 + seconds - clock.now_ms() / 1000))


class SystemClock:
    """The machine's own clock and randomness."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        """Seconds from an arbitrary start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Block for so long."""
        time.sleep(seconds)

    def random_bytes(self, count: int) -> bytes:
        """So many unpredictable bytes from the operating system."""
        return secrets.token_bytes(count)
