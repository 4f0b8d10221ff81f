"""Khala's client: what is asked, what is repeated, what an error says (KHALA.md, CONVEX.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from reconcile.control_plane import DeploymentRecord, EventRecord, KhalaClient
from reconcile.control_plane.khala import function_code
from reconcile.errors import ControlPlaneError, Effect
from reconcile.models import DeploymentStatus
from tests.clocks import FakeClock
from tests.wires import CUT, LOST, REFUSED, Script, answer

SECRET = "ops-secret-canary"
PAYWALL = {
    "paywallId": "pw",
    "ownerId": "o",
    "status": "active",
    "policy": {"pricingMode": "fixed", "fixedAmountMsats": 1000.0, "killSwitch": False, "somethingNew": 1},
    "routes": [{"routeId": "r", "hostPattern": "*", "pathPattern": "/", "upstreamUrl": "https://u", "priority": 1.0}],
}


def success(value: Any = None) -> httpx.Response:
    """Convex's success."""
    return answer(200, {"status": "success", "value": value})


def failure(message: str, **more: Any) -> httpx.Response:
    """A function's error."""
    return answer(200, {"status": "error", "errorMessage": message, **more})


def row(status: DeploymentStatus = DeploymentStatus.APPLIED) -> DeploymentRecord:
    """A row."""
    return DeploymentRecord(deployment_id="dep_1", config_hash="cfg_1", status=status, request_id="r", metadata={})


def event() -> EventRecord:
    """An event."""
    return EventRecord(
        paywall_id="pw", owner_id="o", event_type="t", level="info", request_id="r", deployment_id="d", metadata={}
    )


def client(*answers: httpx.Response | Exception) -> tuple[KhalaClient, Script, FakeClock]:
    """A client whose wire gives ``answers``."""
    wire, clock = Script(*answers), FakeClock()
    return KhalaClient("https://khala.example/", SecretStr(SECRET), "reconcile:t", clock, transport=wire), wire, clock


def error_of(call: Callable[[], object]) -> ControlPlaneError:
    """The error that ``call`` raises."""
    with pytest.raises(ControlPlaneError) as caught:
        call()
    return caught.value


def test_paywalls_are_read_with_whole_numbers() -> None:
    """Convex prints floats: they are integers from here on; unknown keys are ignored."""
    khala, wire, _ = client(success({"ok": True, "paywalls": [PAYWALL]}))
    paywall = khala.list_paywalls(("active", "paused"))[0]
    assert paywall.policy.fixed_amount_msats == 1000
    assert isinstance(paywall.policy.fixed_amount_msats, int)
    assert str(wire.asked[0].url) == "https://khala.example/api/query"
    assert wire.asked[0].headers["x-oa-request-id"] == "reconcile:t"
    assert wire.payload() == {
        "path": "lightning/ops:listPaywallControlPlaneState",
        "args": {"secret": SECRET, "statuses": ["active", "paused"]},
        "format": "json",
    }


@pytest.mark.parametrize(
    "value",
    [
        None,
        {"ok": True},
        {"ok": True, "paywalls": [{**PAYWALL, "status": "odd"}]},
        {"ok": True, "paywalls": [{**PAYWALL, "policy": {"fixedAmountMsats": 1000.5}}]},
        {"ok": True, "paywalls": [{**PAYWALL, "policy": {"fixedAmountMsats": True}}]},
    ],
)
def test_answer_of_another_shape_is_an_invalid_payload(value: Any) -> None:
    """A fraction, a missing field, an unknown status: named, never guessed."""
    khala, _, _ = client(success(value))
    assert error_of(lambda: khala.list_paywalls(("active",))).reason == "control_plane_invalid_payload"


@pytest.mark.parametrize(
    "reply", [answer(200, "<html>"), answer(200, {"status": "success"}), answer(200, '{"value": "\\ud800"}')]
)
def test_answer_that_is_no_envelope_is_an_invalid_payload(reply: httpx.Response) -> None:
    """HTML, no value, half a surrogate pair."""
    khala, _, _ = client(reply)
    assert error_of(lambda: khala.list_paywalls(("active",))).reason == "control_plane_invalid_payload"


def test_unset_arguments_are_left_out() -> None:
    """Convex's validators take an absent argument, never null."""
    khala, wire, _ = client(success({"ok": True}), success({"ok": True}))
    khala.record_deployment(row())
    khala.record_event(event())
    assert set(wire.payload(0)["args"]) == {"secret", "deploymentId", "configHash", "status", "requestId", "metadata"}
    assert None not in wire.payload(1)["args"].values()
    assert [str(request.url.path) for request in wire.asked] == ["/api/mutation"] * 2


@pytest.mark.parametrize(
    ("data", "message", "code"),
    [
        ("forbidden", "Server Error", "forbidden"),
        ({"code": "ops_disabled"}, "", "ops_disabled"),
        (None, "[Request ID: ab] Server Error\nUncaught Error: forbidden\n  at h", "forbidden"),
        (None, "[Request ID: ab] Server Error", "function_error"),
        ({"code": "<odd>"}, "invalid_input", "invalid_input"),
        (7, "x", "function_error"),
    ],
)
def test_code_is_read_from_the_data_and_then_from_the_message(data: Any, message: str, code: str) -> None:
    """Production redacts messages; development has no data."""
    assert function_code(data, message) == code


def test_function_error_is_never_repeated_and_never_quotes_the_secret() -> None:
    """A validator prints all arguments, the secret among them."""
    printed = f'ArgumentValidationError: Object contains extra field `x`.\nObject: {{"secret": "{SECRET}"}}'
    for reply in (failure(printed), answer(560, {"status": "error", "errorMessage": f"{SECRET} forbidden"})):
        khala, wire, _ = client(reply)
        error = error_of(lambda khala=khala: khala.record_event(event()))  # type: ignore[misc]  # bound on purpose
        assert SECRET not in str(error)
        assert len(wire.asked) == 1


