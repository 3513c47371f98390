"""One version for all packages, set in one place."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("set_version", ROOT / "tools" / "set_version.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for path in ROOT.glob("packages/*/pyproject.toml"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True)
        shutil.copy(path, copy)
    return tmp_path


def test_all_packages_are_of_the_version_of_the_library(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert script.main(ROOT, ["--check"]) == 0, capsys.readouterr().out


def test_a_new_version_is_set_everywhere(script: ModuleType, checkout: Path) -> None:
    assert script.main(checkout, ["1.2.3rc1"]) == 0
    assert script.main(checkout, ["--check"]) == 0
    texts = [path.read_text(encoding="utf-8") for path in checkout.glob("packages/*/pyproject.toml")]
    assert len(texts) == 6
    assert all('version = "1.2.3rc1"' in text for text in texts)
    assert sum("footage-core" in text and "==1.2.3rc1" in text for text in texts) == 5
    assert not any("==0." in text for text in texts)


def test_a_package_left_behind_is_named(script: ModuleType, checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = checkout / "packages" / "video-train" / "pyproject.toml"
    path.write_text(path.read_text(encoding="utf-8").replace("==0.", "==9."), encoding="utf-8")
    assert script.main(checkout, ["--check"]) == 1
    assert "video-train" in capsys.readouterr().out
    assert script.main(checkout, ["one point two"]) == 2
