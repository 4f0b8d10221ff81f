"""``pytest -m drift``: the comparisons as tests, with reports, without a run; and no staging run is satisfied by them."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from tests.e2e.harness import PREFIX, embedded, hosted_environment, run_against, run_pytest
from tests.e2e.inspecting import canaries, change_paywall, deployed, look_for_drift, state_of
from tests.e2e.test_inspection import ask_more
from tests.e2e.test_quickness import LOOKER

pytestmark = pytest.mark.e2e


def outcomes(junit: Path) -> dict[str, str]:
    """Each testcase of a junit file, with ``passed``, ``failure``, ``skipped`` or ``error``."""
    found = {}
    for case in ElementTree.parse(junit).getroot().iter("testcase"):
        ends = [child.tag for child in case if child.tag in ("failure", "skipped", "error")]
        found[case.attrib["name"].removeprefix("test_")] = ends[0] if ends else "passed"
    return found


KHALA, RECORD, ROUTES = "config_is_what_khala_asks_for", "config_is_what_was_recorded", "routes_ask_what_they_should"


@pytest.mark.parametrize("is_cloud", [True, False], ids=["cloud-run", "ops-http"])
def test_all_pass_after_a_run_and_nothing_is_touched(is_cloud: bool, tmp_path: Path) -> None:
    """Three tests, no verdict's testcase, no run folder, nothing deployed, recorded or paid."""
    output, junit = tmp_path / "out", tmp_path / "drift.xml"
    with embedded(is_cloud=is_cloud) as stack:
        deployed(stack, output)
        before = state_of(stack, output)
        ran = look_for_drift(stack, output, f"--junitxml={junit}", "-n", "2")
        assert ran.code == 0, ran.output
        assert outcomes(junit) == {KHALA: "passed", RECORD: "passed", ROUTES: "passed"}
        assert state_of(stack, output) == before
        assert "6 invoices minted, nothing paid" in ran.output


def test_drift_fails_its_test_and_stands_in_the_reports_without_a_secret(tmp_path: Path) -> None:
    """junit and HTML where the user asked for them; the difference is the message."""
    output, junit, page = tmp_path / "out", tmp_path / "drift.xml", tmp_path / "drift.html"
    with embedded("challenge-amount") as stack:
        stack.break_with()
        deployed(stack, output)
        stack.break_with("challenge-amount")
        change_paywall(stack, "pw_exact", ask_more)
        arguments = (f"--junitxml={junit}", f"--html={page}", "--self-contained-html", "-l", "--log-cli-level=DEBUG")
        ran = look_for_drift(stack, output, *arguments)
        assert ran.code == 1, ran.output
        assert outcomes(junit) == {KHALA: "failure", RECORD: "passed", ROUTES: "failure"}
        assert "pw_exact/r_exact: price 25 sat -&gt; 12 sat" in junit.read_text()
        assert "L402 drift" in page.read_text()
        texts = (ran.output, junit.read_text(), page.read_text())
        assert [word for word in canaries(stack) for text in texts if word in text] == []


SPILL = """
import os
import pytest

SECRET = os.environ["OA_LIGHTNING_OPS_SECRET"]

@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    def spill(drift_from_khala):
        raise RuntimeError(f"refused: {SECRET}")
    items[0].obj = spill

if SPILLS_ON_PAGE:
    def pytest_html_results_summary(prefix):
        prefix.append(SECRET)
"""


@pytest.mark.parametrize(("spills_on_page", "code"), [(False, 1), (True, 3)])
def test_secret_that_anything_spills_is_in_no_report(spills_on_page: bool, code: int, tmp_path: Path) -> None:
    """An exception's text is redacted with its report; what another plugin writes, in the file, and that is exit 3."""
    (tmp_path / "spill.py").write_text(SPILL.replace("SPILLS_ON_PAGE", str(spills_on_page)))
    junit, page = tmp_path / "drift.xml", tmp_path / "drift.html"
    with embedded() as stack:
        environment = {**hosted_environment(stack), "PYTHONPATH": str(tmp_path)}
        arguments = ("-m", "drift", "-p", "spill", f"--junitxml={junit}", f"--html={page}", "--self-contained-html")
        ran = run_pytest(tmp_path / "out", environment, *arguments, staging=False)
        assert ran.code == code, ran.output
        assert "refused: [redacted]" in ran.output
        assert [text for text in (ran.output, junit.read_text(), page.read_text()) if stack.khala_secret in text] == []


