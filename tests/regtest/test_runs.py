"""Whole runs against a regtest stack that the test holds: what a run cannot see itself is asked of its parts."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fixtures.local_stack import supplied_by
from fixtures.regtest.stack import RegtestStack
from tests.e2e.harness import run_pytest
from tests.regtest.asking import get
from tests.regtest.conftest import say

pytestmark = pytest.mark.regtest


def test_seller_confirms_what_the_run_paid(stack: RegtestStack, tmp_path: Path) -> None:
    """The invoice that the gateway handed out and the run paid is the seller's: amount, hash, settled."""
    ran = run_pytest(tmp_path, {**supplied_by(stack), "OA_LIGHTNING_OPS_UNROUTED_HOSTS": "report"})
    summary = ran.summary
    assert ran.folder is not None
    events = [json.loads(line) for line in (ran.folder / "journal.jsonl").read_text().splitlines()]
    paid = [event for event in events if event["event"] == "payment"]
    assert len(paid) == 1, ran.output
    said = stack.seller_says(paid[0]["paymentHash"])
    assert said.is_settled
    assert said.payment_hash == paid[0]["paymentHash"]
    assert said.amount_msat == said.paid_msat == paid[0]["amountMsats"] == summary["spentMsats"]


def test_run_whose_config_aperture_refuses_says_why_in_apertures_words(tmp_path: Path) -> None:
    """A bad RE2 forced past the compiler: deploy_apply_failed, the old revision serves."""
    with RegtestStack(os.environ, say) as stack:
        complete = stack.target.complete
        stack.target.complete = lambda text: complete(text.replace("^/premium", "^/(premium"))
        ran = run_pytest(tmp_path, {**supplied_by(stack), "OA_LIGHTNING_OPS_UNROUTED_HOSTS": "report"})
        summary = ran.summary
        assert (summary["failureCode"], summary["failureReason"]) == ("deploy_apply_failed", "status_500")
        detail = next(step["detail"] for step in summary["steps"] if step["name"] == "apply")
        for text in (detail, summary["remedy"], ran.output):
            assert "missing closing )" in text
        assert get(stack).status_code == 402
        assert stack.ops.active is not None
        assert stack.ops.active.config_hash == stack.ops.history[0][1].config_hash == summary["servingConfigHash"]


def test_config_that_aperture_refuses_behind_cloud_run_serves_nobody(tmp_path: Path) -> None:
    """Google tells no log line: its own words and the log's URL are there; the stack says the line on its terminal."""
    notes: list[str] = []
    with RegtestStack(os.environ, notes.append, is_cloud=True) as stack:
        complete = stack.mounted.complete
        stack.mounted.complete = lambda text: complete(text.replace("^/premium", "^/(premium"))
        before = stack.cloud.service.latest_ready
        ran = run_pytest(tmp_path, {**supplied_by(stack), "OA_LIGHTNING_OPS_UNROUTED_HOSTS": "report"})
        summary = ran.summary
        assert (summary["failureCode"], summary["failureReason"]) == ("deploy_apply_failed", "revision_not_ready")
        detail = next(step["detail"] for step in summary["steps"] if step["name"] == "apply")
        assert "failed the configured startup probe checks" in detail
        assert "Logs URL: https://" in detail
        assert "missing closing )" in notes[-1]
        assert get(stack).status_code == 402
        assert stack.cloud.service.latest_ready == before
