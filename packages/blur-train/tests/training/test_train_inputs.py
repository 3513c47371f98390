"""The decoded photos of a training: read once, gone on with after a kill, never taken from another data set."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from blur_train.evidence import EvidenceMaker, TileEvidence, WholeEvidence
from blur_train.photos import read_photo
from blur_train.prepare.manifest import PreparedPhoto, read_prepared
from blur_train.train import inputs as module
from blur_train.train.inputs import Inputs, forget_inputs, read_inputs, truth_of
from footage.cli.progress import Progress, progress


class Reading:
    """Reads inputs and counts how many photos it had to decode."""

    def __init__(self, dataset: Path, folder: Path, maker: EvidenceMaker) -> None:
        self.dataset, self.folder, self.maker = dataset, folder, maker
        self.decoded = 0

    def __call__(self, photos: tuple[PreparedPhoto, ...]) -> Inputs:
        def make_progress(total: int | None, done: int) -> Progress:
            self.decoded = (total or 0) - done
            return progress(total, "photos", "testing", already_done=done)

        return read_inputs(photos, self.dataset, self.maker, self.folder, jobs=1, make_progress=make_progress)


@pytest.fixture
def reading(drawn_dataset: Path, tmp_path: Path) -> Reading:
    return Reading(drawn_dataset, tmp_path, WholeEvidence(64))


def test_each_row_is_its_photo(reading: Reading, drawn_dataset: Path) -> None:
    photos = read_prepared(drawn_dataset).photos[:6]
    found = reading(photos)
    rows = np.array([4, 1])
    wanted = [reading.maker.of(read_photo(drawn_dataset / photos[row].file).image).array for row in rows]
    assert (found.take(rows) == np.stack(wanted)).all()
    assert found.left_out == ()


def test_a_second_look_decodes_nothing(reading: Reading, drawn_dataset: Path) -> None:
    photos = read_prepared(drawn_dataset).photos[:6]
    first = reading(photos).take(np.arange(6))
    assert reading.decoded == 6
    assert (reading(photos).take(np.arange(6)) == first).all()
    assert reading.decoded == 0


def test_a_kill_in_between_costs_what_was_not_written(
    reading: Reading, drawn_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = read_prepared(drawn_dataset).photos[:6]
    seen: list[str] = []

    def dies(path: str, *, maker: EvidenceMaker) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        seen.append(path)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return maker.of(read_photo(path).image).array

    with monkeypatch.context() as patched:
        patched.setattr(module, "_input", dies)
        with pytest.raises(KeyboardInterrupt):
            reading(photos)
    found = reading(photos)
    assert reading.decoded == 3
    wanted = [reading.maker.of(read_photo(drawn_dataset / photo.file).image).array for photo in photos]
    assert (found.take(np.arange(6)) == np.stack(wanted)).all()


def test_a_journal_without_its_array_tells_nothing(reading: Reading, drawn_dataset: Path, tmp_path: Path) -> None:
    photos = read_prepared(drawn_dataset).photos[:4]
    first = reading(photos).take(np.arange(4))
    (tmp_path / "inputs.npy").unlink()
    assert (reading(photos).take(np.arange(4)) == first).all()
    assert reading.decoded == 4
    forget_inputs(tmp_path)
    assert not list(tmp_path.iterdir())


def test_other_photos_or_another_preparation_are_read_anew(reading: Reading, drawn_dataset: Path) -> None:
    photos = read_prepared(drawn_dataset).photos
    reading(photos[:4])
    reading(photos[4:8])
    assert reading.decoded == 4
    reading.maker = TileEvidence()
    assert reading(photos[4:8]).take(np.arange(1)).shape == (1, *TileEvidence().shape)
    assert reading.decoded == 4


def test_rows_are_counted_without_the_unreadable(drawn_dataset: Path, tmp_path: Path) -> None:
    dataset = tmp_path / "dataset"
    shutil.copytree(drawn_dataset, dataset)
    photos = read_prepared(dataset).photos[:5]
    (dataset / photos[2].file).write_bytes(b"no photo")
    found = Reading(dataset, tmp_path, WholeEvidence(64))(photos)
    assert [one.path for one in found.left_out] == [photos[2].file]
    assert found.photos == photos[:2] + photos[3:]
    last = read_photo(dataset / photos[4].file).image
    assert (found.take(np.array([3]))[0] == WholeEvidence(64).of(last).array).all()


def test_the_width_of_a_blur_is_told_at_1536_px(drawn_dataset: Path) -> None:
    photos = read_prepared(drawn_dataset).photos
    truth = truth_of(photos)
    for photo, width in zip(photos, truth.widths_px, strict=True):
        if photo.label == "sharp":
            assert width is None
        else:
            assert width is not None
            assert 1.0 < width < 16.0
