"""The README says what is so: two commands, the settings, the exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reconcile import settings, summarise
from reconcile.__main__ import LOOKS
from reconcile.models import FailureCode, Step

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    """The text below a heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    assert found is not None, title
    return found[1]


def test_quick_start_is_exactly_two_fenced_blocks_of_one_line() -> None:
    """A new user copies two lines; both are scripts of this repository."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", section("Quick start"), re.MULTILINE | re.DOTALL)
    assert blocks == ["scripts/staging.sh --stack=embedded\n", "scripts/test.sh\n"]
    for block in blocks:
        assert (ROOT / block.split()[0]).stat().st_mode & 0o111


def test_ci_calls_the_very_commands_of_the_readme() -> None:
    """What CI runs is what the README gives."""
    text = (ROOT / ".ci" / "run").read_text()
    assert "\nscripts/staging.sh --stack=embedded\n" in text
    assert "\nscripts/test.sh\n" in text


def test_settings_table_names_every_variable_that_is_read() -> None:
    """No variable is read that the table does not name, and none is named that is not read."""
    sources = (ROOT / "reconcile" / "settings.py").read_text()
    pairs = re.findall(r'\b(PREFIX|WALLET_PREFIX) \+ "([A-Z_]+)"', sources)
    read = {("" if prefix == "PREFIX" else settings.WALLET_PREFIX) + name for prefix, name in pairs}
    first_column = re.findall(r"^\| ([^|]+) \|", section("Settings"), re.MULTILINE)
    listed = {name for cell in first_column for name in re.findall(r"`([A-Z_]+)`", cell)}
    assert read - listed == set()
    own = {settings.PREFIX + name: "x" for name in listed if not name.startswith("OA_")}
    assert settings.unknown_settings(own) == ()


@pytest.mark.parametrize("name", [name for name in vars(summarise) if name.startswith("EXIT_")])
def test_exit_codes_are_in_their_table(name: str) -> None:
    """Each code that the harness may end with."""
    assert f"| {getattr(summarise, name)} |" in section("Exit codes")


@pytest.mark.parametrize("command", ["deliver", "recover", *LOOKS])
def test_commands_are_named(command: str) -> None:
    """Each command of ``python -m reconcile``, as it is typed; what only looks stands in the table of what does."""
    assert f"`python -m reconcile {command}" in README
    assert (command in LOOKS) is (f"| `python -m reconcile {command}` |" in section("Looking without touching"))


def test_steps_and_codes_are_in_their_table() -> None:
    """Each step and each failure code."""
    text = section("What a run does")
    assert [step for step in Step if f"`{step}`" not in text] == []
    assert [code for code in FailureCode if f"`{code}`" not in text] == []


def test_nothing_in_the_repository_names_a_package_index() -> None:
    """The locks install from wherever the machine is told to."""
    for path in (ROOT / "requirements").iterdir():
        text = path.read_text()
        assert "://" not in text, path.name
        assert "index" not in text.split("==")[0], path.name
    for name in ("run", "dev"):
        assert "--hash=sha256:" in (ROOT / "requirements" / f"{name}.txt").read_text()