def test_what_was_not_found_out_fails_and_what_nobody_recorded_is_skipped(tmp_path: Path) -> None:
    """Khala is away: its two comparisons fail with the reason; a gateway without a record has none to compare with."""
    junit = tmp_path / "drift.xml"
    with embedded("khala-read-forbidden") as stack:
        ran = look_for_drift(stack, tmp_path, f"--junitxml={junit}")
        assert ran.code == 1, ran.output
        assert outcomes(junit) == {KHALA: "failure", RECORD: "skipped", ROUTES: "failure"}
        assert "not found out: control_plane_forbidden" in ran.output


def test_setting_that_does_not_fit_is_exit_4(tmp_path: Path) -> None:
    """Before anything is contacted where it can be told by itself, else before an invoice is minted."""
    with embedded() as stack:
        ran = look_for_drift(stack, tmp_path, SECRET="")
        assert (ran.code, PREFIX + "SECRET: " in ran.output) == (4, True), ran.output
        assert (stack.requests, stack.khala.calls) == ([], [])
        ran = look_for_drift(stack, tmp_path, MAX_INVOICES="3")
        assert (ran.code, PREFIX + "MAX_INVOICES: " in ran.output) == (4, True), ran.output
        assert stack.node.minted == 0


def test_local_stack_shows_its_seeded_drift(tmp_path: Path) -> None:
    """The former deployment serves there; no run of another local stack counts as its record."""
    env = {PREFIX + "OUTPUT_DIR": str(tmp_path)}
    assert run_pytest(tmp_path, env, "--stack=embedded").code == 0
    junit = tmp_path / "drift.xml"
    ran = run_pytest(tmp_path, env, "-m", "drift", "--stack=embedded", f"--junitxml={junit}", staging=False)
    assert ran.code == 1, ran.output
    assert outcomes(junit) == {KHALA: "failure", RECORD: "passed", ROUTES: "failure"}
    assert "price 9 sat -&gt; 10 sat" in junit.read_text()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("-m", "drift or staging"), 4),
        (("-m", "not staging", "checks"), 5),
        (("checks/test_drift.py",), 5),
        (("-m", "drift", "--collect-only"), 0),
        (("-m", "drift", "--setup-plan"), 0),
        (("-m", "drift and e2e"), 5),
    ],
)
def test_selection_that_does_not_ask_for_drift_contacts_nothing(
    arguments: tuple[str, ...], code: int, tmp_path: Path
) -> None:
    """Drift is asked for by its mark alone, and never together with a deploy."""
    with embedded() as stack:
        ran = run_pytest(tmp_path, hosted_environment(stack), *arguments, staging=False)
        assert ran.code == code, ran.output
        assert (stack.requests, stack.khala.calls) == ([], [])


def test_staging_run_takes_no_drift_check(tmp_path: Path) -> None:
    """Neither into its selection nor for one of its own: without its checks it is refused, whatever else is there."""
    with embedded() as stack:
        ran = run_against(stack, tmp_path)
        assert ran.code == 0, ran.output
        assert ran.folder is not None
        assert {KHALA, RECORD, ROUTES} & outcomes(ran.folder / "junit.xml").keys() == set()
        history = list(stack.ops.history)
        refused = run_against(stack, tmp_path, "checks/test_drift.py", "checks/test_health.py")
        assert refused.code == 4, refused.output
        assert run_against(stack, tmp_path, "checks/test_drift.py").code == 5
        assert stack.ops.history == history


def test_collecting_drift_imports_no_library_that_only_a_look_needs(tmp_path: Path) -> None:
    """They come when the gateway is first looked at."""
    (tmp_path / "looker.py").write_text(LOOKER)
    arguments = ("-m", "drift", "--stack=embedded", "--collect-only", "-p", "looker", "-s")
    ran = run_pytest(tmp_path, {"PYTHONPATH": str(tmp_path)}, *arguments, staging=False)
    assert ran.code == 0, ran.output
    assert "HEAVY []" in ran.stdout
