"""What is done beside a run: deliver and recover finish what one left undone, plan, drift and status look and touch nothing.

exit codes: 0 done, or no difference; 10 plan, drift: there is a difference; 1 it could not be found out, or is left to a
person; 4 a setting is wrong; 70 the rollback failed; 75 records still wait.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

from reconcile.clock import Clock, SystemClock
from reconcile.control_plane import KhalaClient, deliver
from reconcile.control_plane.outbox import FILE_NAME
from reconcile.errors import ReconcileError, UsageError
from reconcile.inspection import Look, Report, drift, plan, status
from reconcile.journal import gateway_lock
from reconcile.models import Stack
from reconcile.plain import plain
from reconcile.recovery import recover, recover_service, recovery_code, unfinished
from reconcile.redact import Redactor
from reconcile.setting_values import Reader
from reconcile.settings import PREFIX, Settings, new_request_id, read_settings
from reconcile.summarise import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_ROLLBACK_FAILED,
    EXIT_SIGTERM,
    EXIT_UNDELIVERED,
    EXIT_USAGE,
)

LOOKS = {"plan": plan, "drift": drift, "status": status}


def main(arguments: Sequence[str], env: Mapping[str, str]) -> int:
    """Run the command; its exit code (README, "Exit codes")."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as stop:
        return EXIT_USAGE if stop.code else 0
    saved = signal.signal(signal.SIGTERM, _stop)
    try:
        if options.command in LOOKS:
            return _look(LOOKS[options.command], env)
        return _recover(env) if options.command == "recover" else _deliver(options.run_folder, env)
    except UsageError as error:
        _say(f"error: {error}")
        return EXIT_USAGE
    except KeyboardInterrupt as stopped:
        _say("stopped: what is left is done by running it again")
        return EXIT_SIGTERM if isinstance(stopped, _Terminated) else EXIT_INTERRUPTED
    finally:
        signal.signal(signal.SIGTERM, saved)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reconcile", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    deliver_command = commands.add_parser("deliver", help="deliver outboxes to Khala, in order, nothing twice")
    deliver_command.add_argument(
        "run_folder", nargs="?", type=Path, help="one run's folder; default: all in OUTPUT_DIR"
    )
    commands.add_parser("recover", help="bring the runs in OUTPUT_DIR that died to their end")
    commands.add_parser("plan", help="what a run would change, price by price, with the diagnostics")
    commands.add_parser("drift", help="what serves against Khala and the last record; mints invoices, pays nothing")
    commands.add_parser("status", help="the service in ten lines")
    return parser


class _Terminated(KeyboardInterrupt):
    """SIGTERM: every step is safe to be broken off and done again."""


def _stop(number: int, _: FrameType | None) -> None:
    raise _Terminated


def _deliver(run_folder: Path | None, env: Mapping[str, str]) -> int:
    """Deliver one outbox, or every one in OUTPUT_DIR."""
    reader, clock = Reader(env), SystemClock()
    outboxes = _outboxes(run_folder, Path(reader.get(PREFIX + "OUTPUT_DIR") or "output"))
    if not outboxes:
        _say("nothing to deliver")
        return 0
    url = reader.required(PREFIX + "KHALA_URL", reader.khala_url(PREFIX + "KHALA_URL"))
    secret = reader.required(PREFIX + "SECRET", reader.secret(PREFIX + "SECRET"))
    control_plane = KhalaClient(url, secret, new_request_id(clock), clock)
    is_all_delivered = True
    try:
        for outbox in outboxes:
            is_all_delivered = _deliver_one(outbox, control_plane, clock) and is_all_delivered
    finally:
        control_plane.close()
    return 0 if is_all_delivered else EXIT_UNDELIVERED


def _recover(env: Mapping[str, str]) -> int:
    """Every unfinished journal in OUTPUT_DIR, then what the service itself tells; the gravest exit code of all."""
    clock, reader = SystemClock(), Reader(env)
    output_dir = Path(reader.get(PREFIX + "OUTPUT_DIR") or "output")
    folders = unfinished(output_dir)
    if not folders and not reader.get(PREFIX + "CLOUD_RUN_SERVICE"):
        _say("nothing to recover")
        return 0
    settings = read_settings(env, clock)
    lock = gateway_lock(output_dir, settings.gateway_id)
    if not lock.take():
        _say("a run or another recovery is at this gateway: its journal is its own")
        return 0
    try:
        codes = {_recover_one(folder, settings, clock) for folder in folders}
        codes.add(_recover_service(settings, clock, is_all=not folders))
    finally:
        lock.release()
    return next(code for code in (EXIT_ROLLBACK_FAILED, EXIT_FAILED, EXIT_UNDELIVERED, 0) if code in codes)


def _look(inspect: Callable[[Look], Report], env: Mapping[str, str]) -> int:
    """One inspection: its report on stdout, without anything that looks like a secret; its exit code."""
    clock, redactor = SystemClock(), Redactor()
    settings = read_settings(env, clock)
    for secret in settings.secrets:
        redactor.register(secret)
    look = Look(settings, Stack.HOSTED, clock, redactor.register)
    try:
        report = inspect(look)
    except UsageError:
        raise
    except ReconcileError as error:
        told = f"{settings.gateway_id}: not found out: {error.reason}: {error}"
        report = Report((told, *([f"remedy: {error.remedy}"] if error.remedy else ())), EXIT_FAILED)
    finally:
        look.close()
    for line in report.lines:
        _say(redactor.redact(line))
    return report.exit_code


def _recover_service(settings: Settings, clock: SystemClock, *, is_all: bool) -> int:
    """Runs whose journals are gone, by the audit on a Cloud Run service."""
    try:
        done = recover_service(settings, clock)
    except ReconcileError as error:
        _say(f"{settings.gateway_id}: not recovered: {error.reason}: {error}")
        return EXIT_FAILED
    if done is not None or is_all:
        _say(done or "nothing to recover")
    return 0


def _recover_one(folder: Path, settings: Settings, clock: SystemClock) -> int:
    try:
        outcome, record = recover(folder, settings, clock)
    except ReconcileError as error:
        _say(f"{folder}: not recovered: {error.reason}: {error}")
        return EXIT_FAILED
    if record is None:
        _say(f"{folder}: {outcome}")
        return 0
    summary = record.summary
    _say(f"{folder}: {summary.deployment_status}: {summary.failure_reason}; serving {summary.serving_config_hash}")
    return recovery_code(record)


def _outboxes(run_folder: Path | None, output_dir: Path) -> list[Path]:
    if run_folder is None:
        found = {path.resolve() for path in output_dir.glob(f"*/{FILE_NAME}")}
        return sorted(found, key=lambda path: path.stat().st_mtime)
    if not run_folder.is_dir():
        raise UsageError("RUN_FOLDER", "is no folder", remedy="give a run's folder below OUTPUT_DIR")
    return [run_folder / FILE_NAME] if (run_folder / FILE_NAME).exists() else []


def _deliver_one(outbox: Path, control_plane: KhalaClient, clock: Clock) -> bool:
    """True when the whole outbox was taken."""
    try:
        count = deliver(outbox, control_plane, clock, _say)
    except ReconcileError as error:
        _say(f"{outbox}: not delivered: {error.reason}: {error}")
        return False
    _say(f"{outbox}: {count} records delivered")
    return True


def _say(line: str) -> None:
    """One line; where nobody listens any more, the work goes on."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.write(plain(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    code = main(sys.argv[1:], os.environ)
    try:
        sys.stdout.flush()
    except (OSError, ValueError, AttributeError):  # closed: Python would end with 120 instead of the code
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    raise SystemExit(code)
