"""The outbox: whole records, on disk, delivered in order and nothing twice (KHALA.md)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconcile.control_plane import DeploymentRecord, EventRecord, Outbox
from reconcile.control_plane import deliver as deliver_by
from reconcile.errors import ControlPlaneError, JournalError
from reconcile.journal import FileLock
from tests.clocks import FakeClock
from tests.reconcile.control_plane.test_khala import event, row


class Recorder:
    """A control plane that takes ``limit`` records, then none."""

    may_wait = True

    def __init__(self, limit: int = 99) -> None:
        self.taken: list[DeploymentRecord | EventRecord] = []
        self.limit = limit

    def _take(self, record: DeploymentRecord | EventRecord) -> None:
        if len(self.taken) >= self.limit:
            raise ControlPlaneError("away", reason="control_plane_unreachable")
        self.taken.append(record)

    def list_paywalls(self, statuses: object) -> tuple[()]:
        """None."""
        return ()

    def record_deployment(self, record: DeploymentRecord) -> None:
        """Keep it."""
        self._take(record)

    def record_event(self, record: EventRecord) -> None:
        """Keep it."""
        self._take(record)

    def close(self) -> None:
        """Nothing is open."""


def deliver(path: Path, khala: Recorder, clock: FakeClock | None = None, said: list[str] | None = None) -> int:
    """By a clock that nobody waits for; ``said`` takes what the person is told."""
    return deliver_by(path, khala, clock or FakeClock(), (said if said is not None else []).append)


@pytest.fixture
def outbox(tmp_path: Path) -> Outbox:
    """An outbox of a row and two events."""
    box = Outbox(tmp_path / "khala-outbox.jsonl")
    for record in (row(), event(), event()):
        box.append(record)
    return box


def test_outbox_is_delivered_in_order_and_removed(outbox: Outbox) -> None:
    """Afterwards there is nothing left to deliver twice."""
    khala = Recorder()
    assert deliver(outbox.path, khala) == 3
    assert khala.taken == [row(), event(), event()]
    assert not outbox.path.exists()


def test_what_was_not_taken_stays_and_what_was_does_not(outbox: Outbox) -> None:
    """A second delivery goes on where the first one ended."""
    with pytest.raises(ControlPlaneError):
        deliver(outbox.path, Recorder(limit=1))
    khala = Recorder()
    assert deliver(outbox.path, khala) == 2
    assert khala.taken == [event(), event()]


def test_outbox_is_its_owners_only_and_holds_no_secret(outbox: Outbox) -> None:
    """Mode 0600; the secret is no part of a record."""
    assert outbox.path.stat().st_mode & 0o777 == 0o600
    assert "secret" not in outbox.path.read_text()


def test_torn_last_line_is_left_out(outbox: Outbox) -> None:
    """A run that was killed while it wrote leaves the whole records deliverable."""
    with outbox.path.open("a") as file:
        file.write('{"kind": "ev')
    assert deliver(outbox.path, Recorder()) == 3


@pytest.mark.parametrize("line", ["no json\n", '{"kind": "other", "args": {}}\n', '{"kind": "event"}\n', "[1]\n"])
def test_file_that_holds_something_else_is_refused_and_kept(outbox: Outbox, line: str) -> None:
    """Nothing is thrown away that a person could still read."""
    outbox.path.write_text(line + outbox.path.read_text())
    with pytest.raises(JournalError):
        deliver(outbox.path, Recorder())
    assert len(outbox.path.read_text().splitlines()) == 4


def test_record_behind_an_abandoned_write_waits_until_that_can_no_longer_run(tmp_path: Path) -> None:
    """Delivered at once it would be undone by the pending row that lands late (KHALA.md)."""
    box, clock, said = Outbox(tmp_path / "khala-outbox.jsonl"), FakeClock(), list[str]()
    box.append(row(), clock.now_ms())
    box.append(event())
    clock.sleep(5)
    assert deliver(box.path, Recorder(), clock, said) == 2
    assert clock.sleeps == [5, pytest.approx(15.0)]
    assert [text.startswith("waiting 15 s:") for text in said] == [True]


@pytest.mark.parametrize(("gone_s", "waited"), [(21.0, []), (-1000.0, [20.0])])
def test_wait_for_an_abandoned_write_has_a_bound(gone_s: float, waited: list[float], tmp_path: Path) -> None:
    """It is over after 20 s; a clock that was set back makes it no longer than that."""
    box, clock = Outbox(tmp_path / "khala-outbox.jsonl"), FakeClock()
    box.append(row(), clock.now_ms())
    clock.seconds += gone_s
    assert deliver(box.path, Recorder(), clock) == 1
    assert clock.sleeps == waited


def test_empty_outbox_is_removed(tmp_path: Path) -> None:
    """Nothing to deliver is no error."""
    path = tmp_path / "khala-outbox.jsonl"
    path.write_text("")
    assert deliver(path, Recorder()) == 0
    assert not path.exists()


def test_record_that_cannot_be_kept_says_so(tmp_path: Path) -> None:
    """A folder that is gone is one clear error."""
    with pytest.raises(JournalError) as caught:
        Outbox(tmp_path / "gone" / "khala-outbox.jsonl").append(row())
    assert caught.value.reason == "journal_unwritable"


def test_outbox_that_cannot_be_rewritten_says_so(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record was delivered; a repeat is harmless, and the person is told."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reconcile.control_plane.outbox.os.fsync", full)
    with pytest.raises(JournalError) as caught:
        deliver(outbox.path, Recorder())
    assert caught.value.reason == "outbox_unwritable"
    assert json.loads(outbox.path.read_text().splitlines()[0])["kind"] == "deployment"


def test_outbox_that_its_run_or_another_delivery_holds_is_left_alone(outbox: Outbox) -> None:
    """Two at once would lose what one rewrites under the other."""
    for name in (".", "journal.jsonl"):
        held = FileLock(outbox.path.parent / name)
        assert held.take()
        with pytest.raises(JournalError) as caught:
            deliver(outbox.path, Recorder())
        assert caught.value.reason == "outbox_held"
        held.release()
    assert deliver(outbox.path, Recorder()) == 3