def test_redacted_error_names_the_secret_as_first_suspect() -> None:
    """A bare "Server Error" hides a refused secret."""
    khala, _, _ = client(failure("[Request ID: 1] Server Error"))
    error = error_of(lambda: khala.list_paywalls(("active",)))
    assert (error.reason, "SECRET" in str(error.remedy)) == ("control_plane_function_error", True)


@pytest.mark.parametrize(
    "reply",
    [
        REFUSED,
        answer(429, {"code": "TooManyWrites", "message": ""}),
        answer(429, "slow down"),
        answer(503, {"code": "WorkerOverloaded", "message": ""}),
    ],
)
def test_mutation_that_was_not_applied_is_repeated(reply: httpx.Response | Exception) -> None:
    """At most four attempts, with growing waits; nothing has to be waited for afterwards."""
    khala, wire, clock = client(reply, success())
    khala.record_deployment(row())
    assert len(wire.asked) == 2
    assert clock.sleeps == [0.5]


@pytest.mark.parametrize(
    "reply", [LOST, CUT, answer(500, "x"), answer(503, "x"), answer(408, ""), answer(520, "error code: 520")]
)
def test_query_is_repeated_on_anything_transient(reply: httpx.Response | Exception) -> None:
    """A query changes nothing."""
    khala, wire, _ = client(reply, success({"ok": True, "paywalls": []}))
    assert khala.list_paywalls(("active",)) == ()
    assert len(wire.asked) == 2


@pytest.mark.parametrize("reply", [answer(400, {"code": "BadJsonBody"}), answer(404, ""), answer(401, "")])
def test_refusal_is_not_repeated(reply: httpx.Response) -> None:
    """Repeating what is wrong does not help."""
    khala, wire, _ = client(reply)
    assert error_of(lambda: khala.list_paywalls(("active",))).reason == f"control_plane_status_{reply.status_code}"
    assert len(wire.asked) == 1


def test_four_attempts_and_no_more() -> None:
    """Then the last error is the answer."""
    khala, wire, clock = client(*[REFUSED] * 9)
    error = error_of(lambda: khala.record_event(event()))
    assert (error.reason, error.effect, len(wire.asked)) == ("control_plane_unreachable", Effect.NONE, 4)
    assert clock.sleeps == [0.5, 1.0, 2.0]


def test_no_attempt_begins_after_fifteen_seconds() -> None:
    """A slow Khala does not hold the run."""

    class Slow(Script):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            clock.seconds += 14.8
            return super().handle_request(request)

    wire, clock = Slow(*[LOST] * 9), FakeClock()
    khala = KhalaClient("https://khala.example", SecretStr(SECRET), "r", clock, transport=wire)
    error = error_of(lambda: khala.record_event(event()))
    assert (error.reason, error.effect, len(wire.asked)) == ("control_plane_timeout", Effect.UNKNOWN, 1)


def test_terminal_write_is_repeated_when_an_abandoned_one_can_no_longer_run() -> None:
    """The abandoned pending write may land after the terminal one: the row is written once more, 20 s after it."""
    khala, wire, clock = client(LOST, success(), success(), success())
    khala.record_deployment(row(DeploymentStatus.PENDING))
    khala.record_deployment(row())
    assert [wire.payload(number)["args"]["status"] for number in range(4)] == [
        "pending",
        "pending",
        "applied",
        "applied",
    ]
    assert sum(clock.sleeps) == pytest.approx(20.0)


def test_after_a_signal_the_outbox_gets_what_would_have_to_wait() -> None:
    """CI kills within seconds."""
    khala, wire, clock = client(LOST, success(), success())
    khala.record_deployment(row(DeploymentStatus.PENDING))
    khala.may_wait = False
    error = error_of(lambda: khala.record_deployment(row()))
    assert (error.reason, len(wire.asked)) == ("control_plane_outcome_unknown", 3)
    assert clock.sleeps == [0.5]


def test_refused_write_behind_an_abandoned_one_says_that_one_may_land() -> None:
    """The row's outcome is unknown, though this write did nothing: the outbox has to wait with it."""
    khala, _, _ = client(LOST, success(), REFUSED)
    khala.record_deployment(row(DeploymentStatus.PENDING))
    khala.may_wait = False
    error = error_of(lambda: khala.record_deployment(row()))
    assert (error.reason, error.effect) == ("control_plane_unreachable", Effect.UNKNOWN)


def test_redirect_is_not_followed() -> None:
    """The secret goes nowhere else."""
    khala, wire, _ = client(answer(302, "", location="https://elsewhere.example/"))
    assert error_of(lambda: khala.list_paywalls(("active",))).reason == "control_plane_status_302"
    assert len(wire.asked) == 1


def test_write_that_a_signal_broke_off_may_still_land() -> None:
    """The terminal write that follows goes to the outbox as well: the abandoned one may undo it (KHALA.md)."""
    khala, wire, _ = client(KeyboardInterrupt(), success())  # type: ignore[arg-type]  # a signal is no Exception
    with pytest.raises(KeyboardInterrupt):
        khala.record_deployment(row(DeploymentStatus.PENDING))
    khala.may_wait = False
    assert error_of(lambda: khala.record_deployment(row())).reason == "control_plane_outcome_unknown"
    assert len(wire.asked) == 2


def test_after_a_signal_there_is_one_attempt() -> None:
    """CI kills within seconds."""
    khala, wire, clock = client(REFUSED, success())
    khala.may_wait = False
    assert error_of(lambda: khala.record_event(event())).reason == "control_plane_unreachable"
    assert (len(wire.asked), clock.sleeps) == (1, [])
