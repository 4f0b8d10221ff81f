"""A clock that tests set: sleeping takes no time and is remembered."""

from __future__ import annotations


class FakeClock:
    """``sleeps``: seconds of every sleep, in order."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.sleeps: list[float] = []

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        return 1_790_000_000_000 + round(self.seconds * 1000)

    def monotonic_s(self) -> float:
        """Seconds, moved by ``sleep`` alone."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.sleeps.append(seconds)
        self.seconds += seconds

    def random_bytes(self, count: int) -> bytes:
        """The same bytes always."""
        return bytes(range(count))
