"""``flexpatch-train watch``: the video it writes, the records it streams, and how it refuses and stops."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Command
from networks import constant_network
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier

from flexpatch_train.labels import LABELS
from flexpatch_train.runtime.canvas import compose
from flexpatch_train.runtime.packing import Packing, pack
from flexpatch_train.runtime.patches import Patch
from flexpatch_train.runtime.tracked import Tracks
from flexpatch_train.watching.drawing import LOOKS, annotate, look_of
from flexpatch_train.watching.frames import Watched, WatchedFrame
from flexpatch_train.watching.watch import WatchOptions, rate_of, watch
from footage.cli.progress import progress
from footage.errors import ModelError, VideoError
from footage.persistence.sklearn import save_estimator
from footage.synthetic.scenes import Scene
from footage.video.images import write_image
from footage.video.reader import open_video
from footage.video.writer import VideoWriter

SIZE = (321, 181)  # odd, as cropped footage is
FRAMES = 24
RATE = Fraction(30000, 1001)
NETWORK_SIZE = (320, 192)
FOUND = (96.0, 46.0, 160.0, 110.0)
"""What the network finds in whatever it is given, in pixels of its input, where the picture stands 6 px lower."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scene = Scene.random(np.random.default_rng(4), size=SIZE, objects=5, frames=FRAMES, object_height=(0.2, 0.4))
    path = tmp_path_factory.mktemp("clip") / "street.mp4"
    with VideoWriter(path, size=SIZE, rate=RATE) as writer:
        for number in range(FRAMES):
            writer.write(scene.render(number).image)
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree for which low correlation is high risk."""
    x = np.zeros((300, 5))
    x[:, 1] = np.linspace(0, 1, 300)
    path = tmp_path_factory.mktemp("model") / "flexpatch_model.joblib"
    save_estimator(DecisionTreeClassifier(max_depth=3).fit(x, np.repeat(np.array(LABELS), 100)), path)
    return path


def network(path: Path, class_id: int = 0) -> Path:
    rows = np.array([[[*FOUND, 0.75, class_id]]], np.float32)
    return constant_network(path, rows, shape=(1, 3, NETWORK_SIZE[1], NETWORK_SIZE[0]), names="{0: 'person'}")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return network(tmp_path_factory.mktemp("weights") / "net.onnx")


def watched_by(options: WatchOptions, on_frame: Callable[[WatchedFrame], None] = lambda _: None) -> Watched:
    def shown(total: int | None, done: int) -> Any:
        return progress(total, "frames", "watching", already_done=done)

    return watch(options, tell=lambda _: None, make_progress=shown, on_frame=on_frame)


def frames_of(video: Path) -> tuple[list[NDArray[np.uint8]], Fraction | None]:
    with open_video(video) as reader:
        return [frame.image for frame in reader.frames()], reader.info.average_rate


def test_the_video_has_the_frames_size_and_rate_of_the_original(
    clip: Path, model: Path, weights: Path, tmp_path: Path, flexpatch: Command
) -> None:
    output = tmp_path / "out.mp4"
    ended = flexpatch("watch", clip, "--model", model, "--weights", weights, "--canvas", "160x96", "-o", output)
    assert ended.code == 0, ended.err
    pictures, rate = frames_of(output)
    assert len(pictures) == FRAMES
    assert {picture.shape for picture in pictures} == {(SIZE[1], SIZE[0], 3)}
    assert rate == RATE
    assert len(ended.out.splitlines()) == 1
    assert ended.out.startswith(f"{output}: {FRAMES} frames, ")
    share = (SIZE[0] * SIZE[1] + (FRAMES - 1) * 160 * 96) / (FRAMES * SIZE[0] * SIZE[1])
    assert f"shown {share:.1%} of the full" in ended.out
    for stage in ("reading", "tracking", "detection", "drawing", "writing"):
        assert stage in ended.err.splitlines()[-1]


def test_the_default_name_is_the_videos_in_the_current_folder(
    *, clip: Path, model: Path, weights: Path, tmp_path: Path, flexpatch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = flexpatch("watch", clip, "--model", model, "--weights", weights, "--max-frames", 3)
    assert ended.code == 0, ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["street_watched.mp4"]
    assert "no smaller than a frame" in ended.err


def test_the_box_that_was_found_is_drawn_where_it_was_found(
    clip: Path, model: Path, weights: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out.mkv"
    records: list[WatchedFrame] = []
    watched_by(WatchOptions(video=clip, model=model, weights=weights, output=output, max_frames=1), records.append)
    box = records[0].tracks.boxes[0]
    zoom = SIZE[0] / NETWORK_SIZE[0]
    np.testing.assert_allclose(box[[0, 2]], [FOUND[0] * zoom, FOUND[2] * zoom], atol=1)
    before, after = frames_of(clip)[0][0], frames_of(output)[0][0]
    left, top, right, bottom = np.rint(box).astype(int)
    changed = np.abs(before.astype(int) - after).max(axis=2)
    inside = changed[top + 5 : bottom - 5, left + 5 : right - 5]
    for side in (changed[top, left:right], changed[bottom, left:right], changed[top:bottom, left]):
        assert np.median(side) > np.median(inside) + 30


def test_every_frame_is_one_json_object_and_stdout_holds_nothing_else(
    *, clip: Path, model: Path, weights: Path, tmp_path: Path, flexpatch: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = flexpatch("watch", clip, "--model", model, "--weights", weights, "--canvas", "160X96", "--json")
    assert ended.code == 0, ended.err
    assert not list(tmp_path.iterdir())
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert [line["frame"] for line in lines] == list(range(FRAMES))
    assert {frozenset(line) for line in lines} == {
        frozenset(("frame", "pts_seconds", "objects", "patches", "detector_pixels"))
    }
    np.testing.assert_allclose([line["pts_seconds"] for line in lines], np.arange(FRAMES) / float(RATE), atol=1e-3)
    objects = [item for line in lines for item in line["objects"]]
    assert objects
    for item in objects:
        x0, y0, x1, y1 = item["box"]
        assert 0 <= x0 < x1 <= SIZE[0]
        assert 0 <= y0 < y1 <= SIZE[1]
        assert item["class"] == "person"
        assert 0 <= item["risk"] <= 1
    whole = [0, 0, *SIZE]
    assert lines[0]["patches"] == [{"source": whole, "target": whole, "kind": "whole"}]
    assert lines[0]["detector_pixels"] == SIZE[0] * SIZE[1]
    assert {line["detector_pixels"] for line in lines[1:]} == {160 * 96}
    assert {patch["kind"] for line in lines[1:] for patch in line["patches"]} <= {"failure", "new"}


def test_json_and_a_video_at_once(clip: Path, model: Path, weights: Path, tmp_path: Path, flexpatch: Command) -> None:
    output = tmp_path / "out.mp4"
    arguments = ("--model", model, "--weights", weights, "--max-frames", 4, "--json", "--output", output)
    ended = flexpatch("watch", clip, *arguments)
    assert ended.code == 0, ended.err
    assert len(ended.out.splitlines()) == len(frames_of(output)[0]) == 4
    assert f"{output}: 4 frames" in ended.err


def test_people_are_followed_on_real_footage_at_half_the_pixels(
    shared_data: Path, model: Path, tmp_path: Path, flexpatch: Command
) -> None:
    video = shared_data / "mot" / "PETS09-S2L1" / "PETS09-S2L1_480x360.mp4"
    output, network = tmp_path / "out.mp4", shared_data / "det" / "yolox_nano.onnx"
    arguments = ("--model", model, "--weights", network, "--classes", "person", "--canvas", "320x240")
    ended = flexpatch("watch", video, *arguments, "--max-frames", 40, "--json", "--output", output)
    assert ended.code == 0, ended.err
    lines = [json.loads(line) for line in ended.out.splitlines()]
    assert len(lines) == len(frames_of(output)[0]) == 40
    assert np.median([len(line["objects"]) for line in lines]) >= 3
    first = {item["object_id"] for item in lines[0]["objects"]}
    assert first & {item["object_id"] for item in lines[-1]["objects"]}


def test_a_truncated_video_is_used_up_to_the_cut(
    clip: Path, model: Path, weights: Path, tmp_path: Path, flexpatch: Command
) -> None:
    cut = tmp_path / "cut.mkv"
    with VideoWriter(cut, size=SIZE, rate=25) as writer:
        for picture in frames_of(clip)[0]:
            writer.write(picture)
    cut.write_bytes(cut.read_bytes()[: int(cut.stat().st_size * 0.7)])
    output = tmp_path / "out.mp4"
    ended = flexpatch("watch", cut, "--model", model, "--weights", weights, "-o", output)
    assert ended.code == 0, ended.err
    assert "used up to the cut" in ended.err
    assert 0 < len(frames_of(output)[0]) < FRAMES


def test_a_video_without_a_rate_is_shown_at_25_and_that_is_said(clip: Path) -> None:
    told: list[str] = []
    with open_video(clip) as reader:
        assert rate_of(reader.info, told.append) == RATE
        assert not told
        assert rate_of(replace(reader.info, average_rate=None), told.append) == 25
    assert "25 frames a second are assumed" in told[0]


def test_a_folder_of_stills_is_watched(
    clip: Path, model: Path, weights: Path, tmp_path: Path, flexpatch: Command
) -> None:
    folder, output = tmp_path / "stills", tmp_path / "out.mp4"
    folder.mkdir()
    for number, picture in enumerate(frames_of(clip)[0][:5]):
        write_image(folder / f"{number}.png", picture)
    ended = flexpatch("watch", folder, "--model", model, "--weights", weights, "-o", output)
    assert ended.code == 0, ended.err
    assert len(frames_of(output)[0]) == 5


def stop_at(number: int) -> Callable[[WatchedFrame], None]:
    def on_frame(record: WatchedFrame) -> None:
        if record.frame == number:
            raise KeyboardInterrupt

    return on_frame


def test_what_was_drawn_before_an_interrupt_is_kept(clip: Path, model: Path, weights: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    done = watched_by(WatchOptions(video=clip, model=model, weights=weights, output=output), stop_at(7))
    assert (done.interrupted, done.frames, done.output) == (True, 7, output)
    assert len(frames_of(output)[0]) == 7
    assert list(tmp_path.iterdir()) == [output]


def test_an_interrupt_leaves_the_video_of_before_alone(clip: Path, model: Path, weights: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    output.write_bytes(b"of before")
    with pytest.raises(KeyboardInterrupt):
        watched_by(WatchOptions(video=clip, model=model, weights=weights, output=output), stop_at(7))
    assert output.read_bytes() == b"of before"
    assert list(tmp_path.iterdir()) == [output]


def test_an_interrupt_before_the_first_frame_leaves_nothing(
    clip: Path, model: Path, weights: Path, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        watched_by(WatchOptions(video=clip, model=model, weights=weights, output=tmp_path / "out.mp4"), stop_at(0))
    assert not list(tmp_path.iterdir())


def test_a_detector_that_always_fails_is_an_error(clip: Path, model: Path, tmp_path: Path) -> None:
    unnamed = network(tmp_path / "net.onnx", class_id=9)
    with pytest.raises(ModelError, match=r"failed in every frame.*gave class 9"):
        watched_by(WatchOptions(video=clip, model=model, weights=unnamed, output=tmp_path / "out.mp4"))
    assert not (tmp_path / "out.mp4").exists()


def test_the_video_itself_is_never_written_over(clip: Path, model: Path, weights: Path, tmp_path: Path) -> None:
    link, content = tmp_path / "link.mp4", clip.read_bytes()
    link.symlink_to(clip)
    with pytest.raises(VideoError, match="is the video itself"):
        watched_by(WatchOptions(video=clip, model=model, weights=weights, output=link))
    assert clip.read_bytes() == content


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--model", "none.joblib"), "none.joblib: there is no such model"),
        (("--weights", "none.onnx"), "none.onnx: there is no such file"),
        (("--detector", "motion"), "compares a whole frame"),
        (("--detector", "mot", "--weights", "det.txt"), "written for whole frames"),
        (("--weights", "det.txt"), "written for whole frames"),
        ((), "needs a .onnx file and none was given"),
        (("--output", "nowhere/out.mp4"), "nowhere/out.mp4"),
        (("--output", "out.unknown"), "out.unknown"),
    ],
)
def test_bad_input_ends_with_one_line(
    *,
    clip: Path,
    model: Path,
    weights: Path,
    tmp_path: Path,
    flexpatch: Command,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "det.txt").write_text("1,-1,10,10,20,40,0.9\n")
    given = ["--weights", weights] if "--output" in arguments else []
    ended = flexpatch("watch", clip, *(() if "--model" in arguments else ("--model", model)), *given, *arguments)
    assert ended.code == 1
    errors = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert said in errors[0]
    assert "hint: " in ended.err
    assert ended.out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["det.txt"]


def test_a_model_that_was_changed_is_refused(clip: Path, model: Path, weights: Path, tmp_path: Path) -> None:
    changed = tmp_path / "flexpatch_model.joblib"
    changed.write_bytes(model.read_bytes())
    changed.with_suffix(".json").write_text("{}")
    with pytest.raises(ModelError, match="manifest"):
        watched_by(WatchOptions(video=clip, model=changed, weights=weights))


@pytest.mark.parametrize("canvas", ["640", "640x", "0x360", "640x16", "axb", "640x360x3", "-640x360"])
def test_a_canvas_that_is_no_size_is_a_usage_error(clip: Path, flexpatch: Command, canvas: str) -> None:
    ended = flexpatch("watch", clip, f"--canvas={canvas}")
    assert ended.code == 2
    assert "such as 640x360" in ended.err


def tracks_of(boxes: list[tuple[float, float, float, float]], risks: list[float]) -> Tracks:
    count = len(boxes)
    return Tracks(
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        scores=np.full(count, 0.5, np.float32),
        class_ids=np.zeros(count, np.int64),
        object_ids=np.arange(1, count + 1),
        risks=np.array(risks, np.float32),
    )


def looks_of(picture: NDArray[np.uint8]) -> list[int]:
    """How many pixels have exactly the colour of each look."""
    return [int((picture == np.array(look.colour)).all(axis=2).sum()) for look in LOOKS]


def test_colour_thickness_and_dashes_tell_the_risk() -> None:
    grey = np.full((200, 300, 3), 128, np.uint8)
    counts = []
    for number, risk in enumerate((0.0, 0.5, 1.0)):
        tracks = tracks_of([(100, 60, 180, 160)], [risk])
        drawn = annotate(grey, tracks, None, np.full((2, 2, 3), 128, np.uint8), [])
        found = looks_of(drawn)
        assert [count > 0 for count in found] == [look is LOOKS[number] for look in LOOKS]
        counts.append(found[number])
        lower_side = (drawn[160, 105:175] == np.array(LOOKS[number].colour)).all(axis=1)
        assert lower_side.all() == (not LOOKS[number].dashed)
        assert lower_side.any()
    assert counts[0] < counts[1]
    assert len({look.thickness for look in LOOKS}) == 3
    assert (grey == 128).all()


def test_risks_are_drawn_as_the_label_they_are_nearest_to() -> None:
    assert [look_of(risk).name for risk in (0, 0.24, 0.26, 0.74, 0.76, 1)] == [
        "low", "low", "medium", "medium", "high", "high",
    ]  # fmt: skip


def shown(size: tuple[int, int], canvas_size: tuple[int, int]) -> Packing:
    return pack([Patch((0.0, 0.0, size[0] / 2, size[1] / 2), 1.0, "failure", 1)], canvas_size)


def test_what_the_detector_was_not_shown_is_darker_and_the_canvas_is_inset() -> None:
    size = (400, 300)
    white = np.full((300, 400, 3), 200, np.uint8)
    packing = shown(size, (200, 150))
    drawn = annotate(white, tracks_of([], []), packing, compose(white, packing), ["a caption"])
    np.testing.assert_array_equal(drawn[10:140, 10:190], 200)
    assert (drawn[170:270, 10:390] < 150).all()
    corner = drawn[8:100, 300:390]
    assert (corner == 114).all(axis=2).any(), "the canvas's grey"
    assert not np.array_equal(drawn[-4:], annotate(white, tracks_of([], []), packing, white, [])[-4:])


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (33, 17), (17, 300), (640, 11), (101, 77), (1919, 1079)])
def test_pictures_of_any_size_can_be_drawn_on(size: tuple[int, int]) -> None:
    picture = np.full((size[1], size[0], 3), 90, np.uint8)
    tracks = tracks_of([(0, 0, *size), (size[0] / 4, 0, size[0] / 2, size[1])], [0.1, 1.0])
    packing = shown(size, (32, 32)) if min(size) > 1 else None
    canvas = picture if packing is None else compose(picture, packing)
    drawn = annotate(picture, tracks, packing, canvas, ["a long caption that seldom fits", "short"])
    assert drawn.shape == picture.shape
    assert drawn.dtype == np.uint8
    assert not np.array_equal(drawn, picture)
