"""The ops API's adapter: what is sent, and what each answer may have done (OPS_API.md)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from reconcile.errors import Effect, GatewayError
from reconcile.gateways import ApplyRequest, OpsHttpGateway, RestoreRequest, confirm_apply
from reconcile.models import Compiled
from tests.clocks import FakeClock
from tests.wires import CUT, LOST, REFUSED, Script, answer

OURS = {"deploymentId": "dep_1", "configHash": "cfg_1", "imageDigest": "sha256:1", "more": True}
COMPILED = Compiled((), (), (), "services: []\n", "cfg_1", "cfg_1")
REQUEST = ApplyRequest("reconcile:t", "dep_1", COMPILED, '"e1"')


def gateway(*answers: httpx.Response | Exception, token: str | None = "ops-token") -> tuple[OpsHttpGateway, Script]:
    """The adapter over a script."""
    wire = Script(*answers)
    secret = SecretStr(token) if token else None
    return OpsHttpGateway("https://gateway.example", secret, "reconcile:t", transport=wire), wire


def error_of(call: Any) -> GatewayError:
    """The error that ``call`` raises."""
    with pytest.raises(GatewayError) as caught:
        call()
    return caught.value


def test_active_deployment_comes_with_its_etag() -> None:
    """An empty gateway has none; more keys are ignored."""
    ops, wire = gateway(answer(200, {"deployment": OURS}, etag='"e1"'), answer(200, {"deployment": None}))
    active = ops.active()
    assert active.deployment is not None
    assert (active.deployment.config_hash, active.deployment.image_digest, active.etag) == ("cfg_1", "sha256:1", '"e1"')
    assert ops.active().deployment is None
    assert wire.asked[0].headers["authorization"] == "Bearer ops-token"
    assert wire.asked[0].headers["x-oa-request-id"] == "reconcile:t"


def test_deploy_sends_the_document_and_if_match() -> None:
    """The answer may come bare or under its key."""
    ops, wire = gateway(answer(200, {"deployment": OURS}), answer(200, OURS))
    assert ops.apply(REQUEST) == ops.apply(REQUEST)
    assert wire.payload() == {
        "requestId": "reconcile:t",
        "deploymentId": "dep_1",
        "configHash": "cfg_1",
        "apertureYaml": "services: []\n",
    }
    assert wire.asked[0].headers["if-match"] == '"e1"'


def test_rollback_names_target_and_image_if_there_is_one() -> None:
    """What is unset is left out."""
    ops, wire = gateway(answer(200, OURS), answer(200, OURS), token=None)
    ops.restore(RestoreRequest("r", "dep_1", "cfg_0", "sha256:0"))
    ops.restore(RestoreRequest("r", "dep_1", "cfg_0"))
    assert wire.payload(0)["imageDigest"] == "sha256:0"
    assert set(wire.payload(1)) == {"requestId", "deploymentId", "targetConfigHash"}
    assert "if-match" not in wire.asked[0].headers
    assert "authorization" not in wire.asked[0].headers


@pytest.mark.parametrize(
    ("reply", "reason", "effect"),
    [
        *[(status, f"status_{status}", Effect.REFUSED) for status in (400, 403, 404, 405, 413, 422, 429)],
        (401, "unauthorized", Effect.REFUSED),
        (409, "concurrent_modification", Effect.REFUSED),
        (412, "concurrent_modification", Effect.REFUSED),
        (502, "status_502", Effect.UNKNOWN),
        (504, "status_504", Effect.UNKNOWN),
        (500, "status_500", Effect.CHANGED),
        (503, "status_503", Effect.CHANGED),
        (302, "status_302", Effect.CHANGED),
        (LOST, "timeout", Effect.UNKNOWN),
        (CUT, "connection_failed", Effect.UNKNOWN),
        (REFUSED, "connection_failed", Effect.NONE),
        (httpx.ConnectTimeout(""), "timeout", Effect.NONE),
        (answer(200, "<html>"), "invalid_gateway_payload", Effect.CHANGED),
        (answer(200, []), "invalid_gateway_payload", Effect.CHANGED),
        (answer(200, {"deployment": {"deploymentId": "dep_1"}}), "invalid_gateway_payload", Effect.CHANGED),
        (answer(200, {**OURS, "configHash": "cfg_2"}), "config_hash_mismatch", Effect.CHANGED),
    ],
)
def test_each_answer_to_a_deploy_says_what_it_may_have_done(
    reply: int | httpx.Response | Exception, reason: str, effect: Effect
) -> None:
    """The rows of "the deploy's answer decides"; it is sent once."""
    ops, wire = gateway(answer(reply, {}) if isinstance(reply, int) else reply)
    error = error_of(lambda: ops.apply(REQUEST))
    assert (error.reason, error.effect) == (reason, effect)
    assert len(wire.asked) == 1
    assert "ops-token" not in str(error)


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (answer(500, ""), "status_500"),
        (answer(401, ""), "unauthorized"),
        (answer(200, {}), "invalid_gateway_payload"),
        (answer(200, {"deployment": "x"}), "invalid_gateway_payload"),
        (LOST, "timeout"),
    ],
)
def test_look_up_that_fails_changed_nothing(reply: httpx.Response | Exception, reason: str) -> None:
    """A read has no effect."""
    ops, _ = gateway(reply)
    assert error_of(ops.active).reason == reason


def test_lost_deploy_is_confirmed_by_id_and_hash_alone() -> None:
    """Polled for 10 s; anything else is no confirmation."""
    other = {"deployment": {**OURS, "deploymentId": "dep_9"}}
    ops, _ = gateway(LOST, answer(200, other), answer(200, {"deployment": OURS}))
    found = confirm_apply(ops, "dep_1", "cfg_1", FakeClock())
    assert found is not None
    clock = FakeClock()
    ops, wire = gateway(*[answer(200, other) for _ in range(60)])
    assert confirm_apply(ops, "dep_1", "cfg_1", clock) is None
    assert sum(clock.sleeps) == pytest.approx(10.0, abs=0.3)
    assert all(request.method == "GET" for request in wire.asked)


def test_gateways_own_words_are_kept_beside_the_stable_reason() -> None:
    """A revision's last log line is for people: bounded, one line, never the reason."""
    ops, _ = gateway(answer(500, {"error": "cannot\nstart: " + "x" * 999}), answer(500, ["no object"]))
    error = error_of(lambda: ops.apply(REQUEST))
    assert error.reason == "status_500"
    assert error.said is not None
    assert error.said.startswith("cannot start: xxx")
    assert len(error.said) == 300
    assert error.said in str(error)
    assert error_of(lambda: ops.apply(REQUEST)).said is None
