"""A model, a command line and a server that agree are told from those that do not."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from blur_train.classes import CLASSES
from blur_train.classifier import NAMES_FILE, BlurClassifier, Decision
from blur_train.photos import read_photo
from blur_train.verify.checks import Expected, check_expected, check_files, check_rows
from blur_train.verify.command import VerifyOptions, expected, run, show
from blur_train.verify.server import own_server
from footage.cli.exits import ExitCode
from footage.errors import DatasetError, InputError
from footage.video.images import write_image

TOOL = Path(sys.executable).parent / "blur-train"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, brightness: dict[str, int]) -> Path:
    """Two photos of each class, in folders of their names."""
    folder = tmp_path_factory.mktemp("photos")
    for name, grey in brightness.items():
        (folder / name).mkdir()
        for number in range(2):
            write_image(folder / name / f"{number}.jpg", np.full((80, 90 + number, 3), grey, np.uint8))
    return folder


@pytest.fixture(scope="module")
def address(brightness_model: Path) -> Iterator[tuple[str, str]]:
    with own_server(brightness_model) as client:
        assert client.key is not None
        yield client.address, client.key


@pytest.fixture
def options(photos: Path, brightness_model: Path, address: tuple[str, str]) -> VerifyOptions:
    return VerifyOptions(photos=photos, model=brightness_model, server=address[0], key=address[1], at_least=1.0)


def test_all_is_well(options: VerifyOptions, capsys: pytest.CaptureFixture[str]) -> None:
    assert show(options, dry_run=False, as_json=True) == ExitCode.DONE
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    names = [one["name"] for one in found["findings"]]
    assert len(names) == len(set(names)) == 14
    assert {"expected answers", "command line", "full answers", "a batch", "refuses a wrong key"} <= set(names)
    assert (found["share"]["estimate"], found["share"]["n"]) == (1.0, 8)


def test_too_few_expected_answers(options: VerifyOptions) -> None:
    decisions = {photo.path: one for photo, one in _decided(options)}
    swapped = [Expected(path=photo.path, label="sharp") for photo, _ in _decided(options)]
    finding, share = check_expected(swapped, decisions, 0.9)
    assert (finding.ok, share.estimate) == (False, 0.25)
    assert "25.0 %" in finding.detail
    assert check_expected(swapped, decisions, 0.25)[0].ok


def _decided(options: VerifyOptions) -> Iterator[tuple[Expected, Decision]]:
    classifier = BlurClassifier.open(options.model, device="cpu")
    for photo in expected(options):
        yield photo, classifier.decide([classifier.evidence(read_photo(photo.path).image)])[0]


def test_a_flipped_answer_is_found(options: VerifyOptions) -> None:
    decisions = {photo.path: one for photo, one in _decided(options)}
    rows = {path: (one.predicted_class, one.probabilities) for path, one in decisions.items()}
    assert check_rows(decisions, rows).ok
    path, (name, probabilities) = next(iter(rows.items()))
    for changed in (
        ("sharp", probabilities),
        (name, {**probabilities, name: probabilities[name] - 1e-4}),
        (None, None),
    ):
        finding = check_rows(decisions, {**rows, path: changed})
        assert not finding.ok
        assert finding.detail.startswith("7 of 8")
        assert str(path) in finding.detail


def test_a_server_with_another_model_is_found(
    options: VerifyOptions, make_brightness_model: Callable[..., Path], tmp_path: Path
) -> None:
    other = make_brightness_model(tmp_path / "other", steepness=3000.0)
    found = run(replace(options, model=other))
    failed = {one.name for one in found.findings if not one.ok}
    assert failed == {"readiness", "full answers", "a batch"}


def test_class_names_of_another_model_are_found(
    brightness_model: Path, make_brightness_model: Callable[..., Path], tmp_path: Path
) -> None:
    model = make_brightness_model(tmp_path / "model")
    classifier = BlurClassifier.open(model, device="cpu")
    assert all(one.ok for one in check_files(model, classifier))
    (model / NAMES_FILE).write_text(json.dumps(CLASSES[::-1]))
    assert [one.ok for one in check_files(model, classifier)] == [True, False]
    (model / NAMES_FILE).unlink()
    assert [one.ok for one in check_files(model, classifier)] == [True, False]


def test_what_cannot_work_is_said(options: VerifyOptions, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError):
        run(replace(options, photos=tmp_path / "empty"))
    with pytest.raises(InputError, match="no address"):
        run(replace(options, server="localhost:8000"))
    with pytest.raises(InputError, match="does not answer"):
        run(replace(options, server="http://127.0.0.1:9"))


def test_a_photo_that_cannot_be_read_is_told(options: VerifyOptions, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "some"
    for name in CLASSES:
        (folder / name).mkdir(parents=True)
        (folder / name / "0.jpg").write_bytes((photos / name / "0.jpg").read_bytes())
    (folder / "sharp" / "cut.jpg").write_bytes((photos / "sharp" / "0.jpg").read_bytes()[:-30])
    found = run(replace(options, photos=folder))
    assert found.ok
    assert [path.name for path, _ in found.unread] == ["cut.jpg"]


def test_the_command(photos: Path, brightness_model: Path) -> None:
    command = [str(TOOL), "verify", str(photos), "--model", str(brightness_model), "--at-least", "1", "--smoke"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == "everything is as it should be"
    assert "Traceback" not in ended.stderr
