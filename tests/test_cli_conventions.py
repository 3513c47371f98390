"""What every console script does the same, run as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOOLS = sorted(
    name
    for path in (ROOT / "packages").glob("*/pyproject.toml")
    for name in tomllib.loads(path.read_text())["project"].get("scripts", {})
)


def run(tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = Path(sys.executable).parent / tool
    if os.name == "nt":
        script = script.with_suffix(".exe")
    return subprocess.run([script, *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_all_five_tools_are_there() -> None:
    assert len(TOOLS) == 5


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_goes_to_stdout(tool: str, option: str) -> None:
    ended = run(tool, option)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith(f"Usage: {tool}")
    assert "\x1b" not in ended.stdout


@pytest.mark.parametrize("tool", TOOLS)
def test_version_is_the_packages(tool: str) -> None:
    ended = run(tool, "--version")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"{tool} {version(tool)}\n", "")


@pytest.mark.parametrize("tool", TOOLS)
def test_completion_can_be_shown(tool: str) -> None:
    assert "--show-completion" in run(tool, "--help").stdout


@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("arguments", [["no-such-verb"], ["--no-such-option"], []])
def test_a_wrong_command_line_exits_2_and_says_so(tool: str, arguments: list[str]) -> None:
    ended = run(tool, *arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "Usage:" in ended.stderr
