"""``python -m reconcile deliver [RUN_FOLDER]``: deliver the records that Khala did not take, in order, nothing twice."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from reconcile.clock import SystemClock
from reconcile.control_plane import KhalaClient, deliver
from reconcile.control_plane.outbox import FILE_NAME
from reconcile.errors import ReconcileError, UsageError
from reconcile.setting_values import Reader
from reconcile.settings import PREFIX, new_request_id
from reconcile.summarise import EXIT_UNDELIVERED, EXIT_USAGE


def main(arguments: Sequence[str], env: Mapping[str, str]) -> int:
    """Run the command; its exit code: 0, 4 for bad input, 75 while something still waits."""
    parser = argparse.ArgumentParser(prog="python -m reconcile", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    deliver_command = commands.add_parser("deliver", help="deliver outboxes to Khala, in order, nothing twice")
    deliver_command.add_argument(
        "run_folder", nargs="?", type=Path, help="one run's folder; default: all in OUTPUT_DIR"
    )
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stop:
        return EXIT_USAGE if stop.code else 0
    try:
        return _deliver(options.run_folder, env)
    except UsageError as error:
        _say(f"error: {error}")
        return EXIT_USAGE


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
            is_all_delivered = _deliver_one(outbox, control_plane) and is_all_delivered
    finally:
        control_plane.close()
    return 0 if is_all_delivered else EXIT_UNDELIVERED


def _outboxes(run_folder: Path | None, output_dir: Path) -> list[Path]:
    if run_folder is None:
        found = {path.resolve() for path in output_dir.glob(f"*/{FILE_NAME}")}
        return sorted(found, key=lambda path: path.stat().st_mtime)
    if not run_folder.is_dir():
        raise UsageError("RUN_FOLDER", "is no folder", remedy="give a run's folder below OUTPUT_DIR")
    return [run_folder / FILE_NAME] if (run_folder / FILE_NAME).exists() else []


def _deliver_one(outbox: Path, control_plane: KhalaClient) -> bool:
    """True when the whole outbox was taken."""
    try:
        count = deliver(outbox, control_plane)
    except ReconcileError as error:
        _say(f"{outbox}: not delivered: {error.reason}: {error}")
        return False
    _say(f"{outbox}: {count} records delivered")
    return True


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:], os.environ))
