"""What became of holding what serves against something else: the answer of a drift check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reconcile.plain import plain


class Sameness(StrEnum):
    """The verdict."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "not found out"
    NOTHING = "nothing to compare with"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One comparison. ``told``: one line; ``lines``: a line for each difference. No secret in either."""

    name: str
    sameness: Sameness
    told: str
    lines: tuple[str, ...] = ()
    remedy: str | None = None

    @property
    def message(self) -> str:
        """For people: the verdict, then every difference, each on a line of its own."""
        lines = [f"{self.name:<10} {self.sameness}: {self.told}", *(f"  {line}" for line in self.lines)]
        return "\n".join(plain(line) for line in [*lines, *([f"  remedy: {self.remedy}"] if self.remedy else [])])
