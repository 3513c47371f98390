"""The rules of the house that no single package can keep: which way imports point, and what they weigh."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {
    "footage": "core",
    "eztrack_tune": "eztrack-tune",
    "flexpatch_train": "flexpatch-train",
    "highlight_train": "highlight-train",
    "blur_train": "blur-train",
    "video_train": "video-train",
}
CLIS = {module: "footage.tool" if module == "footage" else module for module in PACKAGES}
HEAVY = {
    "PIL",
    "av",
    "cv2",
    "joblib",
    "matplotlib",
    "onnxruntime",
    "pandas",
    "rich",
    "scipy",
    "sklearn",
    "tensorrt",
    "torch",
    "torchvision",
    "ultralytics",
}
LOADED = "import sys\n{}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
HELP = """
import contextlib, io
from {module}.cli import app, main
for verb in [[], *([command.name or command.callback.__name__] for command in app.registered_commands)]:
    sys.argv = [{name!r}, *verb, "--help"]
    with contextlib.redirect_stdout(io.StringIO()) as shown:
        try:
            main()
        except SystemExit as ending:
            assert not ending.code, ending.code
    assert "Usage:" in shown.getvalue()
"""


def sources(module: str) -> list[Path]:
    return sorted((ROOT / "packages" / PACKAGES[module] / "src").rglob("*.py"))


def imported_names(path: Path) -> Iterator[str]:
    """The dotted names a file imports anywhere in it, functions included."""
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield node.module or ""


def imported_tops(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported_names(path)}


def loaded_by(code: str) -> set[str]:
    """The top-level modules a fresh interpreter has loaded after running the code."""
    command = [sys.executable, "-c", LOADED.format(code)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.split())


def test_every_package_is_known_here() -> None:
    found = {path.name for path in (ROOT / "packages").iterdir() if (path / "pyproject.toml").is_file()}
    assert found == set(PACKAGES.values())
    assert all(sources(module) for module in PACKAGES)


@pytest.mark.parametrize("module", PACKAGES)
def test_arrows_point_one_way(module: str) -> None:
    allowed = {module, "footage"}
    for path in sources(module):
        wrong = imported_tops(path) & set(PACKAGES) - allowed
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


@pytest.mark.parametrize("module", PACKAGES)
def test_one_home_for_what_is_subtle(module: str) -> None:
    homes = {
        "ultralytics": {
            f"packages/{PACKAGES[module]}/src/{module}/{folder}/ultralytics.py" for folder in ("detectors", "models")
        },
        "bpy": set(),
    }
    for path in sources(module):
        place = path.relative_to(ROOT).as_posix()
        tops = imported_tops(path)
        for library, allowed in homes.items():
            assert library not in tops or place in allowed, f"{place} imports {library}"
        assert "av" not in tops or place.startswith("packages/core/src/footage/video/"), f"{place} imports av"


@pytest.mark.parametrize("module", PACKAGES)
def test_importing_a_package_loads_nothing_heavy(module: str) -> None:
    assert not loaded_by(f"import {module}") & (HEAVY | {"numpy", "typer"})


@pytest.mark.parametrize("module", CLIS)
def test_help_of_a_tool_and_of_its_verbs_loads_nothing_heavy(module: str) -> None:
    """All in one process: what any of them had loaded would still be there at the end."""
    assert not loaded_by(HELP.format(name=PACKAGES[module], module=CLIS[module])) & (HEAVY | {"numpy"})
