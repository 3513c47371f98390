"""synth: sets from the user's own sharp photos, each blur written down, and understood by prepare."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from blur_train.classes import CLASSES, BlurClass
from blur_train.photos import read_photo
from blur_train.prepare.command import PrepareOptions, prepare
from blur_train.prepare.splitting import Shares
from blur_train.scenes.cases import LABELS, Way
from blur_train.synth.command import Result, SynthOptions, synthesize
from blur_train.synth.manifest import DRAWN_FILE, read_drawn
from blur_train.synth.show import show
from footage.cli.progress import progress
from footage.errors import DatasetError, InputError


def write_photo(path: Path, seed: int, size: tuple[int, int] = (240, 160)) -> None:
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(30, 226, (5, 7, 3), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC)
    noisy = np.asarray(coarse, dtype=np.float64) + rng.normal(0, 20, (size[1], size[0], 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(path, quality=95)


@pytest.fixture
def sharp(tmp_path: Path) -> Path:
    folder = tmp_path / "sharp photos"
    for seed in range(5):
        write_photo(folder / f"DSC_{seed:04}.jpg", seed)
    mask = np.zeros((160, 240), np.uint8)
    mask[40:120, 60:180] = 255
    Image.fromarray(mask).save(folder / "DSC_0000.mask.png")
    return folder


def run(options: SynthOptions, told: list[str] | None = None) -> Result:
    return synthesize(
        options,
        tell=(told if told is not None else []).append,
        make_progress=lambda total, done: progress(total, "originals", "drawing", already_done=done),
    )


def test_each_blur_is_written_down_with_its_width(sharp: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in sharp.iterdir()}
    out = tmp_path / "drawn"
    told: list[str] = []
    result = run(SynthOptions(source=sharp, output=out, jobs=1), told)
    assert result.failed == ()
    assert result.counts() == dict.fromkeys(CLASSES, 5)
    assert read_drawn(out) == result.photos
    for photo in result.photos:
        image = read_photo(out / photo.file).image
        assert photo.file.startswith(f"{photo.label}/")
        assert (photo.edge_case is None) == (photo.file.count("/") == 1)
        assert LABELS[Way(photo.way)] is photo.label
        assert (photo.radius_px is None and photo.motion_px is None) == (photo.label is BlurClass.SHARP)
        assert hashlib.sha256((out / photo.file).read_bytes()).hexdigest() == photo.sha256
        x0, y0, x1, y1 = photo.subject_box
        assert 0 <= x0 < x1 <= image.shape[1]
        assert 0 <= y0 < y1 <= image.shape[0]
    assert len({photo.file for photo in result.photos}) == 20
    assert Counter(Counter(photo.group for photo in result.photos).values()) == {4: 5}
    assert told == ["4 of 5 photos have no mask beside them: an ellipse in the middle is their subject"]
    assert {path: path.read_bytes() for path in sharp.iterdir()} == before


def test_the_same_seed_draws_the_same_and_more_originals_change_nothing(sharp: Path, tmp_path: Path) -> None:
    first = run(SynthOptions(source=sharp, output=tmp_path / "a", jobs=1))
    write_photo(sharp / "AAA.jpg", 99)
    second = run(SynthOptions(source=sharp, output=tmp_path / "b", jobs=1))
    assert {photo.sha256 for photo in first.photos} < {photo.sha256 for photo in second.photos}
    other = run(SynthOptions(source=sharp, output=tmp_path / "c", jobs=1, seed=7))
    assert not {photo.sha256 for photo in other.photos} & {photo.sha256 for photo in second.photos}


def test_one_photo_of_each_original_is_not_always_of_one_class(sharp: Path, tmp_path: Path) -> None:
    for seed in range(20, 32):
        write_photo(sharp / f"more {seed}.jpg", seed, size=(120, 90))
    (sharp / "again").mkdir()
    (sharp / "again" / "more 20.jpg").write_bytes((sharp / "more 20.jpg").read_bytes())
    result = run(SynthOptions(source=sharp, output=tmp_path / "drawn", jobs=1, per_photo=1))
    assert len({photo.label for photo in result.photos}) >= 3
    assert len({photo.file for photo in result.photos}) == len(result.photos) == 17


def test_stopped_and_started_again_it_goes_on(sharp: Path, tmp_path: Path) -> None:
    out = tmp_path / "drawn"
    first = run(SynthOptions(source=sharp, output=out, jobs=1))
    (out / first.photos[3].file).unlink()
    (out / DRAWN_FILE).unlink()
    kept = {p.file: (out / p.file).stat().st_mtime_ns for p in first.photos if p.group != first.photos[3].group}
    again = run(SynthOptions(source=sharp, output=out, jobs=1))
    assert again == first
    assert all((out / file).stat().st_mtime_ns == time for file, time in kept.items())


def test_drawn_sharp_photos_are_sharper_than_drawn_blurred_ones(sharp: Path, tmp_path: Path) -> None:
    out = tmp_path / "drawn"
    result = run(SynthOptions(source=sharp, output=out, jobs=1, per_photo=8))
    detail: dict[str, list[float]] = {}
    for photo in result.photos:
        if photo.edge_case is None:
            grey = cv2.cvtColor(read_photo(out / photo.file).image, cv2.COLOR_RGB2GRAY)
            detail.setdefault(photo.label.value, []).append(float(cv2.Laplacian(grey, cv2.CV_64F).var()))
    means = {name: float(np.mean(values)) for name, values in detail.items()}
    assert means["sharp"] > max(means["defocused_blurred"], means["motion_blurred"])


def test_prepare_knows_the_scenes_and_widths_of_a_drawn_set(sharp: Path, tmp_path: Path) -> None:
    for seed in range(5, 9):
        write_photo(sharp / f"DSC_{seed:04}.jpg", seed)
    drawn = run(SynthOptions(source=sharp, output=tmp_path / "drawn", jobs=1))
    options = PrepareOptions(
        source=tmp_path / "drawn",
        output=tmp_path / "dataset",
        jobs=1,
        balance=0.0,
        shares=Shares(val=0.2, test=0.2, calibration=0.2),
    )
    result = prepare(
        options,
        tell=print,
        make_progress=lambda total, done, doing: progress(total, "photos", doing, already_done=done),
    )
    groups: dict[str, set[str]] = {}
    by_sha = {photo.sha256: photo for photo in drawn.photos}
    for photo in result.prepared.photos:
        source = by_sha[photo.sha256]
        groups.setdefault(source.group, set()).add(photo.group)
        assert (photo.label, photo.edge_case) == (source.label, source.edge_case)
        assert (photo.way, photo.radius_px, photo.motion_px) == (source.way, source.radius_px, source.motion_px)
        assert not photo.drawn
    assert all(len(found) == 1 for found in groups.values())
    assert len({next(iter(found)) for found in groups.values()}) == 9


def test_only_sharp_photos_of_a_collection_are_taken(sharp: Path, tmp_path: Path) -> None:
    write_photo(sharp / "motion_blurred" / "moved.jpg", 50)
    write_photo(sharp / "sharp" / "still.jpg", 51)
    result = run(SynthOptions(source=sharp, output=tmp_path / "drawn", jobs=1, per_photo=1))
    names = {Path(photo.source or "").name for photo in result.photos}
    assert "still.jpg" in names
    assert "moved.jpg" not in names


def test_originals_that_cannot_be_used_are_named_and_end_nothing(
    sharp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (sharp / "cut.jpg").write_bytes((sharp / "DSC_0001.jpg").read_bytes()[:900])
    Image.new("L", (10, 10), 255).resize((90, 90)).save(sharp / "DSC_0002.mask.png")
    code = show(SynthOptions(source=sharp, output=tmp_path / "drawn", jobs=1), dry_run=False, as_json=True)
    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert code == 4
    assert document["photos"] == dict.fromkeys(CLASSES, 4)
    assert {Path(one["path"]).name for one in document["failed"]} == {"cut.jpg", "DSC_0002.jpg"}
    assert any("mask is 90" in str(one["reason"]).replace("(", "") for one in document["failed"])
    assert "left out" in shown.err


def test_what_cannot_be_opened_at_all_is_named_too(sharp: Path, tmp_path: Path) -> None:
    (sharp / "nowhere.jpg").symlink_to("gone.jpg")
    found = run(SynthOptions(source=sharp, output=tmp_path / "out", per_photo=1))
    assert [(path.name, reason) for path, reason in found.failed] == [("nowhere.jpg", "is a link that leads nowhere")]
    assert found.photos


def test_a_plan_counts_and_writes_nothing(sharp: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "drawn"
    assert show(SynthOptions(source=sharp, output=out), dry_run=True, as_json=False) == 0
    assert "would draw 20 photos of 5 originals" in capsys.readouterr().out
    assert not out.exists()


def test_what_cannot_be_drawn_from_is_explained(sharp: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        run(SynthOptions(source=tmp_path / "gone", output=tmp_path / "o"))
    with pytest.raises(InputError, match="lies in"):
        SynthOptions(source=sharp, output=sharp / "drawn")
    with pytest.raises(InputError, match="are none"):
        SynthOptions(source=sharp, output=tmp_path / "o", per_photo=0)
    (tmp_path / "only").mkdir()
    (tmp_path / "only" / "x.jpg").write_text("no photo")
    with pytest.raises(DatasetError, match="none of the 1 photos can be used"):
        run(SynthOptions(source=tmp_path / "only", output=tmp_path / "o", jobs=1))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ('{"format_version": 9}', "expected 1"),
        ('{"format_version": 1, "photos": [{}]}', "not a valid"),
    ],
)
def test_a_spoilt_list_of_drawn_photos_is_refused(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / DRAWN_FILE).write_text(content)
    with pytest.raises(DatasetError, match=said):
        read_drawn(tmp_path)


def test_real_photos_are_blurred(shared_data: Path, tmp_path: Path) -> None:
    source = tmp_path / "real"
    source.mkdir()
    for path in sorted((shared_data / "blur").glob("*_S.*"))[:1]:
        (source / path.name).write_bytes(path.read_bytes())
    result = run(SynthOptions(source=source, output=tmp_path / "drawn", jobs=1))
    assert result.counts() == dict.fromkeys(CLASSES, 1)
    assert all(max(read_photo(tmp_path / "drawn" / p.file).image.shape) <= 1536 for p in result.photos)


def test_settings_stand_in_the_run(sharp: Path, tmp_path: Path) -> None:
    run(SynthOptions(source=sharp, output=tmp_path / "drawn", jobs=1, seed=3))
    record: dict[str, Any] = json.loads((tmp_path / "drawn" / "run.json").read_text())
    assert (record["seed"], record["settings"]["per_photo"]) == (3, 4)
    assert record["finished"] is not None
