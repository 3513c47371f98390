"""What a stranger gets: the wheels, and each trainer installed alone from them where no checkout is in sight."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = sorted((ROOT / "packages").iterdir())
TRAINERS = ("blur-train", "eztrack-tune", "flexpatch-train", "highlight-train", "video-train")
WITHOUT_TORCH = {"eztrack-tune", "flexpatch-train"}
VERSION = tomllib.loads((ROOT / "packages/core/pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


@dataclass(frozen=True)
class Stranger:
    """A trainer in an environment of its own: its name, and the folder of the environment's programs."""

    tool: str
    programs: Path


def run(folder: Path, *command: str | Path) -> str:
    """Run a program outside the workspace's environment; its output is in the failure when it fails."""
    environment = {key: value for key, value in os.environ.items() if key not in {"VIRTUAL_ENV", "PYTHONPATH"}}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def uv() -> str:
    found = os.environ.get("UV") or shutil.which("uv")
    if found is None:
        pytest.skip("uv is not installed: run the tests with `uv run pytest`")
    return found


@pytest.fixture(scope="session")
def wheels(uv: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The wheel of every package, by module name."""
    folder = tmp_path_factory.mktemp("dist")
    run(ROOT, uv, "build", "--all-packages", "--quiet", "--out-dir", folder)
    built = {}
    for package in PACKAGES:
        settings = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))
        distribution = settings["project"]["name"].replace("-", "_")
        (built[settings["tool"]["uv"]["build-backend"]["module-name"]],) = folder.glob(f"{distribution}-*.whl")
    return built


@pytest.fixture(scope="session")
def constraints(uv: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The versions of the lock, for an environment that has no lock."""
    file = tmp_path_factory.mktemp("constraints") / "constraints.txt"
    run(ROOT, uv, "export", "--frozen", "--quiet", "--all-groups", "--no-hashes", "--no-emit-workspace", "-o", file)
    return file


@pytest.fixture(scope="session", params=TRAINERS)
def stranger(
    request: pytest.FixtureRequest,
    uv: str,
    wheels: dict[str, Path],
    constraints: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Stranger:
    """An environment of its own with one trainer, and what its wheel says it needs."""
    folder = tmp_path_factory.mktemp("stranger")
    run(folder, uv, "venv", "--quiet", "--python", sys.executable, "fresh")
    install = (uv, "pip", "install", "--quiet", "--python", "fresh", "--constraints", constraints)
    module = request.param.replace("-", "_")
    run(folder, *install, "--find-links", wheels["footage"].parent, wheels[module], wheels["footage"])
    return Stranger(request.param, folder / "fresh" / ("Scripts" if os.name == "nt" else "bin"))


def test_a_wheel_holds_one_typed_module_and_no_tests(wheels: dict[str, Path]) -> None:
    assert len(wheels) == len(PACKAGES)
    for module, wheel in wheels.items():
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
        tops = {name.split("/", 1)[0] for name in names}
        assert {top for top in tops if not top.endswith(".dist-info")} == {module}
        assert f"{module}/py.typed" in names
        assert any(name.endswith("licenses/LICENSE") for name in names)
        assert not [name for name in names if "test" in Path(name).name.lower() or "/tests/" in name]


def test_a_wheel_says_what_it_is(wheels: dict[str, Path]) -> None:
    for module, wheel in wheels.items():
        with zipfile.ZipFile(wheel) as archive:
            (path,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            metadata = message_from_bytes(archive.read(path))
        assert metadata["License-Expression"] == "Apache-2.0", module
        assert metadata["Summary"], module
        assert len(metadata.get_payload()) > 100, f"{module} has no README to show"
        if module != "footage":
            needs = [re.sub(r"\[.*?\]", "", need) for need in metadata.get_all("Requires-Dist", [])]
            own = [need for need in needs if need.startswith("footage-core")]
            assert f"footage-core=={metadata['Version']}" in own, (
                "a trainer and the library it was tested with go together"
            )


def test_the_tool_starts_where_no_checkout_is(stranger: Stranger, tmp_path: Path) -> None:
    program = stranger.programs / stranger.tool
    assert f"Start with: {stranger.tool}" in run(tmp_path, program, "--help")
    assert run(tmp_path, program, "--version") == f"{stranger.tool} {VERSION}\n"
    assert run(tmp_path, stranger.programs / "footage", "--version") == f"footage {VERSION}\n"


def test_the_tool_needs_nothing_that_it_did_not_ask_for(stranger: Stranger, tmp_path: Path) -> None:
    listed = "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()))"
    installed = set(run(tmp_path, stranger.programs / "python", "-c", listed).split())
    assert {"footage-core", stranger.tool} <= installed
    assert not installed & ({"ultralytics", "tensorrt", "pytest", *TRAINERS} - {stranger.tool})
    assert ("torch" in installed) == (stranger.tool not in WITHOUT_TORCH)


def test_the_whole_workflow_runs_where_no_checkout_is(stranger: Stranger, tmp_path: Path) -> None:
    run(tmp_path, stranger.programs / stranger.tool, "demo", "--smoke", "--output-dir", tmp_path / "demo")
    assert list((tmp_path / "demo").rglob("report.html"))
    runs = sorted(file.parent for file in (tmp_path / "demo").rglob("run.json"))
    assert runs
    for folder in runs:
        run(tmp_path, stranger.programs / "footage", "runs", "verify", folder)
