"""prepare: what a data set is made of, what stays out of it, and that originals stay as they are."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from blur_train.classes import CLASSES, BlurClass, EdgeCase
from blur_train.photos import read_photo
from blur_train.prepare.command import PrepareOptions, Result, plan, prepare
from blur_train.prepare.manifest import (
    MANIFEST_FILE,
    SIDES,
    TABLE_FILE,
    PreparedPhoto,
    check_sides,
    read_prepared,
    write_prepared,
)
from blur_train.prepare.sources import find_photos, parse_mapping
from blur_train.prepare.splitting import Shares
from blur_train.scenes.cases import Case
from blur_train.scenes.photo import draw_photo
from blur_train.scenes.scene import draw_scene
from footage.cli.progress import progress
from footage.dataset.manifest import content_sha256
from footage.errors import DatasetError, InputError

MORNING = datetime(2024, 5, 4, 9, 30, 0)


def run(options: PrepareOptions, told: list[str] | None = None) -> Result:
    return prepare(
        options,
        tell=(told if told is not None else []).append,
        make_progress=lambda total, done, doing: progress(total, "photos", doing, already_done=done),
    )


def options_of(source: Path, output: Path, **more: Any) -> PrepareOptions:
    return PrepareOptions(source=source, output=output, jobs=1, **{"balance": 0.0, **more})


def by_source(result: Result) -> dict[str, PreparedPhoto]:
    return {Path(photo.source).name: photo for photo in result.prepared.photos if not photo.drawn}


def test_the_folders_are_those_trainers_read_and_the_manifest_says_where_all_came_from(
    collection: Path, tmp_path: Path
) -> None:
    out = tmp_path / "dataset"
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in collection.rglob("*.jpg")}
    result = run(options_of(collection, out))
    assert result.failed == ()
    photos = result.prepared.photos
    assert Counter(photo.label.value for photo in photos) == dict(zip(CLASSES, (12, 12, 5, 16), strict=True))
    files = {path.relative_to(out).as_posix() for path in out.rglob("*.jpg")}
    assert files == {photo.file for photo in photos}
    for photo in photos:
        side, label, name = photo.file.split("/")
        assert (side, label) == (photo.side, photo.label.value)
        assert name.startswith("IMG_")
        assert content_sha256(out / photo.file) == photo.sha256 == photo.source_sha256
        assert Path(photo.source).read_bytes() == (out / photo.file).read_bytes()
    assert all(set(result.prepared.counts()[side].values()) - {0} for side in SIDES)
    assert all(result.prepared.counts()[side][name] > 0 for side in SIDES for name in CLASSES)
    assert read_prepared(out) == result.prepared
    with (out / TABLE_FILE).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [photo.file for photo in photos]
    assert {row["label"] for row in rows} == set(CLASSES)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in collection.rglob("*.jpg")} == before
    assert not any((out / photo.file).stat().st_ino == Path(photo.source).stat().st_ino for photo in photos)


def test_the_same_seed_gives_the_same_split_and_another_one_another(collection: Path, tmp_path: Path) -> None:
    first = run(options_of(collection, tmp_path / "a")).prepared
    again = run(options_of(collection, tmp_path / "b")).prepared
    other = run(options_of(collection, tmp_path / "c", seed=1)).prepared
    assert (first.data_sha256, first.split_sha256) == (again.data_sha256, again.split_sha256)
    assert first.data_sha256 == other.data_sha256
    assert first.split_sha256 != other.split_sha256


def test_names_of_two_folders_never_collide(collection: Path, tmp_path: Path) -> None:
    result = run(options_of(collection, tmp_path / "dataset"))
    names = [Path(photo.file).name for photo in result.prepared.photos]
    assert len(set(names)) == len(names) == 45


def test_copies_flips_smaller_ones_and_bursts_stay_together(
    collection: Path, tmp_path: Path, make_pixels: Any, save_photo: Any
) -> None:
    sharp = collection / "Portrait Photos Running event and bib numbers"
    picture = make_pixels(900)
    save_photo(sharp / "a.jpg", picture)
    save_photo(sharp / "a again.png", picture)
    save_photo(sharp / "a mirrored.jpg", picture[:, ::-1])
    save_photo(sharp / "a turned.jpg", np.rot90(picture))
    small = np.asarray(Image.fromarray(picture).resize((72, 72), Image.Resampling.BOX))
    save_photo(sharp / "a small.jpg", small, quality=70)
    (sharp / "b.jpg").write_bytes((sharp / "a.jpg").read_bytes())
    for shot in range(4):
        taken = MORNING + timedelta(seconds=2 * shot)
        save_photo(sharp / f"burst {shot}.jpg", make_pixels(950 + shot), camera="Canon R6", taken=taken)
    save_photo(sharp / "other camera.jpg", make_pixels(960), camera="Nikon Z6", taken=MORNING)
    save_photo(sharp / "later.jpg", make_pixels(961), camera="Canon R6", taken=MORNING + timedelta(minutes=5))
    result = run(options_of(collection, tmp_path / "dataset"))
    photos = by_source(result)
    copies = {photos[name].group for name in ("a.jpg", "a again.png", "a mirrored.jpg", "a turned.jpg", "a small.jpg")}
    assert len(copies) == 1
    assert "b.jpg" not in photos
    assert [one.reason for one in result.prepared.left_out] == [f"the same file as {(sharp / 'a.jpg').absolute()}"]
    burst = {photos[f"burst {shot}.jpg"].group for shot in range(4)}
    assert len(burst) == 1
    alone = {photos["other camera.jpg"].group, photos["later.jpg"].group}
    assert len(alone | burst | copies) == 4
    assert photos["burst 1.jpg"].camera == "Canon R6"
    assert photos["burst 1.jpg"].taken == MORNING + timedelta(seconds=2)
    sides: dict[str, set[str]] = {}
    for photo in result.prepared.photos:
        sides.setdefault(photo.group, set()).add(photo.side)
    assert all(len(side) == 1 for side in sides.values())


def test_sharp_and_blurred_photos_of_one_scene_are_one_group(
    collection: Path, tmp_path: Path, make_pixels: Any, save_photo: Any
) -> None:
    save_photo(collection / "sharp" / "scene sharp.jpg", make_pixels(800))
    save_photo(collection / "defocused_blurred" / "scene soft.jpg", make_pixels(800, soft=4))
    photos = by_source(run(options_of(collection, tmp_path / "dataset")))
    assert photos["scene sharp.jpg"].group == photos["scene soft.jpg"].group
    assert photos["scene sharp.jpg"].side == photos["scene soft.jpg"].side
    assert photos["scene sharp.jpg"].label is BlurClass.SHARP


@pytest.mark.parametrize("family", ["street_runner", "forest_bird"])
def test_two_shots_of_one_scene_are_no_contradiction(family: str, collection: Path, tmp_path: Path) -> None:
    scene = draw_scene(np.random.default_rng(5), family, long_side_px=512)
    for number, label in enumerate(BlurClass):
        drawn = draw_photo(np.random.default_rng(number), Case(label=label, width_px=6.0), scene)
        folder = collection / label.value
        folder.mkdir(exist_ok=True)
        (folder / f"shot {label}.jpg").write_bytes(drawn.jpeg)
    photos = by_source(run(options_of(collection, tmp_path / "dataset")))
    assert len({photos[f"shot {label}.jpg"].group for label in BlurClass}) == 1


@pytest.mark.parametrize("how", ["same file", "written again", "smaller"])
def test_one_picture_with_two_labels_is_an_error(
    how: str, collection: Path, tmp_path: Path, make_pixels: Any, save_photo: Any
) -> None:
    picture = make_pixels(700, side=192)
    first = save_photo(collection / "sharp" / "one.jpg", picture)
    second = collection / "motion_blurred" / "two.jpg"
    if how == "same file":
        second.write_bytes(first.read_bytes())
    elif how == "written again":
        save_photo(second, picture, quality=90)
    else:
        save_photo(second, picture[:, ::-1])
    with pytest.raises(DatasetError, match=r"one picture has two labels: .*one\.jpg|two\.jpg") as caught:
        run(options_of(collection, tmp_path / "dataset"))
    assert "sharp" in str(caught.value)
    assert "motion_blurred" in str(caught.value)
    assert "leave each picture in the folder of one class" in str(caught.value)


def test_bad_files_are_left_out_with_their_reason_and_end_nothing(
    collection: Path, tmp_path: Path, make_pixels: Any, save_photo: Any
) -> None:
    folder = collection / "motion_blurred"
    whole = save_photo(folder / "whole.jpg", make_pixels(600, side=300)).read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").touch()
    (folder / "words.jpg").write_text("not a photo")
    save_photo(folder / "tiny.png", make_pixels(601, side=20))
    (collection / "unsorted").mkdir()
    save_photo(collection / "unsorted" / "some.jpg", make_pixels(602))
    result = run(options_of(collection, tmp_path / "dataset"))
    reasons = {Path(one.path).name: one.reason for one in result.prepared.left_out}
    assert set(reasons) == {"cut.jpg", "empty.jpg", "words.jpg", "tiny.png", "some.jpg"}
    assert "small" in reasons["tiny.png"]
    assert "unsorted" in reasons["some.jpg"]
    assert {Path(one.path).name for one in result.failed} == set(reasons) - {"some.jpg"}
    assert "whole.jpg" in by_source(result)


def test_turned_and_foreign_photos_are_written_upright_as_jpeg(
    collection: Path, tmp_path: Path, make_pixels: Any, save_photo: Any
) -> None:
    picture = make_pixels(500, side=120)[:80]
    folder = collection / "sharp"
    save_photo(folder / "turned.jpg", picture, orientation=6)
    save_photo(folder / "phone.heic", picture[:, ::-1], camera="iPhone 15")
    save_photo(folder / "scan.tif", picture[::-1])
    (folder / "misnamed.tif").write_bytes(save_photo(tmp_path / "x.png", make_pixels(77)).read_bytes())
    out = tmp_path / "dataset"
    photos = by_source(run(options_of(collection, out)))
    for name, upright in (("turned.jpg", np.rot90(picture, -1)), ("phone.heic", picture[:, ::-1])):
        file = out / photos[name].file
        assert file.suffix == ".jpg"
        with Image.open(file) as image:
            assert image.getexif().get(0x0112, 1) == 1
            written = np.asarray(image.convert("RGB"), dtype=int)
        assert written.shape == upright.shape
        assert np.abs(written.mean(axis=2) - upright.mean(axis=2)).mean() < 7  # JPEG keeps less of the colours
        assert (photos[name].width, photos[name].height) == (upright.shape[1], upright.shape[0])
    assert photos["misnamed.tif"].file.endswith(".png")
    assert (out / photos["misnamed.tif"].file).read_bytes() == (folder / "misnamed.tif").read_bytes()
    assert photos["phone.heic"].camera == "iPhone 15"
    assert photos["scan.tif"].file.endswith(".jpg")
    assert len({photos[name].group for name in ("turned.jpg", "phone.heic", "scan.tif")}) == 1


def test_edge_cases_are_folders_inside_classes_or_beside_them(
    collection: Path, tmp_path: Path, make_pixels: Any, save_photo: Any
) -> None:
    save_photo(collection / "panning" / "p.jpg", make_pixels(400))
    save_photo(collection / "sharp" / "Bokeh" / "b.jpg", make_pixels(401))
    save_photo(collection / "low-light" / "motion_blurred" / "l.jpg", make_pixels(402))
    save_photo(collection / "mild_mix" / "m.jpg", make_pixels(403))
    result = run(options_of(collection, tmp_path / "dataset"))
    photos = by_source(result)
    assert (photos["p.jpg"].label, photos["p.jpg"].edge_case) == (BlurClass.SHARP, EdgeCase.PANNING)
    assert (photos["b.jpg"].label, photos["b.jpg"].edge_case) == (BlurClass.SHARP, EdgeCase.BOKEH)
    assert (photos["l.jpg"].label, photos["l.jpg"].edge_case) == (BlurClass.MOTION_BLURRED, EdgeCase.LOW_LIGHT)
    assert [Path(one.path).name for one in result.prepared.left_out] == ["m.jpg"]


def test_rare_classes_are_drawn_from_sharp_photos_of_the_train_side_only(
    collection: Path, tmp_path: Path, make_pixels: Any, save_photo: Any
) -> None:
    sharp = collection / "Portrait Photos Running event and bib numbers"
    mask = np.zeros((96, 96, 3), np.uint8)
    mask[30:60, 30:60] = 255
    for index in range(16):
        save_photo(sharp / f"IMG_{index:04}.mask.png", mask)
    told: list[str] = []
    out = tmp_path / "dataset"
    result = run(options_of(collection, out, balance=0.9), told)
    drawn = [photo for photo in result.prepared.photos if photo.drawn]
    originals = {photo.source: photo for photo in result.prepared.photos if not photo.drawn}
    counts = result.prepared.counts()["train"]
    assert min(counts[name] for name in CLASSES if name != "sharp") >= 0.9 * sum(
        photo.side == "train" and photo.label is BlurClass.SHARP for photo in originals.values()
    )
    assert any(photo.label is BlurClass.SHARP for photo in drawn), "what is drawn must not always be blurred"
    for photo in drawn:
        assert photo.side == originals[photo.source].side == "train"
        assert photo.group == originals[photo.source].group
        assert originals[photo.source].label is BlurClass.SHARP
        assert (photo.radius_px is None and photo.motion_px is None) == (photo.label is BlurClass.SHARP)
        assert read_photo(out / photo.file).image.shape == (photo.height, photo.width, 3)
    assert not any("no mask" in line for line in told)
    assert not any(path.name.endswith("mask.png") for path in out.rglob("*"))
    again = run(options_of(collection, tmp_path / "again", balance=0.9))
    assert again.prepared.data_sha256 == result.prepared.data_sha256


def test_stopped_and_started_again_it_goes_on_and_forgets_what_is_gone(collection: Path, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    options = options_of(collection, out, balance=0.6)
    first = run(options)
    (out / MANIFEST_FILE).unlink()
    lost = next(photo for photo in first.prepared.photos if photo.drawn)
    (out / lost.file).unlink()
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.jpg")}
    again = run(options)
    assert again.prepared == first.prepared
    assert content_sha256(out / lost.file) == lost.sha256
    assert all(path.stat().st_mtime_ns == time for path, time in times.items())
    gone = Path(next(photo.source for photo in first.prepared.photos if photo.label is BlurClass.DEFOCUSED_BLURRED))
    gone.unlink()
    (out / "train" / "sharp" / "notes.txt").write_text("mine")
    third = run(options)
    assert str(gone) not in {photo.source for photo in third.prepared.photos}
    assert {path.relative_to(out).as_posix() for path in out.rglob("*.jpg")} == {p.file for p in third.prepared.photos}
    assert (out / "train" / "sharp" / "notes.txt").exists()


def test_a_photo_that_changed_is_looked_at_again(
    collection: Path, tmp_path: Path, make_pixels: Any, save_photo: Any
) -> None:
    out = tmp_path / "dataset"
    file = collection / "motion_blurred" / "IMG_0002.jpg"
    first = {photo.source: photo.sha256 for photo in run(options_of(collection, out)).prepared.photos}
    save_photo(file, make_pixels(321))
    os.utime(file, ns=(0, 12345))
    second = {photo.source: photo.sha256 for photo in run(options_of(collection, out)).prepared.photos}
    changed = {source for source in first if first[source] != second[source]}
    assert changed == {str(file.absolute())}


def test_folders_of_one_name_stay_together_where_asked(
    collection: Path, tmp_path: Path, make_pixels: Any, save_photo: Any
) -> None:
    for index in range(3):
        save_photo(collection / "sharp" / "race 7" / f"r{index}.jpg", make_pixels(200 + index))
        save_photo(collection / "race 7" / "motion_blurred" / f"m{index}.jpg", make_pixels(210 + index))
    apart = by_source(run(options_of(collection, tmp_path / "a")))
    result = run(options_of(collection, tmp_path / "b", by_folder=True))
    together = by_source(result)
    names = [f"{kind}{index}.jpg" for kind in "rm" for index in range(3)]
    assert len({apart[name].group for name in names}) == 6
    assert len({together[name].group for name in names}) == 1
    assert len({photo.group for photo in result.prepared.photos}) == 45 + 1


def test_further_folder_names_can_be_mapped(
    collection: Path, tmp_path: Path, make_pixels: Any, save_photo: Any
) -> None:
    save_photo(collection / "Keepers 2024" / "k.jpg", make_pixels(100))
    mapping = parse_mapping(["keepers_2024=sharp"])
    assert by_source(run(options_of(collection, tmp_path / "d", mapping=mapping)))["k.jpg"].label is BlurClass.SHARP
    for bad, said in (
        (["keepers"], "maps no folder"),
        (["keepers=sharpish"], "is not a class"),
        (["=sharp"], "maps no"),
    ):
        with pytest.raises(DatasetError, match=said):
            parse_mapping(bad)


def test_a_plan_names_counts_and_bytes_and_writes_nothing(collection: Path, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    planned = plan(options_of(collection, out))
    assert planned.photos == dict(zip(CLASSES, (12, 12, 5, 16), strict=True))
    assert planned.disk_bytes == sum(path.stat().st_size for path in collection.rglob("*.jpg"))
    assert not out.exists()


def test_what_cannot_be_prepared_is_explained(
    collection: Path, tmp_path: Path, make_pixels: Any, save_photo: Any
) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        run(options_of(tmp_path / "gone", tmp_path / "out"))
    with pytest.raises(InputError, match="lies in"):
        options_of(collection, collection / "dataset")
    with pytest.raises(InputError, match="lies in"):
        options_of(collection / "sharp", collection)
    other = tmp_path / "other"
    save_photo(other / "good" / "a.jpg", make_pixels(1))
    with pytest.raises(DatasetError, match=r"no folder stands for a class; photos are in good \(1\)"):
        run(options_of(other, tmp_path / "out"))
    save_photo(other / "sharp" / "motion_blurred" / "a.jpg", make_pixels(2))
    with pytest.raises(DatasetError, match="folders of two classes"):
        find_photos(other, {})
    few = tmp_path / "few"
    for index in range(2):
        save_photo(few / "sharp" / f"{index}.jpg", make_pixels(index))
    with pytest.raises(DatasetError, match="sharp has 2 independent group"):
        run(options_of(few, tmp_path / "out2"))
    broken = tmp_path / "broken"
    (broken / "sharp").mkdir(parents=True)
    (broken / "sharp" / "x.jpg").write_text("x")
    with pytest.raises(DatasetError, match="none of the 1 photos can be read"):
        run(options_of(broken, tmp_path / "out3"))


@pytest.mark.parametrize("shares", [{"val": -0.1}, {"val": 0.5, "test": 0.5}])
def test_shares_that_leave_nothing_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(InputError, match="leave nothing"):
        Shares(**shares)


def test_a_side_may_be_left_out(collection: Path, tmp_path: Path) -> None:
    shares = Shares(val=0.2, test=0.0, calibration=0.0)
    counts = run(options_of(collection, tmp_path / "d", shares=shares)).prepared.counts()
    assert sum(counts["test"].values()) == sum(counts["calibration"].values()) == 0
    assert all(counts[side][name] for side in ("train", "val") for name in CLASSES)


def spoil(document: dict[str, Any], change: Callable[[dict[str, Any]], object]) -> str:
    change(document)
    return json.dumps(document)


def test_manifests_that_lie_are_refused(collection: Path, tmp_path: Path) -> None:
    out = tmp_path / "dataset"
    prepared = run(options_of(collection, out)).prepared
    text = (out / MANIFEST_FILE).read_text()
    spoilt = {
        "expected 1": spoil(json.loads(text), lambda d: d.update(format_version=9)),
        "not a valid manifest": spoil(json.loads(text), lambda d: d["photos"][0].pop("group")),
        "on the side 'moon'": spoil(json.loads(text), lambda d: d["photos"][0].update(side="moon")),
        "is not JSON": text[:-20],
    }
    for said, content in spoilt.items():
        (out / MANIFEST_FILE).write_text(content)
        with pytest.raises(DatasetError, match=said):
            read_prepared(out)
    with pytest.raises(DatasetError, match="is no prepared data set"):
        read_prepared(tmp_path)
    first = prepared.photos[0]
    other = replace(first, file="train/x.jpg", side="train" if first.side != "train" else "val")
    with pytest.raises(DatasetError, match="is on two sides"):
        check_sides([first, other], out)
    with pytest.raises(DatasetError, match="has a drawn blur"):
        check_sides([replace(first, drawn=True, side="test")], out)
    write_prepared(prepared, out)
    assert read_prepared(out) == prepared
