"""export: onto what clips the two forms are compared, and what is refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from footage.errors import DatasetError, InputError, ModelError, VideoError
from footage.persistence.bundle import verify
from video_train.export.command import show
from video_train.export.export import ExportOptions, export


def silent(_: str) -> None:
    """Tells nobody."""


@pytest.fixture
def run(taught: Path, tmp_path: Path) -> Path:
    """A copy of a training, to change at will."""
    return Path(shutil.copytree(taught, tmp_path / "run"))


def test_it_compares_on_videos_of_ones_own_and_passes_over_broken_ones(
    taught: Path, shades: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    videos = tmp_path / "videos"
    videos.mkdir()
    for number in range(2):
        shutil.copy(shades / "dark" / f"{number}.mp4", videos / f"good-{number}.mp4")
    (videos / "broken.mp4").write_bytes(b"no video")
    options = ExportOptions(run=taught, output=tmp_path / "shipped", videos=(videos,))
    show(options, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert found["compared_on"] == "clips of up to 3 videos"
    manifest = verify(tmp_path / "shipped" / "model.onnx")
    assert manifest.details["parity"].startswith("0 of 2 ")
    show(options, as_json=False)
    lead, *files = capsys.readouterr().out.splitlines()
    assert lead == (
        f"The exported model is the one that was measured: {manifest.details['parity']} (clips of up to 3 videos)."
    )
    assert files == [str(tmp_path / "shipped" / name) for name in ("model.onnx", "model.json", "split.json")]


def test_without_a_video_that_can_be_read_nothing_is_shown(taught: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    with pytest.raises(VideoError):
        export(ExportOptions(run=taught, output=tmp_path / "shipped", videos=(broken,)), tell=silent)
    assert not (tmp_path / "shipped" / "model.onnx").exists()


def test_the_trainings_own_folder_and_a_file_are_refused(run: Path, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}
    with pytest.raises(InputError, match="is the training's own folder"):
        export(ExportOptions(run=run, output=run), tell=silent)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(InputError, match="is a file, and a folder is wanted") as caught:
        show(ExportOptions(run=run, output=file), as_json=False)
    assert "RUN is the folder of a finished training" in caught.value.__notes__[0]
    assert before == {file: file.read_bytes() for file in run.rglob("*") if file.is_file()}


def no_array(file: Path) -> None:
    file.write_bytes(b"no array")


def a_pickle(file: Path) -> None:
    np.save(file, np.array([{}], object), allow_pickle=True)


def another_size(file: Path) -> None:
    np.save(file, np.zeros((4, 2, 16, 16, 3), np.uint8))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(no_array, "is no array of clips"), (a_pickle, "is no array of clips"), (another_size, "of another training")],
)
def test_stored_clips_that_are_none_are_refused(
    run: Path, tmp_path: Path, spoil: Callable[[Path], None], said: str
) -> None:
    for file in (run / "clips").glob("*.npy"):
        spoil(file)
    with pytest.raises(ModelError, match=said) as caught:
        export(ExportOptions(run=run, output=tmp_path / "shipped"), tell=silent)
    assert caught.value.remedy == "give videos instead"


def test_without_stored_clips_videos_are_asked_for(run: Path, tmp_path: Path) -> None:
    shutil.rmtree(run / "clips")
    with pytest.raises(DatasetError, match="holds no stored clips") as caught:
        show(ExportOptions(run=run, output=tmp_path / "shipped"), as_json=False)
    assert caught.value.__notes__ == ["--videos names videos to compare on"]
