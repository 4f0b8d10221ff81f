"""Drift: the comparisons, their verdicts, and the exit code that is made of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconcile.comparison import Sameness
from reconcile.errors import ControlPlaneError, GatewayError, UsageError
from reconcile.inspection import compare_behaviour, compare_with_khala, drift
from reconcile.inspection.looking import Served
from reconcile.inspection.services import read_services
from reconcile.probe import ChallengeEvidence
from tests.reconcile.compile.paywalls import compiled, paywall, route
from tests.reconcile.inspection.looks import HASH, OTHER_HASH, GivenLook, run, sight
from tests.reconcile.inspection.test_differences import entry
from tests.reconcile.probe.asking import exchange, rule
from tests.reconcile.verify.evidence import challenges, row

WANTED = compiled(paywall(route("/a")))
SERVED = Served(read_services(WANTED.aperture_yaml), "the mounted config", WANTED.config_hash)
AWAY = ControlPlaneError("Khala did not answer", reason="control_plane_timeout", remedy="look at Khala")


def good() -> ChallengeEvidence:
    """A gateway that does everything right."""
    return challenges()


def same() -> GivenLook:
    """Nothing drifted."""
    found = sight(str(WANTED.config_hash))
    return GivenLook(found, SERVED, WANTED, good(), run(str(WANTED.config_hash)))


def test_no_drift_is_exit_0() -> None:
    """All three are the same; the report says so, and that nothing was paid."""
    report = drift(same().look())
    assert report.exit_code == 0, report.lines
    assert [line.split()[0] for line in report.lines] == [
        "gateway",
        "serving",
        "Khala",
        "record",
        "behaviour",
        "result",
    ]
    assert "nothing paid" in report.lines[-1]


def test_difference_outweighs_what_was_not_found_out() -> None:
    """10 as soon as anything is known to differ, 1 when something is not known and nothing differs."""
    unknown = same()
    unknown.wanted = unknown.challenges = AWAY
    assert drift(unknown.look()).exit_code == 1
    assert "remedy: look at Khala" in "\n".join(drift(unknown.look()).lines)
    unknown.last_run = run(OTHER_HASH)
    assert drift(unknown.look()).exit_code == 10


def test_gateway_that_does_not_answer_is_not_found_out() -> None:
    """Named with its reason, three times, and no verdict."""
    given = same()
    given.sight = given.served = given.challenges = GatewayError("no answer", reason="timeout")
    report = drift(given.look())
    assert report.exit_code == 1
    assert sum("not found out: timeout" in line for line in report.lines) == 4


def test_setting_that_does_not_fit_is_raised() -> None:
    """Exit 4, and no comparison."""
    given = same()
    given.challenges = UsageError("MAX_INVOICES", "allows too few", remedy="raise it")
    with pytest.raises(UsageError):
        drift(given.look())


@pytest.mark.parametrize(
    ("served", "config_hash", "line"),
    [
        (replace(SERVED, entries=(entry("x"), *(SERVED.entries or ()))), WANTED.config_hash, "- x: 10 sat"),
        (SERVED, HASH, f"~ another configHash over the same services: {WANTED.config_hash} is Khala's"),
        (replace(SERVED, written_hash=OTHER_HASH), WANTED.config_hash, f"says that it is {OTHER_HASH}"),
        (Served(None, "prices are not known"), HASH, "? pw_1/"),
    ],
)
def test_config_that_is_not_khalas_is_different(served: Served, config_hash: str, line: str) -> None:
    """By its services whatever its hash says, by its hash whatever its services are, and by the hash alone."""
    found = compare_with_khala(GivenLook(sight(config_hash), served, WANTED).look())
    assert found.sameness is Sameness.DIFFERENT
    assert any(line in text for text in found.lines), found.lines


def behaved(evidence: ChallengeEvidence, *entries: tuple[str, int]) -> tuple[Sameness, str]:
    """Verdict and text of the behaviour, beside a config with these prices."""
    served = Served(tuple(entry(name, price) for name, price in entries), "the mounted config")
    found = compare_behaviour(GivenLook(sight(), served, WANTED, evidence).look())
    return found.sameness, found.message


def test_route_is_held_against_everybody_who_says_its_price() -> None:
    """A price that Khala asks for is no comfort where the config that serves says another."""
    name, price = rule().service_name, rule().price_sat
    assert behaved(good(), (name, price))[0] is Sameness.SAME
    sameness, text = behaved(good(), (name, price + 1))
    assert sameness is Sameness.DIFFERENT
    assert f"asks {price * 1000} msat; Khala says {price} sat, its config says {price + 1} sat" in text


def test_route_that_asks_another_price_is_named_once() -> None:
    """With what it asks; the check that says the same is not repeated."""
    sameness, text = behaved(challenges(row(replace(rule(), price_sat=99))))
    assert sameness is Sameness.DIFFERENT
    assert "Khala says 99 sat" in text
    assert "challenge.amount" not in text


def test_route_that_nobody_could_ask_is_not_found_out() -> None:
    """Inconclusive is no sameness; a host that is not routed with UNROUTED_HOSTS=report is a note."""
    unrouted = row(rule("r_2"), answer=exchange("r_2", None, error="host_not_routed"))
    assert behaved(challenges(row(), unrouted))[0] is Sameness.UNKNOWN
    assert behaved(challenges(row(), unrouted, unrouted_hosts="report"))[0] is Sameness.SAME


def test_gateway_that_nobody_reaches_does_not_behave() -> None:
    """Not found out, where no route answers; different, where only one of them does not."""
    silent = row(rule("r_2"), answer=exchange("r_2", None, error="connection_failed"))
    assert behaved(challenges(silent))[0] is Sameness.UNKNOWN
    assert behaved(challenges(row(), silent))[0] is Sameness.DIFFERENT
