"""A run or a command in a process forked from a warm one, with short timeouts, and calls that are sent elsewhere.

Reads one JSON object a line on stdin: ``arguments``, ``environment``, ``output``, ``call``, ``fault``, ``signal``.
Answers the pid, and then the exit code, a line each. Only tests start this: the constants of production stay as they are.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import traceback
from pathlib import Path
from typing import Any

from tests.faults.diversion import send_elsewhere


def shorten() -> None:
    """Seconds become tenths: the order of the waits stays."""
    from reconcile import conclusion, confirming, recovery, restore
    from reconcile.control_plane import khala, outbox
    from reconcile.gateways import cloud_lease, cloud_run, cloud_settling, cloud_waiting, interface, ops_http
    from reconcile.payers import lnd

    khala.READ_TIMEOUT_S, khala.HURRIED_TIMEOUT_S = 3.0, 1.5
    for module in (khala, outbox, recovery):
        vars(module).update(ABANDONED_S=4.0)
    khala.FIRST_WAIT_S, khala.LAST_ATTEMPT_S = 0.05, 8.0
    ops_http.READ_TIMEOUT_S = 3.0
    ops_http.OpsHttpGateway.__init__.__kwdefaults__["write_timeout_s"] = 3.0  # type: ignore[index]  # it has defaults
    interface.poll_active.__kwdefaults__["budget_s"] = 3.0  # type: ignore[index]  # it has defaults
    restore.READ_BACK_S, interface.POLL_TIMEOUT_S = 3.0, 1.0
    vars(recovery).update(READ_BACK_S=3.0, LANDING_S=1.0)
    conclusion.SETTLING_S, conclusion.OBSERVATION_READY_S = 1.0, 0.3
    lnd.SEND_TIMEOUT_S, lnd.TRACK_TIMEOUT_S = 3.0, 3.0
    cloud_run.READ_TIMEOUT_S = cloud_run.WRITE_TIMEOUT_S = 3.0
    vars(cloud_waiting).update(READ_BACK_S=3.0, POLL_TIMEOUT_S=1.5)
    cloud_run.POLL_TIMEOUT_S = 1.5
    cloud_settling.PAUSE_S, cloud_lease.PAUSE_S = 0.1, 0.05
    confirming.SETTLING_S = 1.0


def warm() -> None:
    """Everything that every run imports, but for what pytest rewrites."""
    import allure_commons.model2
    import anyio._backends._asyncio
    import bolt11
    import google.cloud.run_v2
    import google.cloud.secretmanager_v1
    import google_crc32c
    import httpx
    import pymacaroons
    import pytest
    import yaml

    import reconcile.__main__
    import reconcile.conclusion
    import reconcile.stages

    assert all(
        (allure_commons, anyio, bolt11, google.cloud, google_crc32c, httpx, pymacaroons, pytest, yaml, reconcile)
    )


def become(order: dict[str, Any]) -> None:
    """In the forked child: run, and end with the run's exit code."""
    output = os.open(order["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((nowhere, output, output)):
        os.dup2(descriptor, number)
    os.closerange(3, 64)
    os.environ.clear()
    os.environ.update(order["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if order["fault"] in ("refused", "dns", "tls"):
        send_elsewhere(order["call"], order["fault"], order["signal"])
    if order["arguments"][0] == "pytest":
        sys.argv = order["arguments"]
        code = 0
        try:
            runpy.run_module("pytest", run_name="__main__", alter_sys=True)
        except SystemExit as end:
            code = int(end.code or 0)
    else:
        from reconcile.__main__ import main

        code = main(order["arguments"][1:], os.environ)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def serve() -> None:
    """One order after another, each in a fork of its own."""
    sys.path.insert(0, str(Path.cwd()))
    warm()
    shorten()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            try:
                become(json.loads(line))
            except BaseException:  # what broke here is seen in the case's log
                traceback.print_exc()
            os._exit(99)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
