"""What a verifier answers, and how many subjects become one verdict. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from reconcile.models import CheckId, Finding, Outcome, Problem


@dataclass(slots=True)
class Tally:
    """Collects what a check saw of each subject."""

    check: CheckId
    examined: int = 0
    problems: list[Problem] = field(default_factory=list)
    open_questions: list[Problem] = field(default_factory=list)  # could not be decided
    notes: list[str] = field(default_factory=list)

    def expect(self, subject: str, is_right: bool, *, reason: str, got: str, expected: str) -> None:
        """One subject examined; a problem unless ``is_right``."""
        self.examined += 1
        if not is_right:
            self.problems.append(Problem(subject, reason, got, expected))

    def leave_open(self, subject: str, reason: str, expected: str) -> None:
        """One subject that could not be examined."""
        self.open_questions.append(Problem(subject, reason, "no answer", expected))

    def finding(self, *, remedy: str | None = None, may_be_empty: bool = False) -> Finding:
        """Failed if anything is wrong, inconclusive if anything is open or nothing was examined, else passed."""
        detail = "; ".join([f"{self.examined} examined", *self.notes])
        if self.problems:
            problems = (*self.problems, *self.open_questions)
            return Finding(self.check, Outcome.FAILED, self.problems[0].reason, problems, remedy, detail)
        if self.open_questions:
            first = self.open_questions[0].reason
            return Finding(self.check, Outcome.INCONCLUSIVE, first, tuple(self.open_questions), remedy, detail)
        if not self.examined and not may_be_empty:
            return Finding(self.check, Outcome.INCONCLUSIVE, "nothing_measured", (), remedy, detail)
        return Finding(self.check, Outcome.PASSED, detail=detail)


def single(check: CheckId, problem: Problem | None, *, detail: str | None = None, remedy: str | None = None) -> Finding:
    """The finding on a check with one subject."""
    if problem is None:
        return Finding(check, Outcome.PASSED, remedy=remedy, detail=detail)
    return Finding(check, Outcome.FAILED, problem.reason, (problem,), remedy, detail)


def undecided(check: CheckId, reason: str, *, remedy: str | None = None, problems: Sequence[Problem] = ()) -> Finding:
    """An inconclusive finding."""
    return Finding(check, Outcome.INCONCLUSIVE, reason, tuple(problems), remedy)
